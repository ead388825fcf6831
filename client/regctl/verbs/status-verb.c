/* SPDX-License-Identifier: MIT */
/* The verb status: the state of the daemon. */
#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/verbs/metrics.h"
#include "client/regctl/verbs/verbs.h"

/* The daemon's properties, by the names that are printed. */
typedef struct {
  const char *version;
  dbus_uint64_t revision;
  dbus_bool_t read_only;
  gboolean has_standing; /* the daemon tells the rest, too */
  Standing standing;
} Status;

static const struct {
  const char *name;
  gsize offset;
} counts[] = {
    {"trials", G_STRUCT_OFFSET(Status, standing.trials)},
    {"locks", G_STRUCT_OFFSET(Status, standing.locks)},
    {"drifted", G_STRUCT_OFFSET(Status, standing.drifted)},
};

static guint64 get_count(const Status *status, gsize index) {
  return *(const guint64 *)(gconstpointer)((const char *)status + counts[index].offset);
}

static const struct {
  const char *property;
  int type;
  gsize offset;
} properties[] = {
    {"Version", DBUS_TYPE_STRING, G_STRUCT_OFFSET(Status, version)},
    {"Revision", DBUS_TYPE_UINT64, G_STRUCT_OFFSET(Status, revision)},
    {"ReadOnly", DBUS_TYPE_BOOLEAN, G_STRUCT_OFFSET(Status, read_only)},
};

static gboolean read_properties(DBusMessageIter *dictionary, Status *status, GError **error) {
  g_autoptr(WireOptions) given = wire_options_read(dictionary, error);
  for (gsize i = 0; given != NULL && i < G_N_ELEMENTS(properties); i++) {
    DBusMessageIter content;
    if (!wire_options_get_content(given, properties[i].property, &content) ||
        dbus_message_iter_get_arg_type(&content) != properties[i].type)
      return error_set(error, REGISTRY_ERROR_FAILED, "status: the daemon does not tell its %s",
                       properties[i].property);
    dbus_message_iter_get_basic(&content, (char *)status + properties[i].offset);
  }
  return given != NULL;
}

/* Calls @print for each text in the array. */
static void for_each_problem(DBusMessageIter *problems, void (*print)(Json *, const char *),
                             Json *json) {
  DBusMessageIter texts;
  if (problems == NULL)
    return;
  dbus_message_iter_recurse(problems, &texts);
  for (; dbus_message_iter_get_arg_type(&texts) == DBUS_TYPE_STRING;
       dbus_message_iter_next(&texts)) {
    const char *text = "";
    dbus_message_iter_get_basic(&texts, &text);
    print(json, text);
  }
}

static void print_problem(Json *json, const char *text) {
  g_string_append(json->text, "problem: ");
  escape_append(json->text, text);
  g_string_append_c(json->text, '\n');
}

/* @problems: what is wrong with the database, an array of strings; NULL: nothing. */
static void print_status(Session *session, const Status *status, const char *owner,
                         DBusMessageIter *problems) {
  Json *json = &session->json;
  if (session_has(session, OPTION_JSON)) {
    json_begin(json, '{');
    json_member_string(json, "version", status->version);
    json_member_number(json, "revision", status->revision);
    json_member_boolean(json, "read-only", status->read_only != 0);
    json_member_string(json, "name", REGISTRY_BUS_NAME);
    json_member_string(json, "owner", owner);
    for (gsize i = 0; status->has_standing && i < G_N_ELEMENTS(counts); i++)
      json_member_number(json, counts[i].name, get_count(status, i));
    json_name(json, "problems");
    json_begin(json, '[');
    for_each_problem(problems, json_string, json);
    json_end(json, ']');
    json_end(json, '}');
    g_string_append_c(json->text, '\n');
    return;
  }
  g_string_append(json->text, "version: ");
  escape_append(json->text, status->version);
  g_string_append_printf(json->text,
                         "\nrevision: %" G_GUINT64_FORMAT
                         "\nread-only: %s\nname: " REGISTRY_BUS_NAME "\nowner: %s\n",
                         (guint64)status->revision, status->read_only ? "yes" : "no", owner);
  for (gsize i = 0; status->has_standing && i < G_N_ELEMENTS(counts); i++)
    g_string_append_printf(json->text, "%s: %" G_GUINT64_FORMAT "\n", counts[i].name,
                           get_count(status, i));
  for_each_problem(problems, print_problem, json);
}

static WireMessage *get_statistics(Session *session, DBusMessageIter *answer, GError **error) {
  Request request;
  request_begin(&request, "GetStatistics");
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, answer, error);
  return reply != NULL && session_check_reply(reply, "a{sv}", error) ? g_steal_pointer(&reply)
                                                                     : NULL;
}

static gboolean print_metrics(Session *session, GError **error) {
  DBusMessageIter answer;
  g_autoptr(WireMessage) reply = get_statistics(session, &answer, error);
  return reply != NULL && metrics_print(session_out(session), &answer, error);
}

/* A database that is sound has no problems to ask for. They are told to administrators; a daemon
 * that is too damaged to count tells none. */
static void print_with_problems(Session *session, const Status *status, const char *owner) {
  DBusMessageIter answer, problems;
  g_autoptr(WireMessage) reply = status->read_only ? get_statistics(session, &answer, NULL) : NULL;
  g_autoptr(WireOptions) given = reply != NULL ? wire_options_read(&answer, NULL) : NULL;
  gboolean told = given != NULL && wire_options_get_content(given, "problems", &problems) &&
                  dbus_message_iter_get_arg_type(&problems) == DBUS_TYPE_ARRAY &&
                  dbus_message_iter_get_element_type(&problems) == DBUS_TYPE_STRING;
  print_status(session, status, owner, told ? &problems : NULL);
}

gboolean verb_status(Session *session, GError **error) {
  if (session_has(session, OPTION_METRICS))
    return print_metrics(session, error);
  Request request;
  DBusMessageIter answer;
  Status status = {.version = ""};
  request_begin_of(&request, DBUS_INTERFACE_PROPERTIES, "GetAll");
  request_add_string(&request, REGISTRY_INTERFACE);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a{sv}", error) ||
      !read_properties(&answer, &status, error))
    return FALSE;
  status.has_standing = standing_count(session, &status.standing);
  const char *owner = dbus_message_get_sender(reply);
  print_with_problems(session, &status, owner != NULL ? owner : "");
  return TRUE;
}

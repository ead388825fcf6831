/* SPDX-License-Identifier: MIT */
/* The verb fleet: how this host stands to its fleet, and what an administrator does with it. */
#include "client/regctl/fleet/fleet-verb.h"

#include <string.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/reply.h"
#include "client/regctl/fleet/fleet-verb-private.h"

void fleet_request_begin(Request *request, const char *member) {
  request_begin_of(request, FLEET_INTERFACE, member);
  request_check(request, dbus_message_set_path(request->message, FLEET_OBJECT_PATH));
}

/* ---- status ---- */

static gboolean show_status(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  fleet_request_begin(&request, "GetStatus");
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a{sv}", error))
    return FALSE;
  session_print_dictionary(session, &answer);
  return TRUE;
}

/* ---- problems ---- */

typedef struct {
  const char *record, *problem;
  dbus_uint64_t revision;
} Problem;

static void read_problem(DBusMessageIter *structure, Problem *problem) {
  DBusMessageIter in;
  dbus_message_iter_recurse(structure, &in);
  dbus_message_iter_get_basic(&in, &problem->record);
  dbus_message_iter_next(&in);
  dbus_message_iter_get_basic(&in, &problem->problem);
  dbus_message_iter_next(&in);
  dbus_message_iter_get_basic(&in, &problem->revision);
}

static void print_problem(Session *session, const Problem *problem) {
  GString *out = session_out(session);
  g_string_append_printf(out, "%" G_GUINT64_FORMAT "\t", (guint64)problem->revision);
  escape_append(out, problem->record);
  g_string_append_c(out, '\t');
  escape_append(out, problem->problem);
  g_string_append_c(out, '\n');
}

static void write_problem(Session *session, const Problem *problem) {
  Json *json = &session->json;
  json_begin(json, '{');
  json_member_string(json, "record", problem->record);
  json_member_string(json, "problem", problem->problem);
  json_member_number(json, "revision", problem->revision);
  json_end(json, '}');
}

static gboolean show_problems(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer, array;
  gboolean as_json = session_has(session, OPTION_JSON);
  fleet_request_begin(&request, "ListProblems");
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a(sst)", error))
    return FALSE;
  if (as_json)
    json_begin(&session->json, '[');
  dbus_message_iter_recurse(&answer, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT;
       dbus_message_iter_next(&array)) {
    Problem problem = {0};
    read_problem(&array, &problem);
    (as_json ? write_problem : print_problem)(session, &problem);
    session->exit_code = EXIT_CODE_FAILED;
  }
  if (!as_json)
    return TRUE;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

static gboolean clear_problems(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  dbus_uint32_t count = 0;
  fleet_request_begin(&request, "ClearProblems");
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "u", error))
    return FALSE;
  dbus_message_iter_get_basic(&answer, &count);
  session_note(session, "%u acknowledged", count);
  return TRUE;
}

static gboolean problems(Session *session, GError **error) {
  return (session_has(session, OPTION_CLEAR) ? clear_problems : show_problems)(session, error);
}

/* ---- verify ---- */

static void tell_difference(Session *session, const char *kind, const char *key, const char *name) {
  GString *out = session_out(session);
  Json *json = &session->json;
  session->exit_code = EXIT_CODE_FAILED;
  if (session_has(session, OPTION_JSON)) {
    json_begin(json, '{');
    json_member_string(json, "kind", kind);
    json_member_string(json, "key", key);
    json_member_string(json, "name", name);
    json_end(json, '}');
    return;
  }
  g_string_append_printf(out, "%s\t", kind);
  escape_append(out, key);
  g_string_append_c(out, '\t');
  escape_append(out, name);
  g_string_append_c(out, '\n');
}

static void tell_differences(Session *session, DBusMessageIter *answer) {
  DBusMessageIter array, in;
  dbus_message_iter_recurse(answer, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT;
       dbus_message_iter_next(&array)) {
    dbus_message_iter_recurse(&array, &in);
    const char *kind = reply_take_string(&in), *key = reply_take_string(&in);
    tell_difference(session, kind, key, reply_take_string(&in));
  }
}

static gboolean verify(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  gboolean as_json = session_has(session, OPTION_JSON);
  fleet_request_begin(&request, "Verify");
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "a(sss)", error))
    return FALSE;
  g_autoptr(GPtrArray) splits = fleet_find_splits(session, error);
  if (splits == NULL)
    return FALSE;
  if (as_json)
    json_begin(&session->json, '[');
  tell_differences(session, &answer);
  if (session->exit_code == EXIT_CODE_DONE)
    session_note(session, "this host holds what the cluster holds");
  else
    session_note(session, "this host differs from the cluster: regctl fleet resync");
  for (guint i = 0; i < splits->len; i++) {
    const char *const *pair = splits->pdata[i];
    tell_difference(session, "other-digest", pair[0], pair[1]);
  }
  if (!as_json)
    return TRUE;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- what changes something ---- */

/* A second operand. */
typedef enum { OPERAND_NONE, OPERAND_COMMIT, OPERAND_HOST } OperandKind;

/* A word behind the verb, the call that it makes, and the options that go with it. */
typedef struct {
  const char *word, *member, *name;                   /* name: of the flag, in the call */
  guint64 options;                                    /* bits of those besides the flag */
  gboolean (*show)(Session *session, GError **error); /* in place of a call */
  OptionName flag;                                    /* N_OPTIONS: none */
  OperandKind operand;                                /* of a host: the call's first argument */
} Action;

#define BIT OPTION_BIT
static const Action actions[] = {
    {"status", NULL, NULL, 0, show_status, N_OPTIONS, OPERAND_NONE},
    {"init", "Init", "from-local", 0, NULL, OPTION_FROM_LOCAL, OPERAND_NONE},
    {"join", "Join", "replace", 0, NULL, OPTION_REPLACE, OPERAND_NONE},
    {"leave", "Leave", "drop", 0, NULL, OPTION_DROP, OPERAND_NONE},
    {"hosts", NULL, NULL, 0, fleet_show_hosts, OPTION_BEHIND, OPERAND_NONE},
    {"wait", NULL, NULL, BIT(OPTION_TIMEOUT), fleet_wait, OPTION_HOSTS, OPERAND_COMMIT},
    {"forget", "Forget", "force", 0, NULL, OPTION_FORCE, OPERAND_HOST},
    {"resync", "Resync", "force", BIT(OPTION_DRY_RUN), NULL, OPTION_FORCE, OPERAND_NONE},
    {"reseal", "Reseal", NULL, 0, NULL, N_OPTIONS, OPERAND_NONE},
    {"verify", NULL, NULL, 0, verify, N_OPTIONS, OPERAND_NONE},
    {"problems", NULL, NULL, 0, problems, OPTION_CLEAR, OPERAND_NONE},
};

static gboolean change(Session *session, const Action *action, GError **error) {
  Request request;
  DBusMessageIter answer;
  const char *text = "";
  fleet_request_begin(&request, action->member);
  if (action->operand == OPERAND_HOST)
    request_add_string(&request, session_get_operand(session, 1));
  request_open_options(&request);
  if (action->flag != N_OPTIONS && session_has(session, action->flag))
    request_check(&request, wire_append_entry_boolean(&request.options, action->name, TRUE));
  if (session_has(session, OPTION_DRY_RUN))
    request_check(&request, wire_append_entry_boolean(&request.options, "dry-run", TRUE));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "s", error))
    return FALSE;
  dbus_message_iter_get_basic(&answer, &text);
  session_note(session, "%s", text);
  return TRUE;
}

static const Action *find_action(const char *word) {
  for (gsize i = 0; word != NULL && i < G_N_ELEMENTS(actions); i++)
    if (strcmp(actions[i].word, word) == 0)
      return &actions[i];
  return NULL;
}

static gboolean check_operand(const Action *action, const char *operand, GError **error) {
  if (operand == NULL && action->operand == OPERAND_HOST)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "fleet %s takes the name of a host: `regctl fleet hosts` lists them",
                     action->word);
  return operand == NULL || action->operand != OPERAND_NONE ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "fleet %s takes nothing more, not '%s'",
                   action->word, operand);
}

static gboolean check_words(const Session *session, const Action *action, GError **error) {
  static const OptionName flags[] = {OPTION_FROM_LOCAL, OPTION_REPLACE, OPTION_DROP,
                                     OPTION_FORCE,      OPTION_DRY_RUN, OPTION_BEHIND,
                                     OPTION_HOSTS,      OPTION_TIMEOUT, OPTION_CLEAR};
  for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
    gboolean goes = flags[i] == action->flag || (action->options & BIT(flags[i])) != 0;
    if (session_has(session, flags[i]) && !goes)
      return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                       "fleet %s does not take --%s: see `regctl help fleet`", action->word,
                       regctl_options.rows[flags[i]].name);
  }
  return check_operand(action, session_get_operand(session, 1), error);
}

/* "status, init, ... or problems". */
static char *list_words(void) {
  GString *text = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
    g_string_append_printf(text, "%s%s",
                           i == 0                          ? ""
                           : i + 1 < G_N_ELEMENTS(actions) ? ", "
                                                           : " or ",
                           actions[i].word);
  return g_string_free(text, FALSE);
}

gboolean verb_fleet(Session *session, GError **error) {
  const char *word = session_get_operand(session, 0);
  const Action *action = find_action(word);
  if (action == NULL) {
    g_autofree char *words = list_words();
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "fleet takes %s, not '%s'", words,
                     word);
  }
  if (!check_words(session, action, error))
    return FALSE;
  return action->show != NULL ? action->show(session, error) : change(session, action, error);
}

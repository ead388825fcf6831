/* SPDX-License-Identifier: MIT */
/* The verbs declared, drift and disown. */
#include <string.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/data.h"
#include "client/regctl/branch/difference.h"
#include "client/regctl/branch/listing.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/declare/declare-verbs.h"

/* ---- declared ---- */

static void print_declaration(Session *session, const Declaration *declaration,
                              G_GNUC_UNUSED gpointer data) {
  GString *out = session_out(session);
  escape_append(out, declaration->owner);
  g_string_append_c(out, '\t');
  escape_append(out, declaration->key);
  g_string_append_c(out, '\t');
  if (!declaration->of_key)
    data_print_name(declaration->name, out);
  g_string_append(out, declaration->is_met ? "\n" : "\tdrifted\n");
}

/* On a terminal those of one key stand below it; what is declared of the key itself has no name. */
static void add_declaration(Session *session, const Declaration *declaration, gpointer data) {
  g_autofree char *key =
      g_strndup(declaration->key, strlen(declaration->key) - (declaration->of_key ? 1 : 0));
  g_autoptr(GString) name = g_string_new(declaration->of_key ? "the key itself" : NULL);
  g_autoptr(GString) owner = g_string_new(NULL);
  if (!declaration->of_key)
    data_print_name(declaration->name, name);
  escape_append(owner, declaration->owner);
  table_add(group_enter(data, session, key), name->str, owner->str,
            declaration->is_met ? "" : "drifted", FALSE);
}

static void write_declaration(Session *session, const Declaration *declaration,
                              G_GNUC_UNUSED gpointer data) {
  Json *json = &session->json;
  json_begin(json, '{');
  json_member_string(json, "owner", declaration->owner);
  json_member_string(json, "key", declaration->key);
  json_member_string(json, "name", declaration->name);
  json_member_boolean(json, "drifted", !declaration->is_met);
  json_end(json, '}');
}

static DeclarationVisit choose_visit(const Session *session) {
  if (session_has(session, OPTION_JSON))
    return write_declaration;
  return session->screen.is_terminal ? add_declaration : print_declaration;
}

static gboolean show_declared(Session *session, Group *group, GError **error) {
  g_auto(GStrv) keys = standing_take_keys(session, error);
  for (char **key = keys; keys != NULL && *key != NULL; key++)
    if (!standing_visit_declared(session, *key, session->line->texts[OPTION_OWNER],
                                 choose_visit(session), group, error))
      return FALSE;
  return keys != NULL;
}

gboolean verb_declared(Session *session, GError **error) {
  gboolean as_json = session_has(session, OPTION_JSON);
  Group group = {0};
  if (as_json)
    json_begin(&session->json, '[');
  gboolean shown = show_declared(session, &group, error);
  group_print(&group, session);
  if (!shown || !as_json)
    return shown;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- drift ---- */

typedef struct {
  Branch *declared, *present;
} Sides;

typedef struct {
  const char *key, *name;
  gboolean of_key, key_there;
  RegistryValue *declared, *present;
} Drift;

static void drift_clear(Drift *drift) {
  registry_value_unref(drift->declared);
  registry_value_unref(drift->present);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Drift, drift_clear)

static gboolean read_half(const WireOptions *given, const Drift *drift, const char *side,
                          RegistryValue **value, GError **error) {
  guint32 type = 0;
  DBusMessageIter content;
  g_autofree char *type_name = g_strconcat(side, "-type", NULL);
  g_autofree char *data_name = g_strconcat(side, "-data", NULL);
  if (!wire_options_has(given, type_name))
    return TRUE;
  if (!wire_options_get_uint32(given, type_name, &type, error) ||
      !wire_options_get_content(given, data_name, &content))
    return FALSE;
  *value = wire_read_content(&content, type, drift->key, drift->name, error);
  return *value != NULL;
}

/* A key without values is told by itself; one that is missing has none. */
static void add_drift(const Sides *sides, const Drift *drift) {
  BranchKey *declared = branch_add_key(sides->declared, drift->key);
  BranchKey *present = drift->key_there ? branch_add_key(sides->present, drift->key) : NULL;
  const char *name = drift->of_key ? LINK_VALUE_NAME : drift->name;
  if (drift->declared != NULL)
    branch_set_value(declared, name, drift->declared);
  if (present != NULL && drift->present != NULL)
    branch_set_value(present, name, drift->present);
}

static gboolean read_drift(const Sides *sides, DBusMessageIter *dictionary, GError **error) {
  g_autoptr(WireOptions) given = wire_options_read(dictionary, error);
  g_auto(Drift) drift = {.key = "", .name = ""};
  if (given == NULL || !wire_options_get_string(given, "key", &drift.key, error) ||
      !wire_options_get_string(given, "name", &drift.name, error) ||
      !wire_options_get_boolean(given, "key-there", &drift.key_there, error))
    return FALSE;
  drift.of_key = !wire_options_has(given, "name");
  if (!read_half(given, &drift, "declared", &drift.declared, error) ||
      !read_half(given, &drift, "present", &drift.present, error))
    return FALSE;
  add_drift(sides, &drift);
  return TRUE;
}

static gboolean read_key(Session *session, const char *key, const Sides *sides, GError **error) {
  DBusMessageIter answer, rows;
  g_autoptr(WireMessage) reply =
      standing_ask(session, "ListDrift", key, session->line->texts[OPTION_OWNER], &answer, error);
  if (reply == NULL || !session_check_reply(reply, "aa{sv}", error))
    return FALSE;
  for (dbus_message_iter_recurse(&answer, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_ARRAY; dbus_message_iter_next(&rows))
    if (!read_drift(sides, &rows, error))
      return FALSE;
  return TRUE;
}

static gboolean show_drift(Session *session, GError **error) {
  g_auto(GStrv) keys = standing_take_keys(session, error);
  g_autoptr(Branch) declared = branch_new("", NULL);
  g_autoptr(Branch) present = branch_new("", NULL);
  const Sides sides = {declared, present};
  if (keys == NULL)
    return FALSE;
  for (char **key = keys; *key != NULL; key++)
    if (!read_key(session, *key, &sides, error))
      return FALSE;
  if (difference_print(session, declared, "declared", present, "present"))
    session->exit_code = EXIT_CODE_FAILED;
  return TRUE;
}

/* As in diff(1), 1 means that something differs: a failure is 2. */
gboolean verb_drift(Session *session, GError **error) {
  GError *problem = NULL;
  if (show_drift(session, &problem))
    return TRUE;
  if (error_get_exit_code(problem) == EXIT_CODE_FAILED)
    problem->code = REGISTRY_ERROR_INVALID_ARGUMENTS;
  g_propagate_error(error, problem);
  return FALSE;
}

/* ---- disown ---- */

static void note_declared(G_GNUC_UNUSED Session *session,
                          G_GNUC_UNUSED const Declaration *declaration, gpointer data) {
  *(gboolean *)data = TRUE;
}

/* Whether the owner declares anything that the caller may see. */
static gboolean has_declared(Session *session, const char *owner, gboolean *has, GError **error) {
  for (const char *const *root = standing_roots; *root != NULL; root++)
    if (!standing_visit_declared(session, *root, owner, note_declared, has, error))
      return FALSE;
  return TRUE;
}

gboolean verb_disown(Session *session, GError **error) {
  Request request;
  Written written = {0};
  const char *owner = session_get_operand(session, 0);
  if (session_has(session, OPTION_JSON) && !has_declared(session, owner, &written.changed, error))
    return FALSE;
  request_begin(&request, "Disown");
  request_add_string(&request, owner);
  request_open_options(&request);
  request_close_options(&request);
  if (!session_write(session, &request, &written.revision, error))
    return FALSE;
  session_report(session, &written);
  return TRUE;
}

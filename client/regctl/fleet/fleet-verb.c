/* SPDX-License-Identifier: MIT */
/* The verb fleet: how this host stands to its fleet, and what an administrator does with it. */
#include "client/regctl/fleet/fleet-verb.h"

#include <string.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/reply.h"

static void begin(Request *request, const char *member) {
  request_begin_of(request, FLEET_INTERFACE, member);
  request_check(request, dbus_message_set_path(request->message, FLEET_OBJECT_PATH));
}

/* ---- status ---- */

static gboolean show_status(Session *session, GError **error) {
  Request request;
  DBusMessageIter answer;
  begin(&request, "GetStatus");
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
  begin(&request, "ListProblems");
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

/* ---- what changes something ---- */

/* A word behind the verb, the call that it makes, and the options that go with it. */
typedef struct {
  const char *word, *member, *name; /* name: of the flag, in the call */
  OptionName flag;                  /* N_OPTIONS: none */
  gboolean dry_run;
  gboolean (*show)(Session *session, GError **error); /* in place of a call */
} Action;

static const Action actions[] = {
    {"status", NULL, NULL, N_OPTIONS, FALSE, show_status},
    {"init", "Init", "from-local", OPTION_FROM_LOCAL, FALSE, NULL},
    {"join", "Join", "replace", OPTION_REPLACE, FALSE, NULL},
    {"leave", "Leave", "drop", OPTION_DROP, FALSE, NULL},
    {"resync", "Resync", "force", OPTION_FORCE, TRUE, NULL},
    {"reseal", "Reseal", NULL, N_OPTIONS, FALSE, NULL},
    {"problems", NULL, NULL, N_OPTIONS, FALSE, show_problems},
};

static gboolean change(Session *session, const Action *action, GError **error) {
  Request request;
  DBusMessageIter answer;
  const char *text = "";
  begin(&request, action->member);
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

static gboolean check_options(const Session *session, const Action *action, GError **error) {
  static const OptionName flags[] = {OPTION_FROM_LOCAL, OPTION_REPLACE, OPTION_DROP, OPTION_FORCE,
                                     OPTION_DRY_RUN};
  for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
    gboolean goes = flags[i] == action->flag || (flags[i] == OPTION_DRY_RUN && action->dry_run);
    if (session_has(session, flags[i]) && !goes)
      return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                       "fleet %s does not take --%s: see `regctl help fleet`", action->word,
                       regctl_options.rows[flags[i]].name);
  }
  return TRUE;
}

gboolean verb_fleet(Session *session, GError **error) {
  const char *word = session_get_operand(session, 0);
  const Action *action = find_action(word);
  if (action == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "fleet takes status, init, join, leave, resync, reseal or problems, not '%s'",
                     word);
  if (!check_options(session, action, error))
    return FALSE;
  return action->show != NULL ? action->show(session, error) : change(session, action, error);
}

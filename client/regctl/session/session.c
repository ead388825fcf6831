/* SPDX-License-Identifier: MIT */
/* One run of regctl. */
#include "client/regctl/session/session.h"

#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/cli/output.h"
#include "client/cli/reply.h"

#define BUS_VARIABLE "REGD_BUS"
#define MUCH (64U * 1024U)
/* A regd that lets a call wait for so long without a sign of life hangs. */
#define SILENCE_MS 30000U

void session_init(Session *session, const CommandLine *line) {
  *session = (Session){.line = line, .exit_code = EXIT_CODE_DONE};
  session->json.text = g_string_new(NULL);
  session->screen = screen_find(line->texts[OPTION_COLOR]);
  session->patience.repeats = line->given[OPTION_WAIT_FLEET];
  session->patience.seconds =
      line->given[OPTION_TIMEOUT] ? (guint)line->numbers[OPTION_TIMEOUT] : FLEET_WAIT_SECONDS;
}

void session_clear(Session *session) {
  g_clear_pointer(&session->connection, registry_connection_unref);
  offline_end(&session->offline);
  g_clear_pointer(&session->secrets, g_hash_table_unref);
  g_clear_pointer(&session->secrets_key, g_free);
  g_string_free(session->json.text, TRUE);
}

gboolean session_has(const Session *session, OptionName option) {
  return session->line->given[option];
}

char *session_get_operand(const Session *session, guint index) {
  if (index + 1 >= session->line->n_operands)
    return NULL;
  return g_ptr_array_index(session->line->operands, index + 1);
}

static RegistryConnection *connect_offline(Session *session, GError **error) {
  if (session_has(session, OPTION_BUS)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "--database and --bus exclude each other: a database that regd serves is reached by "
              "its bus");
    return NULL;
  }
  if (!offline_start(&session->offline, session->line->texts[OPTION_DATABASE], error))
    return NULL;
  return registry_connection_new(session->offline.address, NULL, error);
}

static RegistryConnection *connect_to_bus(const Session *session, GError **error) {
  const char *bus = session->line->texts[OPTION_BUS];
  return registry_connection_new(bus != NULL ? bus : g_getenv(BUS_VARIABLE), NULL, error);
}

RegistryConnection *session_connect(Session *session, GError **error) {
  if (session->connection != NULL)
    return session->connection;
  session->connection = session_has(session, OPTION_DATABASE) ? connect_offline(session, error)
                                                              : connect_to_bus(session, error);
  if (session->connection != NULL)
    connection_set_silence_limit(session->connection, SILENCE_MS);
  return session->connection;
}

/* ---- printing ---- */

GString *session_out(Session *session) {
  return session->json.text;
}

gboolean session_flush(Session *session, GError **error) {
  return output_flush(session->json.text, error);
}

gboolean session_flush_much(Session *session, GError **error) {
  return session->json.text->len < MUCH || session_flush(session, error);
}

void session_note(const Session *session, const char *format, ...) {
  if (session_has(session, OPTION_QUIET))
    return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  output_say("regctl", text);
}

/* ---- calls ---- */

void request_begin_of(Request *request, const char *interface, const char *member) {
  *request = (Request){.message = connection_new_call_of(interface, member), .complete = TRUE};
  dbus_message_iter_init_append(request->message, &request->arguments);
}

void request_begin(Request *request, const char *member) {
  request_begin_of(request, REGISTRY_INTERFACE, member);
}

void request_check(Request *request, gboolean appended) {
  request->complete = request->complete && appended;
}

void request_add_string(Request *request, const char *text) {
  request_check(request, wire_append_string(&request->arguments, text));
}

void request_add_value(Request *request, const RegistryValue *value) {
  dbus_uint32_t type = registry_value_get_type(value);
  request_check(request,
                dbus_message_iter_append_basic(&request->arguments, DBUS_TYPE_UINT32, &type));
  request_check(request, wire_append_value(&request->arguments, value));
}

void request_open_options(Request *request) {
  request_check(request, dbus_message_iter_open_container(&request->arguments, DBUS_TYPE_ARRAY,
                                                          "{sv}", &request->options));
}

void request_close_options(Request *request) {
  request_check(request, dbus_message_iter_close_container(&request->arguments, &request->options));
}

/* Only somebody at a terminal is there to be asked. */
static void let_ask(const Session *session, DBusMessage *call) {
  gboolean asks = !session_has(session, OPTION_NO_ASK) && !session_has(session, OPTION_DATABASE) &&
                  isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
  dbus_message_set_allow_interactive_authorization(call, asks);
}

DBusMessage *session_call(Session *session, Request *request, DBusMessageIter *reply,
                          GError **error) {
  g_autoptr(WireMessage) call = g_steal_pointer(&request->message);
  RegistryConnection *connection = session_connect(session, error);
  if (connection == NULL)
    return NULL;
  if (!request->complete) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: this is more than a message holds",
              dbus_message_get_member(call));
    return NULL;
  }
  if (error != NULL)
    let_ask(session, call);
  DBusMessage *answer = fleet_call(connection, call, &session->patience, error);
  if (answer != NULL && reply != NULL)
    dbus_message_iter_init(answer, reply);
  return answer;
}

gboolean session_check_reply(DBusMessage *reply, const char *signature, GError **error) {
  if (dbus_message_has_signature(reply, signature))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_FAILED,
                   "the daemon's answer has the signature \"%s\" instead of \"%s\"",
                   dbus_message_get_signature(reply), signature);
}

gboolean session_read_revision(Session *session, guint64 *revision, GError **error) {
  Request request;
  request_begin_of(&request, DBUS_INTERFACE_PROPERTIES, "Get");
  request_add_string(&request, REGISTRY_INTERFACE);
  request_add_string(&request, "Revision");
  g_autoptr(WireMessage) reply = session_call(session, &request, NULL, error);
  return reply != NULL &&
         (connection_read_revision(reply, revision) ||
          error_set(error, REGISTRY_ERROR_FAILED, "the daemon does not tell its revision"));
}

void session_print_dictionary(Session *session, DBusMessageIter *dictionary) {
  if (!session_has(session, OPTION_JSON)) {
    reply_print_dictionary(dictionary, session_out(session));
    return;
  }
  reply_write_json(dictionary, &session->json);
  g_string_append_c(session_out(session), '\n');
}

/* ---- writes ---- */

gboolean session_is_annotated(const Session *session) {
  return session_has(session, OPTION_COMMENT) || session_has(session, OPTION_CONFIRM_WITHIN) ||
         session_has(session, OPTION_JSON);
}

void session_report(Session *session, const Written *written) {
  if (!session_has(session, OPTION_JSON))
    return;
  json_begin(&session->json, '{');
  json_member_number(&session->json, "revision", written->revision);
  json_member_boolean(&session->json, "changed", written->changed);
  json_end(&session->json, '}');
  g_string_append_c(session->json.text, '\n');
}

/* A person at a terminal is told that a change is on trial. Scripts, for which writes
 * print nothing, use --json for the revision. */
static gboolean tells_trial(const Session *session) {
  return session_has(session, OPTION_CONFIRM_WITHIN) && !session_has(session, OPTION_DRY_RUN) &&
         !session_has(session, OPTION_JSON) && !session_has(session, OPTION_QUIET) &&
         isatty(STDERR_FILENO);
}

/* A commit that changes nothing is answered with the newest revision. */
static void expect_trial(Session *session) {
  if (tells_trial(session) && !session_read_revision(session, &session->revision_before, NULL))
    session->revision_before = 0;
}

void session_note_trial(const Session *session, guint64 revision) {
  guint64 seconds = session->line->numbers[OPTION_CONFIRM_WITHIN];
  if (!tells_trial(session))
    return;
  if (revision <= session->revision_before)
    session_note(session, "nothing was changed, so nothing has to be confirmed");
  else
    session_note(session,
                 "revision %" G_GUINT64_FORMAT " is on trial: `regctl confirm %" G_GUINT64_FORMAT
                 "` within %" G_GUINT64_FORMAT " s keeps it, else it is undone",
                 revision, revision, seconds);
}

/* regctl made the operations itself, so their numbers mean nothing to the user. */
static void forget_index(GError *error) {
  const char *end =
      g_str_has_prefix(error->message, "operation ") ? strstr(error->message, ": ") : NULL;
  if (end == NULL)
    return;
  g_autofree char *message = g_steal_pointer(&error->message);
  error->message = g_strdup(end + strlen(": "));
}

static gboolean read_written(DBusMessage *reply, Written *written, GError **error) {
  DBusMessageIter answer;
  dbus_uint64_t revision = 0;
  if (!session_check_reply(reply, "ta{sv}", error))
    return FALSE;
  dbus_message_iter_init(reply, &answer);
  dbus_message_iter_get_basic(&answer, &revision);
  dbus_message_iter_next(&answer);
  written->revision = revision;
  g_autoptr(WireOptions) report = wire_options_read(&answer, error);
  return report != NULL && wire_options_get_boolean(report, "changed", &written->changed, error);
}

gboolean session_send_commit(Session *session, Change *change, Written *written, GError **error) {
  g_autoptr(GError) problem = NULL;
  RegistryConnection *connection = session_connect(session, error);
  if (connection == NULL)
    return FALSE;
  g_free(change->comment);
  change->comment = g_strdup(session->line->texts[OPTION_COMMENT]);
  change->confirm_within = (guint32)session->line->numbers[OPTION_CONFIRM_WITHIN];
  expect_trial(session);
  g_autoptr(WireMessage) call = connection_new_commit_report(change, &problem);
  if (call != NULL)
    let_ask(session, call);
  g_autoptr(WireMessage) reply =
      call != NULL ? fleet_call(connection, call, &session->patience, &problem) : NULL;
  if (reply != NULL && read_written(reply, written, &problem)) {
    if (!change->dry_run)
      session_note_trial(session, written->revision);
    return TRUE;
  }
  forget_index(problem);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

gboolean session_commit(Session *session, Change *change, GError **error) {
  Written written = {0};
  if (!session_send_commit(session, change, &written, error))
    return FALSE;
  session_report(session, &written);
  return TRUE;
}

void session_add_write_options(Session *session, Request *request) {
  const CommandLine *line = session->line;
  DBusMessageIter *options = &request->options;
  expect_trial(session);
  if (session_has(session, OPTION_COMMENT))
    request_check(request,
                  wire_append_entry_string(options, "comment", line->texts[OPTION_COMMENT]));
  if (session_has(session, OPTION_DRY_RUN))
    request_check(request, wire_append_entry_boolean(options, "dry-run", TRUE));
  if (session_has(session, OPTION_CONFIRM_WITHIN))
    request_check(request, wire_append_entry_uint32(options, "confirm-within",
                                                    (guint32)line->numbers[OPTION_CONFIRM_WITHIN]));
}

gboolean session_write(Session *session, Request *request, guint64 *revision, GError **error) {
  DBusMessageIter answer;
  dbus_uint64_t number = 0;
  g_autoptr(WireMessage) reply = session_call(session, request, &answer, error);
  if (reply == NULL)
    return FALSE;
  if (dbus_message_iter_get_arg_type(&answer) != DBUS_TYPE_UINT64)
    return session_check_reply(reply, "t", error);
  dbus_message_iter_get_basic(&answer, &number);
  session_note_trial(session, number);
  if (revision != NULL)
    *revision = number;
  return TRUE;
}

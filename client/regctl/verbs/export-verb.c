/* SPDX-License-Identifier: MIT */
/* The verbs export and backup: data out of the registry, into a file. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/base/number.h"
#include "client/cli/data.h"
#include "client/cli/new-file.h"
#include "client/cli/output.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/hive-file.h"
#include "client/regctl/verbs/verbs.h"

#define STANDARD_OUTPUT "-"

/* An export or a backup, by a descriptor. */
typedef struct {
  Session *session;
  const char *member;
  const char *key; /* NULL: the whole registry */
  const char *file;
  const guint64 *at; /* NULL: as it is */
  NewFileKind kind;
} Delivery;

static gboolean check_encoding(const Session *session, GError **error) {
  static const char *const encodings[] = {"utf-16le", "utf-8", NULL};
  const char *encoding = session->line->texts[OPTION_ENCODING];
  return encoding == NULL || g_strv_contains(encodings, encoding) ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "--encoding: files are written as utf-16le or utf-8, not as \"%s\"", encoding);
}

static gboolean is_standard_output(const Delivery *delivery) {
  return delivery->file == NULL || strcmp(delivery->file, STANDARD_OUTPUT) == 0;
}

/* On standard output --json asks for the branch itself as JSON, and a terminal
 * shows no UTF-16. */
static const char *choose(const Delivery *delivery, OptionName option) {
  const Session *session = delivery->session;
  if (session_has(session, option) || !is_standard_output(delivery))
    return session->line->texts[option];
  if (option == OPTION_FORMAT)
    return session_has(session, OPTION_JSON) ? "json" : NULL;
  return isatty(STDOUT_FILENO) ? "utf-8" : NULL;
}

static void add_options(const Delivery *delivery, Request *request) {
  const Session *session = delivery->session;
  DBusMessageIter *options = &request->options;
  const char *format = choose(delivery, OPTION_FORMAT);
  const char *encoding = choose(delivery, OPTION_ENCODING);
  if (format != NULL)
    request_check(request, wire_append_entry_string(options, "format", format));
  if (encoding != NULL)
    request_check(request, wire_append_entry_string(options, "encoding", encoding));
  if (delivery->at != NULL)
    request_check(request, wire_append_entry_uint64(options, "at", *delivery->at));
  if (session_has(session, OPTION_SKIP_UNREADABLE))
    request_check(request, wire_append_entry_boolean(options, "skip-unreadable", TRUE));
}

static gboolean report(const Delivery *delivery, DBusMessageIter *dictionary, GError **error) {
  DBusMessageIter again = *dictionary;
  guint32 left_out = 0;
  g_autoptr(WireOptions) given = wire_options_read(&again, error);
  if (given == NULL || !wire_options_get_uint32(given, "left-out", &left_out, error))
    return FALSE;
  if (left_out > 0)
    session_note(delivery->session, "%s: %u keys and values that may not be read are left out",
                 delivery->key, left_out);
  if (session_has(delivery->session, OPTION_JSON) && !is_standard_output(delivery))
    session_print_dictionary(delivery->session, dictionary);
  return TRUE;
}

static gboolean deliver_to(const Delivery *delivery, int descriptor, GError **error) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, delivery->member);
  if (delivery->key != NULL)
    request_add_string(&request, delivery->key);
  request_check(&request,
                dbus_message_iter_append_basic(&request.arguments, DBUS_TYPE_UNIX_FD, &descriptor));
  request_open_options(&request);
  add_options(delivery, &request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(delivery->session, &request, &answer, error);
  return reply != NULL && session_check_reply(reply, "a{sv}", error) &&
         report(delivery, &answer, error);
}

static gboolean deliver(const Delivery *delivery, GError **error) {
  if (is_standard_output(delivery)) {
    gboolean delivered = deliver_to(delivery, STDOUT_FILENO, error);
    if (!delivered && output_is_abandoned())
      (void)raise(SIGPIPE); /* regd writes, and gets no signal; every other verb ends so */
    return delivered;
  }
  g_autoptr(NewFile) file = new_file_open(delivery->file, delivery->kind, error);
  return file != NULL && deliver_to(delivery, new_file_get_descriptor(file), error) &&
         new_file_keep(file, error);
}

static gboolean parse_revision(const Session *session, guint64 *at, GError **error) {
  const char *text = session->line->texts[OPTION_AT];
  return text == NULL || number_parse(text, G_MAXUINT64, at) ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "--at: %s is no number of a revision",
                   text);
}

static gboolean deliver_hive(const Delivery *delivery, GError **error) {
  if (is_standard_output(delivery))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "a hive is written to a FILE, not to standard output");
  if (session_has(delivery->session, OPTION_ENCODING))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "--encoding is for .reg files: a hive has its own");
  g_autoptr(NewFile) file = new_file_open(delivery->file, delivery->kind, error);
  return file != NULL &&
         hive_file_write(delivery->session, delivery->key, delivery->at,
                         new_file_get_descriptor(file), error) &&
         new_file_keep(file, error);
}

gboolean verb_export(Session *session, GError **error) {
  guint64 at = 0;
  g_autofree char *key = data_parse_key(session_get_operand(session, 0), error);
  if (key == NULL || !check_encoding(session, error) || !parse_revision(session, &at, error))
    return FALSE;
  const Delivery delivery = {.session = session,
                             .member = "Export",
                             .key = key,
                             .file = session_get_operand(session, 1),
                             .at = session_has(session, OPTION_AT) ? &at : NULL,
                             .kind = NEW_FILE_ORDINARY};
  return g_strcmp0(session->line->texts[OPTION_FORMAT], "hive") == 0
             ? deliver_hive(&delivery, error)
             : deliver(&delivery, error);
}

gboolean verb_backup(Session *session, GError **error) {
  return deliver(&(Delivery){.session = session,
                             .member = "Backup",
                             .file = session_get_operand(session, 0),
                             .kind = NEW_FILE_SECRET},
                 error);
}

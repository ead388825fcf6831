/* SPDX-License-Identifier: MIT */
/* The verb import: applies .reg files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/protocol.h"
#include "client/cli/nameless-file.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/hive-file.h"
#include "client/regctl/branch/source.h"
#include "client/regctl/session/progress.h"
#include "client/regctl/verbs/verbs.h"
#include "client/regfile/regfile.h"

#define STANDARD_INPUT "-"

/* ---- what must hold ---- */

/* A file's line as a condition: a value equals, a value or a key is not there. A key line
 * by itself is no condition. */
static void add_condition(Change *change, const Operation *line) {
  Operation *condition = NULL;
  if (line->kind == OPERATION_SET_VALUE) {
    condition = change_add(change, OPERATION_EXPECT_VALUE, line->key);
    condition->value = registry_value_ref(line->value);
  } else if (line->kind == OPERATION_DELETE_VALUE || line->kind == OPERATION_DELETE_TREE) {
    condition = change_add(change, OPERATION_EXPECT_ABSENT, line->key);
    condition->flags = line->kind == OPERATION_DELETE_TREE ? OPERATION_KEY_ABSENT : 0;
  }
  if (condition != NULL)
    condition->name = g_strdup(line->name != NULL ? line->name : "");
}

static Change *read_conditions(Session *session, const char *file, GError **error) {
  g_autoptr(Change) lines =
      source_read_file(session, file, &(SourceReading){.strict = TRUE}, error);
  if (lines == NULL)
    return NULL;
  Change *change = change_new();
  for (guint i = 0; i < lines->operations->len; i++)
    add_condition(change, g_ptr_array_index(lines->operations, i));
  return change;
}

static gboolean append_conditions(DBusMessageIter *options, const Change *conditions) {
  DBusMessageIter entry, variant;
  if (!dbus_message_iter_open_container(options, DBUS_TYPE_DICT_ENTRY, NULL, &entry))
    return FALSE;
  gboolean complete =
      wire_append_string(&entry, "expect") &&
      dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a(sssuv)", &variant);
  if (complete)
    complete = wire_end_container(&entry, &variant,
                                  connection_append_operations(&variant, conditions->operations));
  return wire_end_container(options, &entry, complete);
}

static void add_options(Request *request, Session *session, const Change *conditions) {
  request_open_options(request);
  session_add_write_options(session, request);
  if (session_has(session, OPTION_STRICT))
    request_check(request, wire_append_entry_boolean(&request->options, "strict", TRUE));
  if (session_has(session, OPTION_ENCODING))
    request_check(request, wire_append_entry_string(&request->options, "encoding",
                                                    session->line->texts[OPTION_ENCODING]));
  if (session_has(session, OPTION_ONLY_MISSING))
    request_check(request, wire_append_entry_boolean(&request->options, "only-missing", TRUE));
  if (conditions != NULL)
    request_check(request, append_conditions(&request->options, conditions));
  request_close_options(request);
}

/* ---- pipes ---- */

static gboolean is_stream(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISCHR(status.st_mode));
}

/* The daemon refuses what is over its limit. */
static gboolean copy_stream(int from, int to) {
  char bytes[64 * 1024];
  guint64 total = 0;
  while (total <= LIMIT_FILE_BYTES) {
    ssize_t count = read(from, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return count == 0;
    total += (guint64)count;
    if (!nameless_file_write(to, bytes, (gsize)count))
      return FALSE;
  }
  return TRUE;
}

/* Copies the stream to its end into a file without a name. If a pipe is broken off, its
 * writer and regctl both end, and the part that came must not be imported as the whole. -1
 * with @error. */
static int gather(const char *name, int stream, GError **error) {
  int whole = nameless_file_new(name, error);
  if (whole < 0)
    return -1;
  if (copy_stream(stream, whole) && nameless_file_rewind(whole))
    return whole;
  error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", name, g_strerror(errno));
  close(whole);
  return -1;
}

/* ---- the call ---- */

/* Notes on standard error what could not be read, and what was guessed. */
static gboolean note_lines(const Session *session, const char *file, DBusMessageIter told,
                           GError **error) {
  RegfileReport report = {0};
  const char *reason = NULL;
  g_autoptr(WireOptions) options = wire_options_read(&told, error);
  if (options == NULL ||
      !wire_options_get_uint32(options, "lines-ignored", &report.lines_ignored, error) ||
      !wire_options_get_uint32(options, "first-ignored-line", &report.first_ignored_line, error) ||
      !wire_options_get_string(options, "first-ignored-reason", &reason, error) ||
      !wire_options_get_uint32(options, "lines-guessed", &report.lines_guessed, error) ||
      !wire_options_get_uint32(options, "first-guessed-line", &report.first_guessed_line, error))
    return FALSE;
  g_autofree char *owned = g_strdup(reason);
  report.first_reason = owned;
  source_note_report(session, file, &report);
  return TRUE;
}

static gboolean write_report(Session *session, const char *file, guint64 revision,
                             DBusMessageIter *report, GError **error) {
  gboolean changed = FALSE;
  DBusMessageIter told = *report;
  g_autoptr(WireOptions) entries = wire_options_read(&told, error);
  if (entries == NULL || !wire_options_get_boolean(entries, "changed", &changed, error))
    return FALSE;
  session->json.separating = FALSE; /* each file's is a line and a document of its own */
  json_begin(&session->json, '{');
  json_member_string(&session->json, "file", file);
  json_member_number(&session->json, "revision", revision);
  json_member_boolean(&session->json, "changed", changed);
  json_name(&session->json, "report");
  reply_write_json(report, &session->json);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

static gboolean report_import(Session *session, const char *file, DBusMessageIter *answer,
                              GError **error) {
  dbus_uint64_t revision = 0;
  dbus_message_iter_get_basic(answer, &revision);
  dbus_message_iter_next(answer);
  if (!note_lines(session, file, *answer, error))
    return FALSE;
  if (session_has(session, OPTION_JSON)) {
    if (!write_report(session, file, revision, answer, error))
      return FALSE;
  } else if (session_has(session, OPTION_DRY_RUN)) {
    reply_print_dictionary(answer, session_out(session));
  }
  session_note_trial(session, revision);
  return TRUE;
}

/* A file that is no registry file at all ends with exit code 1, as with Windows' reg.exe.
 * The code of an invalid value is for the contents of a registry file. */
static RegistryError judge_refusal(const GError *problem) {
  return regfile_error_is_of_head(problem) ? REGISTRY_ERROR_FAILED : (RegistryError)problem->code;
}

static gboolean pass_on(Session *session, const char *file, int descriptor,
                        const Change *conditions, GError **error) {
  Request request;
  DBusMessageIter answer;
  g_autoptr(GError) problem = NULL;
  request_begin(&request, "Import");
  request_check(&request,
                dbus_message_iter_append_basic(&request.arguments, DBUS_TYPE_UNIX_FD, &descriptor));
  add_options(&request, session, conditions);
  gboolean quiet = session_has(session, OPTION_QUIET) || session_has(session, OPTION_JSON);
  Progress *progress = quiet ? NULL : progress_start(file, descriptor);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, &problem);
  progress_stop(progress);
  if (reply == NULL)
    return error_set(error, judge_refusal(problem), "%s: %s", file, problem->message);
  return session_check_reply(reply, "ta{sv}", error) &&
         report_import(session, file, &answer, error);
}

static gboolean import_hive(Session *session, const char *file, int descriptor,
                            const Change *conditions, GError **error) {
  int text = hive_file_open_as_regfile(session, file, descriptor, error);
  if (text < 0)
    return FALSE;
  gboolean imported = pass_on(session, file, text, conditions, error);
  close(text);
  return imported;
}

static gboolean import_whole(Session *session, const char *file, int descriptor,
                             const Change *conditions, GError **error) {
  if (hive_file_is_one(session, descriptor))
    return import_hive(session, file, descriptor, conditions, error);
  if (session_has(session, OPTION_AT) || session_has(session, OPTION_SALVAGE))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: --at and --salvage are for hives, and this is none: a .reg file names "
                     "its keys itself",
                     file);
  return pass_on(session, file, descriptor, conditions, error);
}

static gboolean import_descriptor(Session *session, const char *file, int descriptor,
                                  const Change *conditions, GError **error) {
  if (!is_stream(descriptor))
    return import_whole(session, file, descriptor, conditions, error);
  int whole = gather(file, descriptor, error);
  if (whole < 0)
    return FALSE;
  gboolean imported = import_whole(session, file, whole, conditions, error);
  close(whole);
  return imported;
}

static gboolean import_file(Session *session, const char *file, const Change *conditions,
                            GError **error) {
  if (strcmp(file, STANDARD_INPUT) == 0)
    return import_descriptor(session, "standard input", STDIN_FILENO, conditions, error);
  int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", file, g_strerror(errno));
  gboolean imported = import_descriptor(session, file, descriptor, conditions, error);
  close(descriptor);
  return imported;
}

/* The operands from @first to before @end, or to the last. */
static char *dup_file_list(const Session *session, guint first, guint end) {
  GString *list = g_string_new(NULL);
  const char *file;
  for (guint i = first; i < end && (file = session_get_operand(session, i)) != NULL; i++)
    g_string_append_printf(list, "%s%s", i > first ? ", " : "", file);
  return g_string_free(list, FALSE);
}

/* Says what became of the other files. Those behind the one that failed may build on it: they
 * are left. */
static void name_others(const Session *session, guint failed, GError **error) {
  g_autofree char *before = dup_file_list(session, 0, failed);
  g_autofree char *behind = dup_file_list(session, failed + 1, G_MAXUINT);
  if (error == NULL || *error == NULL || (*before == '\0' && *behind == '\0'))
    return;
  g_autofree char *message = g_steal_pointer(&(*error)->message);
  (*error)->message = g_strconcat(message, *before != '\0' ? "; imported before it: " : "", before,
                                  *behind != '\0' ? "; not tried: " : "", behind, NULL);
}

gboolean verb_import(Session *session, GError **error) {
  const char *file = NULL;
  const char *precheck = session->line->texts[OPTION_PRECHECK];
  g_autoptr(Change) conditions =
      precheck != NULL ? read_conditions(session, precheck, error) : NULL;
  if (precheck != NULL && conditions == NULL)
    return FALSE;
  for (guint i = 0; (file = session_get_operand(session, i)) != NULL; i++)
    if (!import_file(session, file, conditions, error)) {
      name_others(session, i, error);
      return FALSE;
    }
  return TRUE;
}

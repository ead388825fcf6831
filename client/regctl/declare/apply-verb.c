/* SPDX-License-Identifier: MIT */
/* The verb apply: files and folders of files, as one commit that an owner may declare. The files
 * are read here and passed on as one. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/base/escape.h"
#include "client/base/protocol.h"
#include "client/cli/nameless-file.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/source.h"
#include "client/regctl/declare/declare-verbs.h"

#define SUFFIX ".reg"

/* ---- the files ---- */

static gint compare_names(gconstpointer a, gconstpointer b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A folder in a folder is left out, whatever it is called. A pipe might never end. */
static gboolean add_entry(const char *folder, const char *name, GPtrArray *files, GError **error) {
  g_autofree char *file = g_build_filename(folder, name, NULL);
  if (g_file_test(file, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (g_file_test(file, G_FILE_TEST_EXISTS) && !g_file_test(file, G_FILE_TEST_IS_REGULAR))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: it is no file", file);
  g_ptr_array_add(files, g_steal_pointer(&file));
  return TRUE;
}

/* Like *.reg of a shell: what editors and programs hide is not meant. */
static gboolean is_taken(const char *name) {
  return *name != '.' && g_str_has_suffix(name, SUFFIX);
}

/* Those of a folder, in byte order. */
static gboolean add_folder(const Session *session, const char *folder, GPtrArray *files,
                           GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autoptr(GDir) directory = g_dir_open(folder, 0, &problem);
  const char *name;
  guint first = files->len;
  if (directory == NULL)
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", folder, problem->message);
  while ((name = g_dir_read_name(directory)) != NULL)
    if (is_taken(name) && !add_entry(folder, name, files, error))
      return FALSE;
  if (files->len == first)
    session_note(session, "%s: there is no file *" SUFFIX " in the folder", folder);
  if (files->len > first + 1)
    qsort(files->pdata + first, files->len - first, sizeof *files->pdata, compare_names);
  return TRUE;
}

static GPtrArray *list_files(const Session *session, GError **error) {
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
  const char *path;
  for (guint i = 0; (path = session_get_operand(session, i)) != NULL; i++) {
    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
      g_ptr_array_add(files, g_strdup(path));
    else if (!add_folder(session, path, files, error))
      return NULL;
  }
  return g_steal_pointer(&files);
}

/* ---- one file of all ---- */

/* What was left out and guessed of all files, as regd tells it of one. */
typedef struct {
  guint32 ignored, guessed;
  const char *file; /* of the first line that was left out; NULL: none was. Borrowed */
  guint32 line;
  char *reason;
} LeftOut;

static void left_out_clear(LeftOut *left) {
  g_free(left->reason);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LeftOut, left_out_clear)

typedef struct {
  RegfilePrinter *printer;
  GByteArray *text;
  const GRefString *key; /* whose line was printed last */
  LeftOut *left;
} Merging;

static void print_key_line(Merging *merging, const Operation *operation) {
  if (merging->key != operation->key || operation->kind == OPERATION_CREATE_KEY)
    regfile_printer_key(merging->printer, operation->key, merging->text);
  merging->key = operation->key;
}

static gboolean print_link(Merging *merging, const Operation *operation, GError **error) {
  g_autoptr(RegistryValue) target =
      registry_value_new_string(REGISTRY_LINK, operation->target, error);
  if (target != NULL)
    regfile_printer_value(merging->printer, LINK_VALUE_NAME, target, merging->text);
  return target != NULL;
}

static gboolean print_operation(Merging *merging, const Operation *operation, GError **error) {
  if (operation->kind == OPERATION_DELETE_TREE) {
    regfile_printer_no_key(merging->printer, operation->key, merging->text);
    merging->key = NULL;
    return TRUE;
  }
  print_key_line(merging, operation);
  if (operation->kind == OPERATION_SET_VALUE)
    regfile_printer_value(merging->printer, operation->name, operation->value, merging->text);
  else if (operation->kind == OPERATION_DELETE_VALUE)
    regfile_printer_no_value(merging->printer, operation->name, merging->text);
  else if (operation->kind == OPERATION_CREATE_LINK)
    return print_link(merging, operation, error);
  return TRUE;
}

/* Pruning would take back what such a line declares. */
static gboolean refuse_to_prune(const char *file, const RegfileReport *report, GError **error) {
  return error_set(
      error, REGISTRY_ERROR_INVALID_VALUE,
      "%s: line %u: %s; --prune would take back what the line declares: mend the line, "
      "or apply without --prune",
      file, report->first_ignored_line,
      report->first_reason != NULL ? report->first_reason : "it can't be read");
}

/* Takes the reason out of @report. */
static void add_left_out(LeftOut *left, const char *file, RegfileReport *report) {
  left->ignored += report->lines_ignored;
  left->guessed += report->lines_guessed;
  if (left->file != NULL || report->lines_ignored == 0)
    return;
  left->file = file;
  left->line = report->first_ignored_line;
  left->reason = g_steal_pointer(&report->first_reason);
}

static Change *read_file(Session *session, const char *file, LeftOut *left, GError **error) {
  RegfileReport report = {0};
  const SourceReading how = {session_has(session, OPTION_STRICT), &report, TRUE};
  g_autoptr(Change) change = source_read_file(session, file, &how, error);
  gboolean taken = change != NULL;
  if (taken && report.lines_ignored > 0 && session_has(session, OPTION_PRUNE))
    taken = refuse_to_prune(file, &report, error);
  if (taken) {
    source_note_report(session, file, &report);
    add_left_out(left, file, &report);
  }
  g_free(report.first_reason);
  return taken ? g_steal_pointer(&change) : NULL;
}

static gboolean merge_file(Session *session, const char *file, Merging *merging, GError **error) {
  g_autoptr(Change) change = read_file(session, file, merging->left, error);
  if (change == NULL)
    return FALSE;
  merging->key = NULL;
  for (guint i = 0; i < change->operations->len; i++)
    if (!print_operation(merging, g_ptr_array_index(change->operations, i), error))
      return FALSE;
  return TRUE;
}

static GByteArray *merge(Session *session, const GPtrArray *files, LeftOut *left, GError **error) {
  g_autoptr(RegfilePrinter) printer = regfile_printer_new(REGFILE_VERSION_5, REGFILE_UTF8);
  g_autoptr(GByteArray) text = g_byte_array_new();
  Merging merging = {.printer = printer, .text = text, .left = left};
  regfile_printer_begin(printer, text);
  for (guint i = 0; i < files->len; i++)
    if (!merge_file(session, g_ptr_array_index(files, i), &merging, error))
      return NULL;
  regfile_printer_end(printer, text);
  return g_steal_pointer(&text);
}

/* A file without a name; -1 with @error. */
static int store(const GByteArray *text, GError **error) {
  int descriptor = nameless_file_new("apply", error);
  if (descriptor < 0)
    return -1;
  if (nameless_file_write(descriptor, text->data, text->len) && nameless_file_rewind(descriptor))
    return descriptor;
  error_set(error, REGISTRY_ERROR_FAILED, "apply: a file for what is applied: %s",
            g_strerror(errno));
  close(descriptor);
  return -1;
}

/* ---- the call ---- */

static void add_options(Request *request, Session *session) {
  const CommandLine *line = session->line;
  request_open_options(request);
  session_add_write_options(session, request);
  if (session_has(session, OPTION_OWNER))
    request_check(request,
                  wire_append_entry_string(&request->options, "owner", line->texts[OPTION_OWNER]));
  if (session_has(session, OPTION_PRUNE))
    request_check(request, wire_append_entry_boolean(&request->options, "prune", TRUE));
  if (session_has(session, OPTION_LOCK))
    request_check(request,
                  wire_append_entry_string(&request->options, "lock", line->texts[OPTION_LOCK]));
  request_close_options(request);
}

/* regd counts the lines of the one file that it was given, in which all can be read. */
static const char *const of_lines[] = {"lines-ignored",        "first-ignored-line",
                                       "first-ignored-reason", "lines-guessed",
                                       "first-guessed-line",   NULL};

static void write_left_out(Json *json, const LeftOut *left) {
  json_member_number(json, "lines-ignored", left->ignored);
  json_member_number(json, "lines-guessed", left->guessed);
  if (left->file == NULL)
    return;
  json_member_string(json, "first-ignored-file", left->file);
  json_member_number(json, "first-ignored-line", left->line);
  json_member_string(json, "first-ignored-reason", left->reason != NULL ? left->reason : "");
}

static void print_left_out(GString *out, const LeftOut *left) {
  g_string_append_printf(out, "lines-ignored: %u\nlines-guessed: %u\n", left->ignored,
                         left->guessed);
  if (left->file == NULL)
    return;
  g_string_append(out, "first-ignored-file: ");
  escape_append(out, left->file);
  g_string_append_printf(out, "\nfirst-ignored-line: %u\n", left->line);
}

static gboolean report(Session *session, DBusMessageIter *answer, const LeftOut *left,
                       GError **error) {
  dbus_uint64_t revision = 0;
  gboolean changed = FALSE;
  dbus_message_iter_get_basic(answer, &revision);
  dbus_message_iter_next(answer);
  DBusMessageIter told = *answer;
  g_autoptr(WireOptions) entries = wire_options_read(&told, error);
  if (entries == NULL || !wire_options_get_boolean(entries, "changed", &changed, error))
    return FALSE;
  if (session_has(session, OPTION_JSON)) {
    json_begin(&session->json, '{');
    json_member_number(&session->json, "revision", revision);
    json_member_boolean(&session->json, "changed", changed);
    json_name(&session->json, "report");
    json_begin(&session->json, '{');
    reply_write_entries(answer, of_lines, &session->json);
    write_left_out(&session->json, left);
    json_end(&session->json, '}');
    json_end(&session->json, '}');
    g_string_append_c(session_out(session), '\n');
  } else if (session_has(session, OPTION_DRY_RUN)) {
    reply_print_entries(answer, of_lines, session_out(session));
    print_left_out(session_out(session), left);
  }
  session_note_trial(session, revision);
  return TRUE;
}

static gboolean pass_on(Session *session, int descriptor, const LeftOut *left, GError **error) {
  Request request;
  DBusMessageIter answer;
  request_begin(&request, "Import");
  request_check(&request,
                dbus_message_iter_append_basic(&request.arguments, DBUS_TYPE_UNIX_FD, &descriptor));
  add_options(&request, session);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, error);
  return reply != NULL && session_check_reply(reply, "ta{sv}", error) &&
         report(session, &answer, left, error);
}

static gboolean check_options(const Session *session, GError **error) {
  gboolean needs_owner = session_has(session, OPTION_PRUNE) || session_has(session, OPTION_LOCK);
  return !needs_owner || session_has(session, OPTION_OWNER) ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "apply: --prune and --lock are about what an owner declares: --owner=NAME is "
                   "missing");
}

gboolean verb_apply(Session *session, GError **error) {
  g_auto(LeftOut) left = {0};
  g_autoptr(GPtrArray) files = check_options(session, error) ? list_files(session, error) : NULL;
  g_autoptr(GByteArray) text = files != NULL ? merge(session, files, &left, error) : NULL;
  int descriptor = text != NULL ? store(text, error) : -1;
  if (descriptor < 0)
    return FALSE;
  gboolean done = pass_on(session, descriptor, &left, error);
  close(descriptor);
  return done;
}

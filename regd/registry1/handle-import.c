/* SPDX-License-Identifier: MIT */
/* The handler of Import: a descriptor in, one commit, a report out. */
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/change-message.h"
#include "regd/bus/face.h"
#include "regd/files/import.h"
#include "regd/registry1/handlers.h"

typedef struct {
  DispatchCall *call;
  BusFace *face;
  DBusConnection *connection; /* that the call came by; referenced */
  Change *options; /* comment, dry-run and so on; its operations are what must hold, and then
                      the file's */
  ImportFile file;
  char *encoding;
  gboolean only_missing;
  gboolean is_stream; /* its end is whatever its writers make of it */
  RegfileReport report;
} ImportCall;

static void import_call_free(ImportCall *import) {
  g_clear_pointer(&import->options, change_free);
  dbus_connection_unref(import->connection);
  g_free(import->encoding);
  spool_free(import->file.copy);
  g_free(import->report.first_reason);
  g_free(import);
}

static gboolean append_report(DBusMessageIter *dict, const WriteResult *result,
                              const RegfileReport *report) {
  return face_append_counts(dict, result) &&
         wire_append_entry_uint32(dict, "lines-ignored", report->lines_ignored) &&
         wire_append_entry_uint32(dict, "first-ignored-line", report->first_ignored_line) &&
         wire_append_entry_uint32(dict, "lines-guessed", report->lines_guessed) &&
         wire_append_entry_uint32(dict, "first-guessed-line", report->first_guessed_line) &&
         (report->first_reason == NULL ||
          wire_append_entry_string(dict, "first-ignored-reason", report->first_reason));
}

static void on_written(const WriteResult *result, gpointer data) {
  ImportCall *import = data;
  DBusMessageIter out, dict;
  if (result->error != NULL) {
    dispatch_call_fail(import->call, result->error);
  } else {
    DBusMessage *reply = face_begin(import->call, &out);
    face_finish(import->call, reply,
                face_append_uint64(&out, result->revision) &&
                    dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                    wire_end_container(&out, &dict, append_report(&dict, result, &import->report)));
  }
  import_call_free(import);
}

static void write_whole(ImportCall *import) {
  face_write(import->call, import->face, g_steal_pointer(&import->options), on_written, import);
}

static void give_up(ImportCall *import, const GError *error) {
  dispatch_call_fail(import->call, error);
  import_call_free(import);
}

static void on_confirmed(gboolean present, gpointer data) {
  ImportCall *import = data;
  g_autoptr(GError) error = NULL;
  if (present) {
    write_whole(import);
    return;
  }
  error_set(&error, REGISTRY_ERROR_FAILED,
            "%s has left the bus before the file to import ended; nothing is imported",
            dispatch_call_get_sender(import->call));
  give_up(import, error);
}

/* A caller that has left may have wanted to write more. On another bus its name is somebody
 * else's. */
static void confirm(ImportCall *import) {
  if (import->face->callers != NULL && import->face->connection == import->connection)
    callers_confirm(import->face->callers, dispatch_call_get_sender(import->call), on_confirmed,
                    import);
  else
    on_confirmed(FALSE, import);
}

/* Pruning takes back what a file does not declare: a line that can't be read may declare it. */
static gboolean check_pruning(const ImportCall *import, GError **error) {
  const RegfileReport *report = &import->report;
  return !import->options->prune || report->lines_ignored == 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "line %u: %s; \"prune\" would take back what the line declares: mend the line, "
                   "or import without \"prune\"",
                   report->first_ignored_line, report->first_reason);
}

static void on_read(Change *change, const RegfileReport *report, Spool *copy, const GError *error,
                    gpointer data) {
  ImportCall *import = data;
  if (change == NULL) {
    give_up(import, error);
    return;
  }
  face_keep_copy(import->call, copy);
  import->report = *report;
  import->report.first_reason = g_strdup(report->first_reason);
  g_autoptr(GError) refusal = NULL;
  if (!check_pruning(import, &refusal)) {
    change_free(change);
    give_up(import, refusal);
    return;
  }
  if (import->only_missing)
    import_only_missing(change);
  g_ptr_array_extend_and_steal(import->options->operations, g_steal_pointer(&change->operations));
  change->operations = g_ptr_array_new();
  change_free(change);
  if (import->is_stream)
    confirm(import);
  else
    write_whole(import);
}

static void start(FileShare *share, gpointer data) {
  ImportCall *import = data;
  const ImportFile file = import->file;
  import->file.copy = NULL;
  import_read(import->face->workers, &file, on_read, import, file_share_give_back, share);
}

static void drop(gpointer data) {
  ImportCall *import = data;
  close(import->file.descriptor);
  face_refuse_at_stop(import->call);
  import_call_free(import);
}

static gboolean is_condition(OperationKind kind) {
  return kind == OPERATION_EXPECT_VALUE || kind == OPERATION_EXPECT_ABSENT ||
         kind == OPERATION_EXPECT_REVISION;
}

/* The option `expect`: preconditions as Commit takes them, for the same commit. */
static gboolean read_conditions(const WireOptions *options, const ImportCall *import,
                                GError **error) {
  DBusMessageIter content;
  Change *change = import->options;
  if (!wire_options_get_content(options, "expect", &content))
    return TRUE;
  g_autofree char *signature = wire_dup_signature(&content);
  if (!g_str_equal(signature, "a(sssuv)"))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "option \"expect\" must be a(sssuv), like Commit's operations");
  if (!change_message_read_operations(&content, face_get_step_limit(import->face, import->call),
                                      change, error))
    return FALSE;
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = change->operations->pdata[i];
    if (!is_condition(operation->kind))
      return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                       "option \"expect\" takes preconditions only, not %s",
                       operation_kind_get_name(operation->kind));
  }
  return TRUE;
}

static gboolean read_options(DBusMessageIter *in, ImportCall *import, GError **error) {
  const char *encoding = NULL;
  g_autoptr(WireOptions) options = face_take_options(in, error);
  if (options == NULL || !wire_options_get_string(options, "encoding", &encoding, error))
    return FALSE;
  import->encoding = g_strdup(encoding);
  return change_message_read_options(options, import->options, error) &&
         change_message_read_declaring(options, import->options, error) &&
         wire_options_get_boolean(options, "strict", &import->file.strict, error) &&
         wire_options_get_boolean(options, "only-missing", &import->only_missing, error) &&
         read_conditions(options, import, error);
}

static ImportCall *import_call_new(DispatchCall *call, BusFace *face, int descriptor) {
  ImportCall *import = g_new0(ImportCall, 1);
  import->call = call;
  import->face = face;
  import->connection = dbus_connection_ref(face->connection);
  import->options = change_new();
  struct stat status;
  import->is_stream = fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode);
  import->file.descriptor = descriptor;
  import->file.writer = import->is_stream ? face_caller(call)->pid : 0;
  import->file.stall_seconds = LIMIT_FILE_STALL_SECONDS;
  import->file.most_operations =
      (guint)MIN(service_get_step_limit(face->service, face_caller(call)), G_MAXUINT);
  return import;
}

/* A call that polkit may be asked about keeps what it reads, and reads that when it is granted. */
static gboolean prepare_file(ImportCall *import, GError **error) {
  g_autoptr(Spool) kept = face_take_copy(import->call);
  ImportFile *file = &import->file;
  if (kept == NULL) {
    if (face_may_appeal(import->call, import->face))
      file->copy = spool_new(import->face->database);
    return TRUE;
  }
  close(file->descriptor);
  file->descriptor = spool_take_file(kept, error);
  file->writer = 0;
  import->is_stream = FALSE;
  return file->descriptor >= 0;
}

void handle_import(DispatchCall *call, gpointer data) {
  static const FileStartKind kind = {start, drop};
  BusFace *face = data;
  DBusMessageIter in;
  GError *error = NULL;
  dispatch_call_get_arguments(call, &in);
  int descriptor = file_share_take_descriptor(call, &in, &error);
  if (descriptor < 0) {
    dispatch_call_take_error(call, error);
    return;
  }
  ImportCall *import = import_call_new(call, face, descriptor);
  if (read_options(&in, import, &error) && prepare_file(import, &error)) {
    import->file.encoding = import->encoding;
    file_shares_request(face->files, face_caller(call), &kind, import);
    return;
  }
  if (import->file.descriptor >= 0)
    close(import->file.descriptor);
  import_call_free(import);
  dispatch_call_take_error(call, error);
}

/* The handler of Import: a descriptor in, one commit, a report out. */
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/iface.h"
#include "regd/import.h"

typedef struct {
  DispatchCall *call;
  Face *face;
  Change *options; /* comment and dry-run, without operations */
  RegfileReport report;
} ImportCall;

static void import_call_free(ImportCall *import) {
  change_free(import->options);
  g_free(import->report.first_reason);
  g_free(import);
}

static gboolean append_report(DBusMessageIter *dict, const WriteResult *result,
                              const RegfileReport *report) {
  return wire_append_entry_uint32(dict, "keys-created", result->keys_created) &&
         wire_append_entry_uint32(dict, "keys-deleted", result->keys_deleted) &&
         wire_append_entry_uint32(dict, "values-set", result->values_set) &&
         wire_append_entry_uint32(dict, "values-deleted", result->values_deleted) &&
         wire_append_entry_uint32(dict, "values-unchanged", result->values_unchanged) &&
         wire_append_entry_uint32(dict, "lines-ignored", report->lines_ignored) &&
         wire_append_entry_uint32(dict, "first-ignored-line", report->first_ignored_line) &&
         (report->first_reason == NULL ||
          wire_append_entry_string(dict, "first-ignored-reason", report->first_reason));
}

static void on_written(const WriteResult *result, gpointer data) {
  ImportCall *import = data;
  DBusMessageIter out, dict;
  if (result->error != NULL) {
    dispatch_call_fail(import->call, result->error);
  } else {
    DBusMessage *reply = iface_begin(import->call, &out);
    iface_finish(
        import->call, reply,
        iface_append_uint64(&out, result->revision) &&
            dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
            wire_end_container(&out, &dict, append_report(&dict, result, &import->report)));
  }
  import_call_free(import);
}

static void on_read(Change *change, const RegfileReport *report, const GError *error,
                    gpointer data) {
  ImportCall *import = data;
  if (change == NULL) {
    dispatch_call_fail(import->call, error);
    import_call_free(import);
    return;
  }
  import->report = *report;
  import->report.first_reason = g_strdup(report->first_reason);
  change->comment = g_steal_pointer(&import->options->comment);
  change->dry_run = import->options->dry_run;
  change->confirm_within = import->options->confirm_within;
  service_write(import->face->service, iface_caller(import->call), change, on_written, import);
}

/* Takes ownership of all but @face. */
static void start(DispatchCall *call, Face *face, int descriptor, Change *options, gboolean strict,
                  FileShare *share) {
  ImportCall *import = g_new0(ImportCall, 1);
  import->call = call;
  import->face = face;
  import->options = options;
  import_read(face->work, descriptor, strict, LIMIT_FILE_STALL_SECONDS, on_read, import,
              file_share_give_back, share);
}

static gboolean read_options(DBusMessageIter *in, Change *change, gboolean *strict,
                             GError **error) {
  g_autoptr(WireOptions) options = iface_take_options(in, error);
  return options != NULL && iface_read_change_options(options, change, error) &&
         wire_options_get_boolean(options, "strict", strict, error);
}

void iface_import(DispatchCall *call, gpointer data) {
  Face *face = data;
  DBusMessageIter in;
  GError *error = NULL;
  gboolean strict = FALSE;
  FileShare *share = NULL;
  dispatch_call_get_arguments(call, &in);
  int descriptor = iface_take_descriptor(call, &in, &error);
  g_autoptr(Change) change = change_new();
  if (descriptor >= 0 && read_options(&in, change, &strict, &error))
    share = file_share_take(face->service, iface_caller(call), &error);
  if (share != NULL) {
    start(call, face, descriptor, g_steal_pointer(&change), strict, share);
    return;
  }
  if (descriptor >= 0)
    close(descriptor);
  dispatch_call_take_error(call, error);
}

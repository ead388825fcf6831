/* SPDX-License-Identifier: MIT */
/* The handler of Export: a branch goes out by a descriptor, a report is the
 * answer. The walk and the writing are a thread's. */
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/bus/face.h"
#include "regd/files/export.h"
#include "regd/registry1/handlers.h"

/* ---- the call ---- */

/* Everything but `call` is the thread's until it is done. */
typedef struct {
  DispatchCall *call;
  Workers *workers;
  int descriptor;   /* until it starts */
  FileShare *share; /* from then on */
  char *database;
  Identity *who;
  SchemaSet *schemas;
  char *key;
  ExportOptions options;
  ExportReport report;
} ExportCall;

static void export_call_free(gpointer data) {
  ExportCall *export = data;
  if (export->share != NULL)
    file_share_give_back(export->share);
  g_free(export->database);
  identity_unref(export->who);
  schema_set_unref(export->schemas);
  g_free(export->key);
  g_free(export);
}

/* The snapshot is let go of before the stranger is waited for. */
static gboolean read_into(ExportCall *export, Spool *spool, Transfer *transfer, GError **error) {
  g_autoptr(Reader) reader = reader_open(export->database, error);
  if (reader == NULL)
    return FALSE;
  reader_set_schemas(reader, export->schemas);
  return export_read(reader, export->who, export->key, &export->options, spool, transfer,
                     &export->report, error);
}

static gboolean run(Transfer *transfer, gpointer data, GError **error) {
  ExportCall *export = data;
  g_autoptr(Spool) spool = spool_new(export->database);
  return transfer_require_writable(transfer, error) && read_into(export, spool, transfer, error) &&
         spool_deliver(spool, transfer, error);
}

static gboolean append_report(DBusMessageIter *dict, const ExportReport *report) {
  return wire_append_entry_uint32(dict, "keys", report->keys) &&
         wire_append_entry_uint32(dict, "values", report->values) &&
         wire_append_entry_uint32(dict, "left-out", report->left_out) &&
         wire_append_entry_uint64(dict, "bytes", report->bytes) &&
         wire_append_entry_uint64(dict, "revision", report->revision);
}

static void on_done(gpointer data, const GError *error) {
  ExportCall *export = data;
  DBusMessageIter out, dict;
  if (error != NULL) {
    dispatch_call_fail(export->call, error);
    return;
  }
  DBusMessage *reply = face_begin(export->call, &out);
  face_finish(export->call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_report(&dict, &export->report)));
}

/* ---- options ---- */

static gboolean read_format(const WireOptions *options, ExportOptions *result, GError **error) {
  const char *format = NULL;
  if (!wire_options_get_string(options, "format", &format, error))
    return FALSE;
  if (format == NULL || export_format_parse(format, &result->format))
    return TRUE;
  g_autofree char *shown = text_for_message(format, -1);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "the option format is \"%s\"; it takes reg5, reg4 or json", shown);
}

static gboolean read_encoding(const WireOptions *options, ExportOptions *result, GError **error) {
  const char *encoding = NULL;
  if (!wire_options_get_string(options, "encoding", &encoding, error))
    return FALSE;
  result->utf8 = encoding != NULL && strcmp(encoding, "utf-8") == 0;
  if (encoding == NULL || result->utf8 || strcmp(encoding, "utf-16le") == 0)
    return TRUE;
  g_autofree char *shown = text_for_message(encoding, -1);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "the option encoding is \"%s\"; it takes utf-8 or utf-16le", shown);
}

static gboolean read_options(DBusMessageIter *in, ExportOptions *result, GError **error) {
  g_autoptr(WireOptions) options = face_take_options(in, error);
  if (options == NULL)
    return FALSE;
  result->has_at = wire_options_has(options, "at");
  return read_format(options, result, error) && read_encoding(options, result, error) &&
         wire_options_get_uint64(options, "at", &result->at, error) &&
         wire_options_get_boolean(options, "skip-unreadable", &result->skip_unreadable, error) &&
         wire_options_get_boolean(options, "no-follow", &result->no_follow, error);
}

static void start(FileShare *share, gpointer data) {
  ExportCall *export = data;
  export->share = share;
  transfer_start(export->workers, export->descriptor, "the file to export to",
                 LIMIT_FILE_STALL_SECONDS, run, on_done, export, export_call_free);
}

static void drop(gpointer data) {
  ExportCall *export = data;
  close(export->descriptor);
  face_refuse_at_stop(export->call);
  export_call_free(export);
}

static void request(DispatchCall *call, BusFace *face, const char *key, int descriptor,
                    const ExportOptions *options) {
  static const FileStartKind kind = {start, drop};
  ExportCall *export = g_new0(ExportCall, 1);
  export->call = call;
  export->workers = face->workers;
  export->descriptor = descriptor;
  export->database = g_strdup(face->database);
  export->who = identity_ref(face_caller(call));
  export->schemas = schema_set_ref(service_get_schemas(face->service));
  export->key = g_strdup(key);
  export->options = *options;
  file_shares_request(face->files, export->who, &kind, export);
}

void handle_export(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in;
  GError *error = NULL;
  ExportOptions options = {0};
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  int descriptor = file_share_take_descriptor(call, &in, &error);
  if (descriptor >= 0 && read_options(&in, &options, &error)) {
    request(call, face, key, descriptor, &options);
    return;
  }
  if (descriptor >= 0)
    close(descriptor);
  dispatch_call_take_error(call, error);
}

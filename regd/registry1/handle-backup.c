/* SPDX-License-Identifier: MIT */
/* The handler of Backup: the whole database goes out by a descriptor. */
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/face.h"
#include "regd/files/backup.h"
#include "regd/files/transfer.h"
#include "regd/registry1/handlers.h"

/* Everything but `call` is the thread's until it is done. */
typedef struct {
  DispatchCall *call;
  Workers *workers;
  int descriptor;   /* until it starts */
  FileShare *share; /* from then on */
  char *database;
  BackupReport report;
} BackupCall;

static void backup_call_free(gpointer data) {
  BackupCall *backup = data;
  if (backup->share != NULL)
    file_share_give_back(backup->share);
  g_free(backup->database);
  g_free(backup);
}

static gboolean run(Transfer *transfer, gpointer data, GError **error) {
  BackupCall *backup = data;
  return transfer_require_writable(transfer, error) &&
         backup_run(backup->database, transfer, &backup->report, error);
}

static gboolean append_report(DBusMessageIter *dict, const BackupReport *report) {
  return wire_append_entry_uint64(dict, "bytes", report->bytes) &&
         wire_append_entry_uint64(dict, "revision", report->revision);
}

static void on_done(gpointer data, const GError *error) {
  BackupCall *backup = data;
  DBusMessageIter out, dict;
  if (error != NULL) {
    dispatch_call_fail(backup->call, error);
    return;
  }
  DBusMessage *reply = face_begin(backup->call, &out);
  face_finish(backup->call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_report(&dict, &backup->report)));
}

static void start(FileShare *share, gpointer data) {
  BackupCall *backup = data;
  backup->share = share;
  transfer_start(backup->workers, backup->descriptor, "the file to back up to",
                 LIMIT_FILE_STALL_SECONDS, run, on_done, backup, backup_call_free);
}

static void drop(gpointer data) {
  BackupCall *backup = data;
  close(backup->descriptor);
  face_refuse_at_stop(backup->call);
  backup_call_free(backup);
}

static void request(DispatchCall *call, BusFace *face, int descriptor) {
  static const FileStartKind kind = {start, drop};
  BackupCall *backup = g_new0(BackupCall, 1);
  backup->call = call;
  backup->workers = face->workers;
  backup->descriptor = descriptor;
  backup->database = g_strdup(face->database);
  file_shares_request(face->files, face_caller(call), &kind, backup);
}

static gboolean require_administrator(const Identity *who, GError **error) {
  return who->administrator ||
         error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "Backup: a backup holds every user's data: only an administrator may take one");
}

void handle_backup(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in;
  GError *error = NULL;
  dispatch_call_get_arguments(call, &in);
  int descriptor = file_share_take_descriptor(call, &in, &error);
  if (descriptor >= 0 && require_administrator(face_caller(call), &error)) {
    request(call, face, descriptor);
    return;
  }
  if (descriptor >= 0)
    close(descriptor);
  dispatch_call_take_error(call, error);
}

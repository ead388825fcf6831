/* SPDX-License-Identifier: MIT */
/* SQLite copies one snapshot into a private file beside the database. Then the snapshot is
 * released, and the copy is handed over at the receiver's pace. */
#include "regd/files/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "regd/files/spool.h"
#include "regd/storage/store.h"

static gboolean go_on(gpointer data, GError **error) {
  return transfer_note_progress(data, error);
}

static gboolean copy(const char *database, const char *name, Transfer *transfer, GError **error) {
  g_autoptr(Db) db = db_open(database, DB_READ, error);
  return db != NULL && db_copy_into(db, name, go_on, transfer, error);
}

static gboolean describe(const char *name, int file, BackupReport *report, GError **error) {
  struct stat status;
  g_autoptr(Store) store = store_open(name, DB_READ, error);
  if (store == NULL || !store_load_revision(store, &report->revision, error))
    return FALSE;
  report->bytes = fstat(file, &status) == 0 ? (guint64)status.st_size : 0;
  return TRUE;
}

gboolean backup_run(const char *database, Transfer *transfer, BackupReport *report,
                    GError **error) {
  g_autofree char *name = NULL;
  int file = spool_make_file(database, "backup", &name, error);
  if (file < 0)
    return FALSE;
  gboolean done = copy(database, name, transfer, error) && describe(name, file, report, error);
  (void)unlink(name);
  done = done && transfer_write_file(transfer, file, error);
  close(file);
  return done;
}

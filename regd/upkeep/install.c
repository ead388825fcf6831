/* SPDX-License-Identifier: MIT */
/* See install.h. */
#include "regd/upkeep/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "regd/storage/db.h"

gboolean install_fail(const char *what, const char *file, GError **error) {
  gboolean full = errno == ENOSPC || errno == EDQUOT;
  return error_set(error, full ? REGISTRY_ERROR_STORAGE_FULL : REGISTRY_ERROR_STORAGE_FAILURE,
                   "%s: %s: %s", file, what, g_strerror(errno));
}

static gboolean is_without_log(Db *db, gboolean *without, GError **error) {
  g_autoptr(DbStatement) mode = db_prepare(db, "PRAGMA journal_mode", error);
  if (mode == NULL || db_step(db, mode, error) != DB_ROW)
    return FALSE;
  *without = g_str_equal(db_column_text(mode, 0), "delete");
  return TRUE;
}

gboolean install_settle(const char *database, GError **error) {
  gboolean without = FALSE;
  g_autoptr(Db) db = db_open(database, DB_ALONE, error);
  if (db == NULL || !db_execute(db, "PRAGMA schema_version", error) ||
      !is_without_log(db, &without, error))
    return FALSE;
  return without || error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                              "%s: its log can't be taken in", database);
}

gboolean install_sync_directory(const char *file, GError **error) {
  g_autofree char *name = g_path_get_dirname(file);
  int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean synced = directory >= 0 && fsync(directory) == 0;
  if (!synced)
    install_fail("it can't be written to the disk", name, error);
  if (directory >= 0)
    close(directory);
  return synced;
}

gboolean install_take_owner(const char *database, int file) {
  struct stat status;
  g_autofree char *directory = g_path_get_dirname(database);
  if (geteuid() != 0 || (stat(database, &status) != 0 && stat(directory, &status) != 0))
    return TRUE;
  return fchown(file, status.st_uid, status.st_gid) == 0;
}

gboolean install_put(const char *database, const char *name, GError **error) {
  if (rename(name, database) != 0)
    return install_fail("it can't be put in its place", name, error);
  return install_sync_directory(database, error);
}

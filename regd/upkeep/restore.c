/* SPDX-License-Identifier: MIT */
/* See restore.h. The old database is whole again (its log taken in) before
 * anything moves, so that no log can be taken for the new one's. */
#include "regd/upkeep/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/files/spool.h"
#include "regd/upkeep/install.h"
#include "regd/upkeep/integrity.h"

#define UNKNOWN_COUNTER_JUMP ((guint64)1 << 32)

void restored_clear(Restored *restored) {
  g_clear_pointer(&restored->kept, g_free);
}

/* ---- the old one ---- */

/* How far revisions have been handed out, for certain. A database that is not
 * sound, or not there, may have known of later ones than it says. */
static gboolean load_old_revision(const char *database, guint64 *revision) {
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(Store) store = store_open(database, DB_READ, NULL);
  if (store == NULL || !store_load_revision(store, revision, NULL))
    return FALSE;
  guint64 noted = db_get_noted_revision(store_get_db(store));
  gboolean sound = noted <= *revision;
  *revision = MAX(*revision, noted);
  if (*revision > LIMIT_REVISION) { /* it is damaged */
    *revision = 0;
    return FALSE;
  }
  return sound && check_store(store, problems, NULL) && problems->len == 0;
}

static char *make_kept_name(const char *database) {
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
  char *name = g_strdup_printf("%s.before-restore-%s", database, time);
  for (guint i = 2; access(name, F_OK) == 0; i++) {
    g_free(name);
    name = g_strdup_printf("%s.before-restore-%s-%u", database, time, i);
  }
  return name;
}

/* A damaged database's log goes with it: beside the new one it would be read as
 * the new one's. A power cut then would part the two, so of a sound one the log
 * must have been taken in. */
static gboolean move_log(const char *database, const char *kept, GError **error) {
  g_autofree char *log = g_strconcat(database, "-wal", NULL);
  g_autofree char *memory = g_strconcat(database, "-shm", NULL);
  g_autofree char *journal = g_strconcat(database, "-journal", NULL);
  g_autofree char *kept_log = g_strconcat(kept, "-wal", NULL);
  g_autofree char *kept_journal = g_strconcat(kept, "-journal", NULL);
  if (rename(log, kept_log) != 0 && errno != ENOENT)
    return install_fail("it can't be moved away", log, error);
  if (rename(journal, kept_journal) != 0 && errno != ENOENT)
    return install_fail("it can't be moved away", journal, error);
  if (unlink(memory) != 0 && errno != ENOENT)
    return install_fail("it can't be removed", memory, error);
  return TRUE;
}

static gboolean keep_old(const char *database, gboolean sound, char **kept, GError **error) {
  if (access(database, F_OK) != 0)
    return TRUE;
  g_autofree char *name = make_kept_name(database);
  if (!install_settle(database, sound ? error : NULL) && sound)
    return FALSE;
  if (!move_log(database, name, error))
    return FALSE;
  if (link(database, name) != 0)
    return install_fail("the old database can't be kept beside it", database, error);
  *kept = g_steal_pointer(&name);
  return TRUE;
}

/* ---- the new one ---- */

static gboolean copy(const char *backup, const char *name, GError **error) {
  if (access(backup, R_OK) != 0)
    return install_fail("the backup can't be read", backup, error);
  g_autoptr(Db) db = db_open(backup, DB_READ, error);
  return db != NULL && db_copy_into(db, name, NULL, NULL, error);
}

/* Every key counts as changed by restoring: a client that read a key at a revision that is
 * undone must not take what is there now for what it read. */
static gboolean renumber(Store *store, guint64 revision, GError **error) {
  g_autofree char *sql = g_strdup_printf(
      "BEGIN IMMEDIATE;"
      "UPDATE meta SET number = %" G_GUINT64_FORMAT " WHERE name IN ('revision', 'horizon');"
      "UPDATE keys SET revision = %" G_GUINT64_FORMAT ", children_revision = %" G_GUINT64_FORMAT
      " WHERE live; COMMIT",
      revision, revision, revision);
  return db_execute(store_get_db(store), sql, error);
}

/* @sound: whether nothing is wrong with the old one. */
static gboolean prepare(const char *name, const char *database, GPtrArray *problems,
                        guint64 *revision, gboolean *sound, GError **error) {
  guint64 newest = 0;
  guint64 old = 0;
  g_autoptr(Store) store = store_open(name, DB_ALONE, error);
  if (store == NULL || !check_store(store, problems, error))
    return FALSE;
  if (problems->len > 0)
    return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE, "the backup is damaged");
  if (!store_load_revision(store, &newest, error))
    return FALSE;
  *sound = load_old_revision(database, &old);
  *revision = MAX(newest, old) + (*sound ? 1 : UNKNOWN_COUNTER_JUMP);
  return renumber(store, *revision, error);
}

static gboolean install(const char *database, const char *name, int file, gboolean sound,
                        char **kept, GError **error) {
  if (!install_take_owner(database, file) || fsync(file) != 0)
    return install_fail("it can't be written to the disk", name, error);
  if (!keep_old(database, sound, kept, error) || !install_sync_directory(database, error))
    return FALSE;
  return install_put(database, name, error);
}

static gboolean restore_locked(const char *database, const char *backup, GPtrArray *problems,
                               Restored *restored, GError **error) {
  g_autofree char *name = NULL;
  gboolean sound = FALSE;
  int file = spool_make_file(database, "restore", &name, error);
  if (file < 0)
    return FALSE;
  gboolean done = copy(backup, name, error) &&
                  prepare(name, database, problems, &restored->revision, &sound, error) &&
                  install(database, name, file, sound, &restored->kept, error);
  if (!done)
    (void)unlink(name);
  close(file);
  return done;
}

gboolean restore_run(const char *database, const char *backup, GPtrArray *problems,
                     Restored *restored, GError **error) {
  int lock = db_take_lock(database, error);
  if (lock < 0)
    return FALSE;
  gboolean done = restore_locked(database, backup, problems, restored, error);
  close(lock);
  return done;
}

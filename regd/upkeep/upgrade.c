/* SPDX-License-Identifier: MIT */
/* See upgrade.h. */
#include "regd/upkeep/upgrade.h"

#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "regd/files/spool.h"
#include "regd/storage/migrations.h"
#include "regd/storage/store.h"
#include "regd/upkeep/install.h"

/* Damage that SQLite can see must not get checksums that say it is right. */
static gboolean check_structure(Db *db, GError **error) {
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  return db_check(db, FALSE, problems, error) &&
         (problems->len == 0 || db_fail_damaged(db, problems->pdata[0], error));
}

/* Closes @db. The tables are brought up to date before the copy takes the database's place: an
 * older regd never finds one that it would write without checksums. */
static gboolean make_copy(Db *old, const char *name, GError **error) {
  g_autoptr(Db) db = old;
  if (!check_structure(db, error) || !db_copy_into(db, name, NULL, NULL, error))
    return FALSE;
  g_autoptr(Store) store = store_open(name, DB_ALONE, error);
  return store != NULL;
}

static gboolean replace(const char *database, const char *name, int file, GError **error) {
  if (!install_take_owner(database, file) || fsync(file) != 0)
    return install_fail("it can't be written to the disk", name, error);
  return install_settle(database, error) && install_put(database, name, error);
}

static gboolean copy(Db *old, const char *database, GError **error) {
  g_autofree char *name = NULL;
  g_autoptr(Db) db = old;
  int file = spool_make_file(database, "upgrade", &name, error);
  if (file < 0)
    return FALSE;
  gboolean done =
      make_copy(g_steal_pointer(&db), name, error) && replace(database, name, file, error);
  if (!done)
    (void)unlink(name);
  close(file);
  return done;
}

static gboolean upgrade_locked(const char *database, GError **error) {
  gboolean need = FALSE;
  g_autoptr(Db) db = db_open(database, DB_READ, error);
  if (db == NULL || !migrations_need_copy(db, database, &need, error))
    return FALSE;
  return !need || copy(g_steal_pointer(&db), database, error);
}

gboolean upgrade_run(const char *database, GError **error) {
  struct stat status;
  if (stat(database, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
    return TRUE; /* it will be made, or opening it says what is wrong */
  int lock = db_take_lock(database, error);
  if (lock < 0)
    return FALSE;
  gboolean done = upgrade_locked(database, error);
  close(lock);
  return done;
}

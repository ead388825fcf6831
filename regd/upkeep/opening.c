/* SPDX-License-Identifier: MIT */
/* See opening.h. */
#include "regd/upkeep/opening.h"

#include <sys/stat.h>

#include "client/base/error.h"
#include "regd/upkeep/integrity.h"
#include "regd/upkeep/upgrade.h"

/* A file without a byte is a new database, unless there was one: then it has been cut off. */
static gboolean check_not_emptied(const char *file, GError **error) {
  struct stat database, witness;
  g_autofree char *name = g_strconcat(file, DB_WITNESS_ENDING, NULL);
  if (stat(file, &database) != 0 || database.st_size > 0 || stat(name, &witness) != 0 ||
      witness.st_size == 0)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                   "%s: the database is damaged (it is empty, but was not): regd --database=%s "
                   "--restore=BACKUP puts a backup back; or remove %s to begin with a new one",
                   file, file, name);
}

Store *opening_open(const char *file, guint64 *revision, GPtrArray *problems, GError **error) {
  if (!check_not_emptied(file, error) || !upgrade_run(file, error))
    return NULL;
  g_autoptr(Store) store = store_open(file, DB_WRITE, error);
  if (store == NULL || !check_at_start(store, file, problems, error) ||
      !store_load_revision(store, revision, error))
    return NULL;
  /* From here on a database that has lost it is noticed. */
  if (problems->len == 0)
    db_note_revision(store_get_db(store), *revision);
  return g_steal_pointer(&store);
}

/* See trials.h. */
#include "regd/trials.h"

#include "client/base/error.h"
#include "client/base/protocol.h"

static gboolean count(Store *store, guint32 uid, gint64 *number, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT count(*) FROM trials WHERE uid = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, uid);
  DbStep step = db_step(store_get_db(store), statement, error);
  *number = step == DB_ROW ? db_column_int(statement, 0) : 0;
  return step != DB_FAILED;
}

gboolean trials_add(Store *store, guint64 revision, guint32 uid, gint64 deadline, GError **error) {
  gint64 number = 0;
  if (!count(store, uid, &number, error))
    return FALSE;
  if (number >= (gint64)LIMIT_TRIALS_PER_USER)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%u changes of yours are on trial already: confirm some of them first",
                     LIMIT_TRIALS_PER_USER);
  DbStatement *statement =
      db_prepare(store_get_db(store), "INSERT INTO trials VALUES(?1, ?2, ?3)", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  db_bind_int(statement, 2, uid);
  db_bind_int(statement, 3, deadline);
  return db_run(store_get_db(store), statement, error);
}

gboolean trials_find(Store *store, guint64 revision, gboolean *is_on_trial, guint32 *uid,
                     GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT uid FROM trials WHERE revision = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  *is_on_trial = step == DB_ROW;
  *uid = step == DB_ROW ? (guint32)db_column_int(statement, 0) : 0;
  return step != DB_FAILED;
}

gboolean trials_remove(Store *store, guint64 revision, GError **error) {
  DbStatement *statement =
      db_prepare(store_get_db(store), "DELETE FROM trials WHERE revision = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  return db_run(store_get_db(store), statement, error);
}

gboolean trials_get_next(Store *store, guint64 *revision, gint64 *deadline, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, deadline FROM trials ORDER BY deadline LIMIT 1", error);
  if (statement == NULL)
    return FALSE;
  DbStep step = db_step(store_get_db(store), statement, error);
  *revision = step == DB_ROW ? (guint64)db_column_int(statement, 0) : 0;
  *deadline = step == DB_ROW ? db_column_int(statement, 1) : 0;
  return step != DB_FAILED;
}

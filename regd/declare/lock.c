/* SPDX-License-Identifier: MIT */
/* See lock.h. */
#include "regd/declare/lock.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

/* Besides the name and the reason. */
#define LOCK_COST 64

#define COLUMNS "key, whole, name, reason, uid, time"

void lock_free(Lock *lock) {
  if (lock == NULL)
    return;
  g_free(lock->key);
  g_free(lock->name);
  g_free(lock->reason);
  g_free(lock);
}

static Lock *read_row(DbStatement *statement) {
  Lock *lock = g_new0(Lock, 1);
  lock->key = g_strdup(db_column_text(statement, 0));
  lock->name = db_column_int(statement, 1) != 0 ? NULL : g_strdup(db_column_text(statement, 2));
  lock->reason = g_strdup(db_column_text(statement, 3));
  lock->uid = (guint32)db_column_int(statement, 4);
  lock->time = db_column_int(statement, 5);
  return lock;
}

static void bind_place(DbStatement *statement, const char *path, const char *name,
                       const char *fold) {
  db_bind_text(statement, 1, path);
  db_bind_int(statement, 2, name == NULL);
  db_bind_text(statement, 3, fold);
}

gboolean lock_store(Store *store, const Lock *lock, GError **error) {
  g_autofree char *path = path_fold(lock->key);
  g_autofree char *fold = path_fold(lock->name != NULL ? lock->name : "");
  DbStatement *statement =
      db_prepare(store_get_db(store),
                 "INSERT OR REPLACE INTO locks(path, whole, fold, key, name, reason, uid, time)"
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                 error);
  if (statement == NULL)
    return FALSE;
  bind_place(statement, path, lock->name, fold);
  db_bind_text(statement, 4, lock->key);
  db_bind_text(statement, 5, lock->name != NULL ? lock->name : "");
  db_bind_text(statement, 6, lock->reason);
  db_bind_int(statement, 7, lock->uid);
  db_bind_int(statement, 8, lock->time);
  return db_run(store_get_db(store), statement, error);
}

gboolean lock_remove(Store *store, const char *key, const char *name, GError **error) {
  g_autofree char *path = path_fold(key);
  g_autofree char *fold = path_fold(name != NULL ? name : "");
  DbStatement *statement = db_prepare(
      store_get_db(store), "DELETE FROM locks WHERE path = ?1 AND whole = ?2 AND fold = ?3", error);
  if (statement == NULL)
    return FALSE;
  bind_place(statement, path, name, fold);
  return db_run(store_get_db(store), statement, error);
}

static GPtrArray *read_rows(Store *store, DbStatement *statement, GError **error) {
  g_autoptr(GPtrArray) locks = g_ptr_array_new_with_free_func((GDestroyNotify)lock_free);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW)
    g_ptr_array_add(locks, read_row(statement));
  return step == DB_DONE ? g_steal_pointer(&locks) : NULL;
}

GPtrArray *lock_list(Store *store, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT " COLUMNS " FROM locks", error);
  return statement != NULL ? read_rows(store, statement, error) : NULL;
}

GPtrArray *lock_list_branch(Store *store, const char *path, GError **error) {
  g_autofree char *at = path_fold(path);
  g_autofree char *from = g_strconcat(at, "\\", NULL);
  g_autofree char *to = g_strconcat(at, "]", NULL); /* the character behind the separator */
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT " COLUMNS " FROM locks WHERE path = ?1 OR (path >= ?2 AND path < ?3)"
                 " ORDER BY path, whole DESC, fold",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_text(statement, 1, at);
  db_bind_text(statement, 2, from);
  db_bind_text(statement, 3, to);
  return read_rows(store, statement, error);
}

/* The one lock of just that thing; all folded. */
static gboolean find_own(Store *store, const char *path, const char *fold, Lock **lock,
                         GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT " COLUMNS " FROM locks WHERE path = ?1 AND whole = ?2 AND fold = ?3", error);
  if (statement == NULL)
    return FALSE;
  bind_place(statement, path, fold, fold != NULL ? fold : "");
  DbStep step = db_step(store_get_db(store), statement, error);
  if (step == DB_ROW)
    *lock = read_row(statement);
  return step != DB_FAILED;
}

static gboolean has_any(Store *store, gboolean *any, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT 1 FROM locks LIMIT 1", error);
  if (statement == NULL)
    return FALSE;
  DbStep step = db_step(store_get_db(store), statement, error);
  *any = step == DB_ROW;
  return step != DB_FAILED;
}

gboolean lock_find(Store *store, const char *path, const char *name, Lock **lock, GError **error) {
  gboolean any = FALSE;
  *lock = NULL;
  if (!has_any(store, &any, error))
    return FALSE;
  if (!any)
    return TRUE;
  g_autofree char *at = path_fold(path);
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  if (fold != NULL && !find_own(store, at, fold, lock, error))
    return FALSE;
  for (char *end = at; *lock == NULL && end != NULL;) {
    if (!find_own(store, at, NULL, lock, error))
      return FALSE;
    end = strrchr(at, '\\');
    if (end != NULL)
      *end = '\0';
  }
  return TRUE;
}

gboolean lock_check_reason(const char *key, const char *reason, GError **error) {
  gsize length = strlen(reason);
  gboolean good = length > 0 && length <= LIMIT_REASON_BYTES;
  for (gsize i = 0; good && i < length; i++)
    good = (guchar)reason[i] >= 0x20 && reason[i] != 0x7f;
  return good || error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                           "%s: the reason of a lock is 1 to %u bytes of text without control "
                           "characters",
                           key, LIMIT_REASON_BYTES);
}

gboolean lock_refuse(const Lock *lock, const char *path, const char *name, GError **error) {
  g_autoptr(GDateTime) moment = g_date_time_new_from_unix_utc(lock->time / G_USEC_PER_SEC);
  g_autofree char *when =
      moment != NULL ? g_date_time_format(moment, "%Y-%m-%d %H:%M:%S UTC") : g_strdup("?");
  gboolean whole = lock->name == NULL;
  const char *shown = name != NULL && *name == '\0' ? "(default)" : name;
  return error_set(error, REGISTRY_ERROR_LOCKED, "%s%s%s: locked by user %u at %s%s%s: %s", path,
                   shown != NULL ? ": " : "", shown != NULL ? shown : "", lock->uid, when,
                   whole ? ", with all at and below " : "", whole ? lock->key : "", lock->reason);
}

gint64 lock_get_cost(const Lock *lock) {
  return LOCK_COST + (gint64)strlen(lock->reason) +
         (lock->name != NULL ? (gint64)strlen(lock->name) : 0);
}

/* SPDX-License-Identifier: MIT */
/* See declared.h. */
#include "regd/declare/declared.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

/* Besides the name, the owner and the data. */
#define DECLARED_COST 64

#define SELECT "SELECT key, what, name, owner, type, data, closed FROM declared"

void declared_free(Declared *declared) {
  if (declared == NULL)
    return;
  g_free(declared->key);
  g_free(declared->name);
  g_free(declared->owner);
  registry_value_unref(declared->value);
  g_free(declared);
}

gboolean declared_check_owner(const char *owner, GError **error) {
  gboolean good = *owner != '\0' && strlen(owner) <= LIMIT_OWNER_BYTES;
  for (const char *at = owner; good && *at != '\0'; at = g_utf8_next_char(at))
    good = !g_unichar_iscntrl(g_utf8_get_char(at));
  return good || error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                           "an owner is 1 to %u bytes of text without control characters",
                           LIMIT_OWNER_BYTES);
}

/* Between a path and a name: it is in neither. */
#define OF_KEY "\x01"
#define OF_VALUE "\x02"

char *declared_make_thing(const char *folded_path, const char *name) {
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  return g_strconcat(folded_path, fold != NULL ? OF_VALUE : OF_KEY, fold, NULL);
}

gboolean declared_is_met(const Declared *declared, const RegistryValue *value) {
  if (declared->value == NULL || value == NULL)
    return declared->value == value;
  return registry_value_equal(declared->value, value);
}

gint64 declared_get_cost(const Declared *declared) {
  gsize size = 0;
  if (declared->value != NULL)
    (void)registry_value_get_bytes(declared->value, &size);
  return DECLARED_COST + (gint64)(strlen(declared->owner) + size) +
         (declared->name != NULL ? (gint64)strlen(declared->name) : 0);
}

/* ---- writing ---- */

/* What names a row. */
static void bind_thing(DbStatement *statement, const char *path, const char *fold,
                       const char *owner) {
  db_bind_text(statement, 1, path);
  db_bind_int(statement, 2, fold != NULL);
  db_bind_text(statement, 3, fold != NULL ? fold : "");
  if (owner != NULL)
    db_bind_text(statement, 4, owner);
}

static void bind_value(DbStatement *statement, int first, const RegistryValue *value) {
  gsize size = 0;
  if (value == NULL) {
    db_bind_null(statement, first);
    db_bind_null(statement, first + 1);
    return;
  }
  const void *bytes = registry_value_get_bytes(value, &size);
  db_bind_int(statement, first, registry_value_get_type(value));
  db_bind_data(statement, first + 1, bytes != NULL ? bytes : "", size);
}

gboolean declared_store(Store *store, const Declared *declared, GError **error) {
  Db *db = store_get_db(store);
  g_autofree char *path = path_fold(declared->key);
  g_autofree char *fold = declared->name != NULL ? path_fold(declared->name) : NULL;
  DbStatement *statement = db_prepare(db,
                                      "INSERT OR REPLACE INTO declared"
                                      "(path, what, fold, owner, key, name, type, data, closed)"
                                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                                      error);
  if (statement == NULL)
    return FALSE;
  bind_thing(statement, path, fold, declared->owner);
  db_bind_text(statement, 5, declared->key);
  db_bind_text(statement, 6, declared->name != NULL ? declared->name : "");
  bind_value(statement, 7, declared->value);
  db_bind_int(statement, 9, declared->closed);
  return db_run(db, statement, error);
}

gboolean declared_remove(Store *store, const Declared *declared, GError **error) {
  Db *db = store_get_db(store);
  g_autofree char *path = path_fold(declared->key);
  g_autofree char *fold = declared->name != NULL ? path_fold(declared->name) : NULL;
  DbStatement *statement = db_prepare(
      db, "DELETE FROM declared WHERE path = ?1 AND what = ?2 AND fold = ?3 AND owner = ?4", error);
  if (statement == NULL)
    return FALSE;
  bind_thing(statement, path, fold, declared->owner);
  return db_run(db, statement, error);
}

/* ---- reading ---- */

static Declared *read_row(Db *db, DbStatement *statement) {
  gsize size = 0;
  const void *data = db_column_data(statement, 5, &size);
  Declared *declared = g_new0(Declared, 1);
  declared->key = g_strdup(db_column_text(statement, 0));
  if (db_column_int(statement, 1) != 0)
    declared->name = g_strdup(db_column_text(statement, 2));
  declared->owner = g_strdup(db_column_text(statement, 3));
  if (!db_column_is_null(statement, 4))
    declared->value = registry_value_new_bytes((guint32)db_column_int(statement, 4), data, size);
  declared->closed = db_column_int(statement, 6);
  db_add_work(db, size);
  return declared;
}

static GPtrArray *read_rows(Store *store, DbStatement *statement, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)declared_free);
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW)
    g_ptr_array_add(rows, read_row(db, statement));
  return step == DB_DONE ? g_steal_pointer(&rows) : NULL;
}

GPtrArray *declared_list_thing(Store *store, const char *path, const char *fold, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), SELECT " WHERE path = ?1 AND what = ?2 AND fold = ?3", error);
  if (statement == NULL)
    return NULL;
  bind_thing(statement, path, fold, NULL);
  return read_rows(store, statement, error);
}

gboolean declared_row_is(const DeclaredRow *row, const RegistryValue *value) {
  gsize size = 0;
  if (!row->has_value || value == NULL)
    return !row->has_value && value == NULL;
  const void *bytes = registry_value_get_bytes(value, &size);
  return registry_value_get_type(value) == row->type && size == row->size &&
         (size == 0 || memcmp(bytes, row->bytes, size) == 0);
}

#define VISIT                                                                                      \
  "SELECT path, what, fold, owner, type, data, name, closed FROM declared WHERE path = ?1"

static gboolean visit_rows(Store *store, DbStatement *statement, DeclaredVisit visit, gpointer data,
                           GError **error) {
  g_autoptr(GString) thing = g_string_new(NULL);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    g_string_assign(thing, db_column_text(statement, 0));
    g_string_append(thing, db_column_int(statement, 1) != 0 ? OF_VALUE : OF_KEY);
    g_string_append(thing, db_column_text(statement, 2));
    DeclaredRow row = {.thing = thing->str, .owner = db_column_text(statement, 3)};
    row.has_value = !db_column_is_null(statement, 4);
    row.type = (guint32)db_column_int(statement, 4);
    row.bytes = db_column_data(statement, 5, &row.size);
    row.cost = DECLARED_COST + (gint64)(strlen(row.owner) + row.size) +
               (gint64)strlen(db_column_text(statement, 6));
    row.closed = db_column_int(statement, 7);
    if (!visit(&row, data, error))
      return FALSE;
  }
  return step == DB_DONE;
}

gboolean declared_visit_key(Store *store, const char *path, DeclaredVisit visit, gpointer data,
                            GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store_get_db(store), VISIT, error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, path);
  return visit_rows(store, statement, visit, data, error);
}

gboolean declared_visit_thing(Store *store, const char *thing, DeclaredVisit visit, gpointer data,
                              GError **error) {
  gsize length = strcspn(thing, OF_KEY OF_VALUE);
  g_autofree char *path = g_strndup(thing, length);
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), VISIT " AND what = ?2 AND fold = ?3", error);
  if (statement == NULL)
    return FALSE;
  bind_thing(statement, path, thing[length] == *OF_VALUE ? thing + length + 1 : NULL, NULL);
  return visit_rows(store, statement, visit, data, error);
}

gboolean declared_count(Store *store, const char *owner, gint64 *count, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT count(*) FROM declared WHERE owner = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, owner);
  if (db_step(store_get_db(store), statement, error) != DB_ROW)
    return FALSE;
  *count = db_column_int(statement, 0);
  return TRUE;
}

GPtrArray *declared_list_owner(Store *store, const char *owner, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), SELECT " WHERE owner = ?1 ORDER BY path, what, fold", error);
  if (statement == NULL)
    return NULL;
  db_bind_text(statement, 1, owner);
  return read_rows(store, statement, error);
}

GPtrArray *declared_list_branch(Store *store, const char *path, GError **error) {
  g_autofree char *at = path_fold(path);
  g_autofree char *from = g_strconcat(at, "\\", NULL);
  g_autofree char *to = g_strconcat(at, "]", NULL); /* the character behind the separator */
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 SELECT " WHERE path = ?1 OR (path >= ?2 AND path < ?3)"
                        " ORDER BY path, what, fold, owner",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_text(statement, 1, at);
  db_bind_text(statement, 2, from);
  db_bind_text(statement, 3, to);
  return read_rows(store, statement, error);
}

gboolean declared_close(Store *store, const char *path, gint64 closed, GError **error) {
  g_autoptr(GPtrArray) rows = declared_list_branch(store, path, error);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    Declared *row = rows->pdata[i];
    if (row->closed != 0)
      continue;
    row->closed = closed;
    if (!declared_store(store, row, error))
      return FALSE;
  }
  return rows != NULL;
}

gboolean declared_is_by(Store *store, const char *owner, const char *path, const char *name,
                        gboolean *is, GError **error) {
  g_autofree char *at = path_fold(path);
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT 1 FROM declared WHERE path = ?1 AND what = ?2 AND fold = ?3 AND owner = ?4", error);
  if (statement == NULL)
    return FALSE;
  bind_thing(statement, at, fold, owner);
  DbStep step = db_step(store_get_db(store), statement, error);
  *is = step == DB_ROW;
  return step != DB_FAILED;
}

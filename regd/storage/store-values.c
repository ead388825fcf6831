/* SPDX-License-Identifier: MIT */
/* The values of keys: see store.h. */
#include <string.h>

#include "regd/storage/store-private.h"

void value_row_free(ValueRow *row) {
  if (row == NULL)
    return;
  g_free(row->name);
  registry_value_unref(row->value);
  g_free(row);
}

#define VALUE_COLUMNS "name, type, data, position, revision, coalesce(secret, -1)"

static ValueRow *read_value_row(Db *db, DbStatement *statement) {
  gsize size = 0;
  const void *data = db_column_data(statement, 2, &size);
  ValueRow *row = g_new0(ValueRow, 1);
  row->name = g_strdup(db_column_text(statement, 0));
  row->value = registry_value_new_bytes((guint32)db_column_int(statement, 1), data, size);
  row->position = db_column_int(statement, 3);
  row->revision = (guint64)db_column_int(statement, 4);
  db_add_work(db, size + (row->name != NULL ? strlen(row->name) : 0));
  row->secrecy = (Secrecy)db_column_int(statement, 5);
  return row;
}

gboolean store_find_value(Store *store, gint64 key, const char *fold, ValueRow **row,
                          GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return FALSE;
  g_autoptr(DbStatement) statement = db_prepare(
      store->db, "SELECT " VALUE_COLUMNS " FROM stored WHERE key = ?1 AND fold = ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_text(statement, 2, fold);
  DbStep step = db_step(store->db, statement, error);
  *row = step == DB_ROW ? read_value_row(store->db, statement) : NULL;
  return step != DB_FAILED; /* the caller knows the name of the value */
}

static gint compare_positions(gconstpointer a, gconstpointer b) {
  const ValueRow *first = *(const ValueRow *const *)a;
  const ValueRow *second = *(const ValueRow *const *)b;
  return first->position < second->position ? -1 : first->position > second->position;
}

GPtrArray *store_list_values(Store *store, gint64 key, GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return NULL;
  g_autoptr(DbStatement) statement =
      db_prepare(store->db, "SELECT " VALUE_COLUMNS " FROM stored WHERE key = ?1", error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, key);
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)value_row_free);
  DbStep step;
  while ((step = db_step(store->db, statement, error)) == DB_ROW)
    g_ptr_array_add(rows, read_value_row(store->db, statement));
  if (step == DB_FAILED) {
    store_name_damage(store, key, error);
    return NULL;
  }
  g_ptr_array_sort(rows, compare_positions);
  return g_steal_pointer(&rows);
}

gboolean store_count_values(Store *store, gint64 key, guint32 *count, GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return FALSE;
  gint64 number = 0;
  gboolean done =
      store_query_number(store, "SELECT count(*) FROM stored WHERE key = ?1", key, &number, error);
  *count = (guint32)number;
  return done;
}

gboolean store_sum_values(Store *store, gint64 key, gint64 *bytes, GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return FALSE;
  return store_query_number(store,
                            "SELECT coalesce(sum(length(data) + length(name) + 16), 0) FROM stored"
                            " WHERE key = ?1",
                            key, bytes, error) ||
         store_name_damage(store, key, error);
}

gboolean store_sum_some_values(Store *store, gint64 key, ValueTest counts, gpointer data,
                               gint64 *bytes, GError **error) {
  *bytes = 0;
  g_autoptr(DbStatement) statement = db_prepare(
      store->db, "SELECT name, length(data) + length(name) + 16 FROM stored WHERE key = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  DbStep step;
  while ((step = db_step(store->db, statement, error)) == DB_ROW)
    if (counts(db_column_text(statement, 0), data))
      *bytes += db_column_int(statement, 1);
  return step == DB_DONE || store_name_damage(store, key, error);
}

static gboolean write_value(Store *store, DbStatement *statement, gint64 key, const NewValue *value,
                            GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return FALSE;
  if (statement == NULL)
    return FALSE;
  gsize size = 0;
  const guint8 *data = registry_value_get_bytes(value->value, &size);
  db_bind_int(statement, 1, key);
  db_bind_text(statement, 2, value->fold);
  db_bind_text(statement, 3, value->name);
  db_bind_int(statement, 4, registry_value_get_type(value->value));
  db_bind_data(statement, 5, data, size);
  db_bind_int(statement, 6, value->position != 0 ? value->position : store->next_position++);
  db_bind_int(statement, 7, (gint64)value->revision);
  db_add_work(store->db, size + strlen(value->name));
  db_bind_int(statement, 8, value->secret ? SECRECY_SECRET : SECRECY_NONE);
  return db_run(store->db, statement, error);
}

gboolean store_put_value(Store *store, gint64 key, const NewValue *value, GError **error) {
  DbStatement *statement = db_prepare(store->db,
                                      "INSERT OR REPLACE INTO stored(key, fold, name, type, data,"
                                      " position, revision, secret)"
                                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                      error);
  return write_value(store, statement, key, value, error);
}

gboolean store_add_value(Store *store, gint64 key, const NewValue *value, gboolean *added,
                         GError **error) {
  DbStatement *statement = db_prepare(store->db,
                                      "INSERT INTO stored(key, fold, name, type, data, position,"
                                      " revision, secret)"
                                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                                      " ON CONFLICT DO NOTHING",
                                      error);
  if (!write_value(store, statement, key, value, error))
    return FALSE;
  *added = db_count_changes(store->db) > 0;
  if (!*added && value->position == 0)
    store->next_position--;
  return TRUE;
}

gboolean store_delete_value(Store *store, gint64 key, const char *fold, GError **error) {
  if (store->shadow != NULL && !shadow_get_values(store->shadow, key, error))
    return FALSE;
  DbStatement *statement =
      db_prepare(store->db, "DELETE FROM stored WHERE key = ?1 AND fold = ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_text(statement, 2, fold);
  return db_run(store->db, statement, error);
}

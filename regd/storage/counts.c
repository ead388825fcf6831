/* SPDX-License-Identifier: MIT */
/* See counts.h. */
#include "regd/storage/counts.h"

typedef struct {
  const char *sql;
  gsize offset;
} CountRow;

gboolean store_count(Store *store, StoreCounts *counts, GError **error) {
  static const CountRow rows[] = {
      {"SELECT count(*) FROM keys WHERE live", G_STRUCT_OFFSET(StoreCounts, keys)},
      {"SELECT count(*) FROM stored", G_STRUCT_OFFSET(StoreCounts, values)},
      {"SELECT count(*) FROM history", G_STRUCT_OFFSET(StoreCounts, history_rows)},
      {"SELECT count(*) FROM trials", G_STRUCT_OFFSET(StoreCounts, trials)},
      {"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
       G_STRUCT_OFFSET(StoreCounts, database_bytes)},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(DbStatement) statement = db_prepare(store_get_db(store), rows[i].sql, error);
    if (statement == NULL || db_step(store_get_db(store), statement, error) != DB_ROW)
      return FALSE;
    guint64 *count = (guint64 *)(gpointer)((char *)counts + rows[i].offset);
    *count = (guint64)db_column_int(statement, 0);
  }
  return TRUE;
}

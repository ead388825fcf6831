/* SPDX-License-Identifier: MIT */
/* See counts.h. */
#include "regd/storage/counts.h"

#include "client/base/protocol.h"

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

void kept_counts_set(KeptCounts *kept, const StoreCounts *counts, gint64 now) {
  guint64 rows = counts->keys + counts->values + counts->history_rows + counts->trials;
  gboolean small = rows < LIMIT_COUNTS_SMALL_ROWS;
  kept->counts = *counts;
  kept->until = small ? 0 : now + (gint64)LIMIT_COUNTS_KEPT_MS * 1000;
}

gboolean kept_counts_get(const KeptCounts *kept, gint64 now, StoreCounts *counts) {
  if (now >= kept->until)
    return FALSE;
  *counts = kept->counts;
  return TRUE;
}

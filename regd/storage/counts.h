/* SPDX-License-Identifier: MIT */
/* How much a database holds. */
#ifndef REGD_STORAGE_COUNTS_H
#define REGD_STORAGE_COUNTS_H

#include "regd/storage/store.h"

typedef struct {
  guint64 keys, values, history_rows, trials;
  guint64 database_bytes; /* without the write-ahead log */
} StoreCounts;
/* Reads through indexes and tables: not on the main loop. */
gboolean store_count(Store *store, StoreCounts *counts, GError **error);

/* The last counts. Belongs to one thread; begins as all 0. */
typedef struct {
  StoreCounts counts;
  gint64 until; /* monotonic time in µs; 0: there are none */
} KeptCounts;
/* @now: monotonic time in µs. They are kept for LIMIT_COUNTS_KEPT_MS, unless the database is
 * so small (LIMIT_COUNTS_SMALL_ROWS) that counting costs nothing. */
void kept_counts_set(KeptCounts *kept, const StoreCounts *counts, gint64 now);
/* FALSE: there are none as new as that; *@counts is not changed. */
gboolean kept_counts_get(const KeptCounts *kept, gint64 now, StoreCounts *counts);

#endif

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

#endif

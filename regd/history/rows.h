/* SPDX-License-Identifier: MIT */
/* What replay.c and visit.c share: the run of a row of history. For nobody else. */
#ifndef REGD_HISTORY_ROWS_H
#define REGD_HISTORY_ROWS_H

#include "regd/history/encoding.h"
#include "regd/storage/store.h"

/* Begins to read the run in column @column of a row; it ends with the row. */
void history_begin_run(Store *store, DbStatement *statement, int column, RunReader *run);
/* The run can't be read. Returns FALSE. */
gboolean history_fail_damaged(Store *store, GError **error);

#endif

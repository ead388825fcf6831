/* SPDX-License-Identifier: MIT */
/* What keeps history out of a regd that is built to be measured. The linker
 * gives apply.c these in the place of those of history.c and retention.c. */
#include "regd/history/record.h"
#include "regd/history/retention.h"

gboolean __wrap_history_record(Store *store, const RevisionRow *head, const GPtrArray *differences,
                               guint *rows, GError **error);
void __wrap_retention_count(RetentionCounts *counts, gint64 scope, guint64 revision, gint64 now,
                            gint64 bytes);

gboolean __wrap_history_record(G_GNUC_UNUSED Store *store, G_GNUC_UNUSED const RevisionRow *head,
                               G_GNUC_UNUSED const GPtrArray *differences,
                               G_GNUC_UNUSED guint *rows, G_GNUC_UNUSED GError **error) {
  return TRUE;
}

void __wrap_retention_count(G_GNUC_UNUSED RetentionCounts *counts, G_GNUC_UNUSED gint64 scope,
                            G_GNUC_UNUSED guint64 revision, G_GNUC_UNUSED gint64 now,
                            G_GNUC_UNUSED gint64 bytes) {
}

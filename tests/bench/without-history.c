/* What keeps history out of a regd that is built to be measured. The linker
 * gives apply.c these in the place of those of history.c and retention.c. */
#include "regd/history.h"
#include "regd/retention.h"

gboolean __wrap_history_record(Store *store, guint64 revision, gint64 now, const Identity *who,
                               const char *comment, GPtrArray *differences, GError **error);
gboolean __wrap_retention_count(Store *store, gint64 scope, guint64 revision, gint64 now,
                                GError **error);

gboolean __wrap_history_record(Store *store, guint64 revision, gint64 now, const Identity *who,
                               const char *comment, GPtrArray *differences, GError **error) {
  (void)store;
  (void)revision;
  (void)now;
  (void)who;
  (void)comment;
  (void)differences;
  (void)error;
  return TRUE;
}

gboolean __wrap_retention_count(Store *store, gint64 scope, guint64 revision, gint64 now,
                                GError **error) {
  (void)store;
  (void)scope;
  (void)revision;
  (void)now;
  (void)error;
  return TRUE;
}

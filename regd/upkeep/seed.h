/* SPDX-License-Identifier: MIT */
/* What a new database holds. */
#ifndef REGD_UPKEEP_SEED_H
#define REGD_UPKEEP_SEED_H

#include "client/base/change.h"
#include "regd/storage/store.h"

/* Where the database has no keys yet, commits the roots. @now: µs since 1970. */
gboolean seed_make_roots(Store *store, gint64 now, GError **error);
/* Makes the two roots that are keys of their own. Needs a write transaction. */
gboolean seed_roots(Store *store, gint64 now, GError **error);
/* Everything below them, as the change of the first revision. */
Change *seed_change(GError **error);
/* The change that drops the volatile keys of an earlier run; NULL with error unset if there
 * are none. */
Change *seed_drop_volatile(Store *store, GError **error);

#endif

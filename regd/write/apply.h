/* SPDX-License-Identifier: MIT */
/* Applies one change: each operation is authorised, checked against schemas and limits, and
 * written, and what it changed is recorded. All of it happens inside the writer's transaction,
 * so the state that is checked is the state that is changed. */
#ifndef REGD_WRITE_APPLY_H
#define REGD_WRITE_APPLY_H

#include "client/base/change.h"
#include "regd/history/retention.h"
#include "regd/tree/place-cache.h"
#include "regd/tree/settings.h"
#include "regd/write/result.h"
#include "schema/rules.h"

/* What the writer hands to every change. */
typedef struct {
  Store *store;
  PlaceCache *places;      /* of the store's state between changes; apply_change() keeps it valid */
  RetentionCounts *counts; /* to be written before the transaction is committed */
  SchemaSet *schemas;      /* may be NULL */
  const LiveSettings *settings;
  guint64 revision; /* the newest handed out */
  gint64 now;       /* microseconds since 1970 */
} ApplyContext;

/* Applies @change under a savepoint of its own within the open transaction. If it returns
 * FALSE, changes nothing, or is a dry run, the store is as it was before. result->revision is
 * the revision that it took, or the newest one. */
gboolean apply_change(const ApplyContext *context, Identity *who, const Change *change,
                      WriteResult *result, GError **error);

#endif

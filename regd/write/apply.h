/* SPDX-License-Identifier: MIT */
/* One change, applied: every entry authorised, checked against schemas and
 * limits, written, and the differences that it made. All of it happens inside
 * the writer's transaction, so what was checked is what is changed. */
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
  PlaceCache *places;      /* of the store's state between changes; kept right by apply_change() */
  RetentionCounts *counts; /* to be written before the transaction is committed */
  SchemaSet *schemas;      /* may be NULL */
  const LiveSettings *settings;
  guint64 revision; /* the newest handed out */
  gint64 now;       /* microseconds since 1970 */
} ApplyContext;

/* Applies @change under a savepoint of its own within the transaction that is
 * open. Where it returns FALSE, changes nothing, or is a dry run, the store is
 * as it was before. result->revision is the one it took, or the newest one. */
gboolean apply_change(const ApplyContext *context, Identity *who, const Change *change,
                      WriteResult *result, GError **error);

#endif

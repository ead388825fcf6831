/* SPDX-License-Identifier: MIT */
/* Applies one change: each operation is authorised, checked against schemas and limits, and
 * written, and what it changed is recorded. All of it happens inside the writer's transaction,
 * so the state that is checked is the state that is changed. */
#ifndef REGD_WRITE_APPLY_H
#define REGD_WRITE_APPLY_H

#include "client/base/change.h"
#include "regd/base/result.h"
#include "regd/declare/lock-set.h"
#include "regd/history/retention.h"
#include "regd/tree/place-cache.h"
#include "regd/tree/settings.h"
#include "schema/rules.h"

/* What the writer hands to every change. */
typedef struct {
  Store *store;
  PlaceCache *places;      /* of the store's state between changes; apply_change() keeps it valid */
  RetentionCounts *counts; /* to be written before the transaction is committed */
  LockSet *locks;          /* of the store's state between changes, as `places` */
  SchemaSet *schemas;      /* may be NULL */
  const LiveSettings *settings;
  const struct FleetHook *fleet; /* see fleet-hook.h; NULL: there is none */
  guint64 revision;              /* the newest handed out */
  gint64 now;                    /* microseconds since 1970 */
  /* Asked now and then; FALSE with an error ends the change. NULL: nobody is asked. */
  DbProgress may_go_on;
  gpointer may_go_on_data;
} ApplyContext;

/* How many steps a change of @who may take (db_begin_work()). */
guint64 apply_get_step_limit(const Identity *who, const LiveSettings *settings);

/* Reads what is still to be read of @change, and applies it under a savepoint of its own within the
 * open transaction. If it returns FALSE, changes nothing, or is a dry run, the store is as it was
 * before. result->revision is the revision that it took, or the newest one. result->steps is the
 * work that it was. LIMIT_EXCEEDED: it takes more steps than its maker may
 * (apply_get_step_limit()), or would make a user hold more than they may. */
gboolean apply_change(const ApplyContext *context, Identity *who, Change *change,
                      WriteResult *result, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* A guarded transaction while it is put together. Each function takes the keys and records that it
 * is given, but for batch_add_steps(), which copies. */
#ifndef REGD_FLEET_ETCD_BATCH_H
#define REGD_FLEET_ETCD_BATCH_H

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/cluster.h"

typedef struct Batch Batch;
Batch *batch_new(void);
void batch_free(Batch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)

/* What must hold, or nothing is done. */
void batch_require_absent(Batch *batch, GBytes *key);
void batch_require_present(Batch *batch, GBytes *key);
void batch_require_value(Batch *batch, GBytes *key, GBytes *value);
/* That the key was written last at this revision of etcd. */
void batch_require_revision(Batch *batch, GBytes *key, gint64 modified);

void batch_put(Batch *batch, GBytes *key, GBytes *record);
/* It goes when the lease ends. */
void batch_put_leased(Batch *batch, GBytes *key, GBytes *record, gint64 lease);
void batch_delete(Batch *batch, GBytes *key);
/* All keys that begin with @prefix. */
void batch_delete_all(Batch *batch, const char *prefix);
/* @steps: of FleetStep; their keys are those below the layer of @cluster. */
void batch_add_steps(Batch *batch, const Cluster *cluster, const GPtrArray *steps);

/* The request of KV/Txn; owned. */
GBytes *batch_encode(const Batch *batch);

#endif

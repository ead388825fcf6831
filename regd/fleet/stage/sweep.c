/* SPDX-License-Identifier: MIT */
/* See sweep.h. */
#include "regd/fleet/stage/sweep.h"

#include <string.h>

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/batch.h"

/* Keys that one sweep looks at. */
#define MOST_KEYS 10000

struct Sweep {
  Cluster *cluster;
  AttemptLimits limits;
  SweepDone done;
  gpointer data;
  Attempt *attempt;
  GArray *found;   /* of FleetPending: ids without an owner */
  GBytes *pending; /* the record; NULL: nothing is pending */
};

static void sweep_free(Sweep *sweep) {
  attempt_cancel(sweep->attempt);
  g_array_unref(sweep->found);
  g_clear_pointer(&sweep->pending, g_bytes_unref);
  g_free(sweep);
}

void sweep_cancel(Sweep *sweep) {
  if (sweep != NULL)
    sweep_free(sweep);
}

static void finish(Sweep *sweep) {
  sweep->done(sweep->data);
  sweep_free(sweep);
}

static GBytes *new_key(const Sweep *sweep, const char *name) {
  return cluster_new_layer_key(sweep->cluster, name, strlen(name));
}

static void ask(Sweep *sweep, const char *method, GBytes *request, ClusterDone done) {
  sweep->attempt = attempt_start(sweep->cluster, &sweep->limits, method, request, done, sweep);
}

/* ---- deleting ---- */

static void delete_next(Sweep *sweep);

static void on_deleted(GBytes *answer, G_GNUC_UNUSED const TransportEnd *end, gpointer data) {
  Sweep *sweep = data;
  sweep->attempt = NULL;
  if (answer == NULL)
    finish(sweep);
  else
    delete_next(sweep);
}

/* The owner, and what is pending, may have come meanwhile: then nothing is deleted. */
static void delete_next(Sweep *sweep) {
  if (sweep->found->len == 0) {
    finish(sweep);
    return;
  }
  const FleetPending *last = &g_array_index(sweep->found, FleetPending, sweep->found->len - 1);
  g_autofree char *owner = fleet_key_of_owner(last->id);
  g_autofree char *stage = fleet_key_of_stage(last->id);
  g_autofree char *prefix = g_strconcat(cluster_get_layer(sweep->cluster), stage, NULL);
  g_autoptr(Batch) batch = batch_new();
  batch_require_absent(batch, new_key(sweep, owner));
  if (sweep->pending != NULL)
    batch_require_value(batch, new_key(sweep, FLEET_KEY_PENDING), g_bytes_ref(sweep->pending));
  else
    batch_require_absent(batch, new_key(sweep, FLEET_KEY_PENDING));
  batch_delete_all(batch, prefix);
  g_array_set_size(sweep->found, sweep->found->len - 1);
  g_autoptr(GBytes) request = batch_encode(batch);
  ask(sweep, "KV/Txn", request, on_deleted);
}

/* ---- looking ---- */

/* Those from @first on. */
static void leave_out(Sweep *sweep, guint first, const guint8 *id) {
  for (guint i = sweep->found->len; i > first; i--)
    if (memcmp(g_array_index(sweep->found, FleetPending, i - 1).id, id, FLEET_ID_BYTES) == 0)
      g_array_remove_index(sweep->found, i - 1);
}

static void on_pending(GBytes *answer, G_GNUC_UNUSED const TransportEnd *end, gpointer data) {
  Sweep *sweep = data;
  FleetPending pending;
  sweep->attempt = NULL;
  g_autoptr(EtcdRange) range = answer != NULL ? etcd_range_decode(answer, NULL) : NULL;
  if (range == NULL) {
    finish(sweep);
    return;
  }
  if (range->items->len > 0) {
    sweep->pending = g_bytes_ref(((const EtcdItem *)range->items->pdata[0])->record);
    if (fleet_pending_decode(sweep->pending, &pending, NULL))
      leave_out(sweep, 0, pending.id);
    else
      g_array_set_size(sweep->found, 0); /* it may be any of them */
  }
  delete_next(sweep);
}

/* Keys of one stage follow each other, the owner last. */
static void note_key(Sweep *sweep, const EtcdItem *item) {
  gsize size, prefix = strlen(cluster_get_layer(sweep->cluster));
  const char *key = g_bytes_get_data(item->key, &size);
  FleetPending stage = {.parts = 0};
  gboolean is_owner = FALSE;
  if (size < prefix || !fleet_key_parse_stage(key + prefix, size - prefix, stage.id, &is_owner))
    return;
  leave_out(sweep, sweep->found->len - MIN(sweep->found->len, 1), stage.id);
  if (!is_owner)
    g_array_append_val(sweep->found, stage);
}

static void on_keys(GBytes *answer, G_GNUC_UNUSED const TransportEnd *end, gpointer data) {
  Sweep *sweep = data;
  sweep->attempt = NULL;
  g_autoptr(EtcdRange) range = answer != NULL ? etcd_range_decode(answer, NULL) : NULL;
  if (range == NULL || range->items->len == 0) {
    finish(sweep);
    return;
  }
  for (guint i = 0; i < range->items->len; i++)
    note_key(sweep, range->items->pdata[i]);
  if (range->more && sweep->found->len > 0) /* its owner may be on the next page */
    g_array_set_size(sweep->found, sweep->found->len - 1);
  g_autoptr(GBytes) key = new_key(sweep, FLEET_KEY_PENDING);
  const EtcdRangeQuery query = {.key = key};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  ask(sweep, "KV/Range", request, on_pending);
}

Sweep *sweep_start(Cluster *cluster, const AttemptLimits *limits, SweepDone done, gpointer data) {
  Sweep *sweep = g_new0(Sweep, 1);
  *sweep = (Sweep){.cluster = cluster, .limits = *limits, .done = done, .data = data};
  sweep->found = g_array_new(FALSE, FALSE, sizeof(FleetPending));
  g_autofree char *prefix = g_strconcat(cluster_get_layer(cluster), FLEET_KEY_STAGES, NULL);
  g_autoptr(GBytes) key = g_bytes_new(prefix, strlen(prefix));
  g_autoptr(GBytes) end = etcd_prefix_end(prefix);
  const EtcdRangeQuery query = {.key = key, .end = end, .limit = MOST_KEYS, .keys_only = TRUE};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  ask(sweep, "KV/Range", request, on_keys);
  return sweep;
}

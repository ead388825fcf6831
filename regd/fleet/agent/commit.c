/* SPDX-License-Identifier: MIT */
/* See commit.h. */
#include "regd/fleet/agent/commit.h"

#include <string.h>

#include "regd/fleet/etcd/batch.h"

#define HEAD "head"

static GBytes *new_layer_key(const Cluster *cluster, const char *name) {
  return cluster_new_layer_key(cluster, name, strlen(name));
}

/* The commit that has @parts parts beside the layer. */
static void add_staged(const Cluster *cluster, Batch *batch, const guint8 *id, guint32 parts) {
  FleetPending pending = {.parts = parts};
  g_autofree char *owner = fleet_key_of_owner(id);
  memcpy(pending.id, id, FLEET_ID_BYTES);
  batch_require_present(batch, new_layer_key(cluster, owner));
  batch_put(batch, new_layer_key(cluster, FLEET_KEY_PENDING), fleet_pending_encode(&pending));
}

static GBytes *new_last_key(const Cluster *cluster, const char *host) {
  g_autofree char *name = g_strconcat("w/all/", host, NULL);
  return cluster_new_key(cluster, name);
}

static void add_last(Batch *batch, const FleetHead *head, GBytes *key) {
  FleetLast last = {.number = head->number};
  memcpy(last.id, head->id, FLEET_ID_BYTES);
  batch_put(batch, key, fleet_last_encode(&last));
}

static void add_guards(const Cluster *cluster, Batch *batch, const CommitContent *content) {
  if (content->founds) {
    batch_require_absent(batch, cluster_new_key(cluster, "fleet"));
    batch_require_absent(batch, new_layer_key(cluster, HEAD));
  } else {
    batch_require_revision(batch, new_layer_key(cluster, HEAD), content->modified);
    batch_require_value(batch, cluster_new_key(cluster, "fleet"), g_bytes_ref(content->info));
  }
  batch_require_absent(batch, new_layer_key(cluster, FLEET_KEY_PENDING));
}

gboolean commit_fill(const Cluster *cluster, const CommitContent *content, SubmissionPlan *plan) {
  g_autoptr(FleetHead) head = fleet_head_decode(content->head, NULL);
  g_autoptr(Batch) batch = batch_new();
  if (head == NULL)
    return FALSE;
  head->staged = content->staged;
  memcpy(plan->id, head->id, FLEET_ID_BYTES);
  add_guards(cluster, batch, content);
  if (content->founds)
    batch_put(batch, cluster_new_key(cluster, "fleet"), g_bytes_ref(content->info));
  if (content->staged > 0)
    add_staged(cluster, batch, head->id, content->staged);
  else
    batch_add_steps(batch, cluster, content->steps);
  plan->witness_is_head = content->founds;
  plan->witness =
      content->founds ? new_layer_key(cluster, HEAD) : new_last_key(cluster, content->host);
  if (!content->founds)
    add_last(batch, head, g_bytes_ref(plan->witness));
  batch_put(batch, new_layer_key(cluster, HEAD), fleet_head_encode(head));
  plan->transaction = batch_encode(batch);
  return TRUE;
}

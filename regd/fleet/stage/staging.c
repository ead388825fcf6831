/* SPDX-License-Identifier: MIT */
/* See staging.h. */
#include "regd/fleet/stage/staging.h"

#include <string.h>

#include "regd/fleet/etcd/batch.h"
#include "regd/fleet/etcd/lease.h"

struct Staging {
  Cluster *cluster;
  AttemptLimits limits;
  StagingPlan plan;
  StagingDone done;
  gpointer data;
  Attempt *attempt;
  guint first;   /* the step with which the next part begins */
  guint32 parts; /* that are there */
};

static void staging_free(Staging *staging) {
  attempt_cancel(staging->attempt);
  g_ptr_array_unref(staging->plan.steps);
  g_free(staging);
}

void staging_cancel(Staging *staging) {
  if (staging != NULL)
    staging_free(staging);
}

static void finish(Staging *staging, guint32 parts, const TransportEnd *end) {
  staging->done(parts, end, staging->data);
  staging_free(staging);
}

static void fail(Staging *staging, const char *why) {
  const TransportEnd end = {.code = GRPC_INTERNAL, .sent = TRUE, .text = why};
  finish(staging, 0, &end);
}

static GBytes *new_key(const Staging *staging, const char *name) {
  return cluster_new_layer_key(staging->cluster, name, strlen(name));
}

static void ask(Staging *staging, const char *method, GBytes *request, ClusterDone done) {
  staging->attempt =
      attempt_start(staging->cluster, &staging->limits, method, request, done, staging);
}

static void send(Staging *staging, const Batch *batch, ClusterDone done) {
  g_autoptr(GBytes) request = batch_encode(batch);
  ask(staging, "KV/Txn", request, done);
}

/* ---- parts ---- */

static void put_next(Staging *staging);

static void on_put(GBytes *answer, const TransportEnd *end, gpointer data) {
  Staging *staging = data;
  staging->attempt = NULL;
  if (answer == NULL)
    finish(staging, 0, end);
  else if (staging->first == staging->plan.steps->len)
    finish(staging, staging->parts, end);
  else
    put_next(staging);
}

static void put_next(Staging *staging) {
  const StagingPlan *plan = &staging->plan;
  guint end = fleet_part_find_end(plan->steps, staging->first, plan->most, plan->bytes);
  g_autoptr(GBytes) part = fleet_part_encode(plan->steps, staging->first, end);
  g_autofree char *name = fleet_key_of_part(plan->id, staging->parts);
  if (staging->parts == FLEET_LIMIT_PARTS || g_bytes_get_size(part) > FLEET_LIMIT_PART_BYTES) {
    fail(staging, "the commit, or a part of it, is larger than etcd takes");
    return;
  }
  g_autoptr(Batch) batch = batch_new();
  batch_put(batch, new_key(staging, name), g_bytes_ref(part));
  staging->first = end;
  staging->parts++;
  send(staging, batch, on_put);
}

/* ---- the owner ---- */

static void on_granted(GBytes *answer, const TransportEnd *end, gpointer data) {
  Staging *staging = data;
  gint64 lease = 0;
  g_autoptr(GError) error = NULL;
  staging->attempt = NULL;
  if (answer == NULL) {
    finish(staging, 0, end);
    return;
  }
  if (!etcd_lease_grant_decode(answer, &lease, NULL, &error)) {
    fail(staging, error->message);
    return;
  }
  g_autoptr(Batch) batch = batch_new();
  g_autofree char *owner = fleet_key_of_owner(staging->plan.id);
  batch_put_leased(batch, new_key(staging, owner), g_bytes_new(NULL, 0), lease);
  send(staging, batch, on_put);
}

Staging *staging_start(Cluster *cluster, const AttemptLimits *limits, const StagingPlan *plan,
                       StagingDone done, gpointer data) {
  Staging *staging = g_new0(Staging, 1);
  staging->cluster = cluster;
  staging->limits = *limits;
  staging->plan = *plan;
  staging->done = done;
  staging->data = data;
  g_ptr_array_ref(plan->steps);
  g_autoptr(GBytes) request = etcd_lease_grant_encode(plan->lease_s);
  ask(staging, "Lease/LeaseGrant", request, on_granted);
  return staging;
}

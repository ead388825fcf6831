/* SPDX-License-Identifier: MIT */
/* See settling.h. */
#include "regd/fleet/stage/settling.h"

#include <string.h>

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/batch.h"

/* What was read of a key; NULL: it is not there. */
typedef void (*Take)(Settling *settling, const EtcdItem *item);

struct Settling {
  Cluster *cluster;
  AttemptLimits limits;
  SettlingDone done;
  gpointer data;
  Attempt *attempt;
  Take take;      /* what is being read */
  GBytes *record; /* of what is pending, as it stands there; NULL: not known */
  FleetPending pending;
  gboolean missed; /* the part was not there */
};

static void settling_free(Settling *settling) {
  attempt_cancel(settling->attempt);
  g_clear_pointer(&settling->record, g_bytes_unref);
  g_free(settling);
}

void settling_cancel(Settling *settling) {
  if (settling != NULL)
    settling_free(settling);
}

static void finish(Settling *settling, gboolean settled, const TransportEnd *end) {
  settling->done(settled, end, settling->data);
  settling_free(settling);
}

static void fail(Settling *settling, const char *why) {
  const TransportEnd end = {.code = GRPC_INTERNAL, .sent = TRUE, .text = why};
  finish(settling, FALSE, &end);
}

static GBytes *new_key(const Settling *settling, const char *name) {
  return cluster_new_layer_key(settling->cluster, name, strlen(name));
}

static void ask(Settling *settling, const char *method, GBytes *request, ClusterDone done) {
  settling->attempt =
      attempt_start(settling->cluster, &settling->limits, method, request, done, settling);
}

static void on_read(GBytes *answer, const TransportEnd *end, gpointer data) {
  Settling *settling = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(EtcdRange) range = answer != NULL ? etcd_range_decode(answer, &error) : NULL;
  settling->attempt = NULL;
  if (answer == NULL)
    finish(settling, FALSE, end);
  else if (range == NULL)
    fail(settling, error->message);
  else
    settling->take(settling, range->items->len > 0 ? range->items->pdata[0] : NULL);
}

static void read_key(Settling *settling, const char *name, Take take) {
  g_autoptr(GBytes) key = new_key(settling, name);
  const EtcdRangeQuery query = {.key = key};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  settling->take = take;
  ask(settling, "KV/Range", request, on_read);
}

static void go_on(Settling *settling);
static void look(Settling *settling);

/* ---- one part ---- */

static void on_moved(GBytes *answer, const TransportEnd *end, gpointer data) {
  Settling *settling = data;
  settling->attempt = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(EtcdTransaction) transaction =
      answer != NULL ? etcd_transaction_decode(answer, &error) : NULL;
  if (answer == NULL)
    finish(settling, FALSE, end);
  else if (transaction == NULL)
    fail(settling, error->message);
  else if (!transaction->succeeded || settling->pending.done == settling->pending.parts)
    look(settling);
  else {
    settling->pending.done++;
    g_bytes_unref(settling->record);
    settling->record = fleet_pending_encode(&settling->pending);
    go_on(settling);
  }
}

static void move(Settling *settling, const GPtrArray *steps) {
  g_autoptr(Batch) batch = batch_new();
  FleetPending next = settling->pending;
  next.done++;
  batch_require_value(batch, new_key(settling, FLEET_KEY_PENDING), g_bytes_ref(settling->record));
  batch_add_steps(batch, settling->cluster, steps);
  batch_put(batch, new_key(settling, FLEET_KEY_PENDING), fleet_pending_encode(&next));
  g_autoptr(GBytes) request = batch_encode(batch);
  ask(settling, "KV/Txn", request, on_moved);
}

/* Somebody else may have ended it. */
static void look_once_more(Settling *settling) {
  if (settling->missed) {
    fail(settling, "a part of a commit is missing");
    return;
  }
  settling->missed = TRUE;
  look(settling);
}

static void take_part(Settling *settling, const EtcdItem *item) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(fleet_step_free);
  if (item == NULL) {
    look_once_more(settling);
    return;
  }
  settling->missed = FALSE;
  if (fleet_part_decode(item->record, steps, &error))
    move(settling, steps);
  else
    fail(settling, error->message);
}

/* ---- the end ---- */

static void clear(Settling *settling) {
  g_autoptr(Batch) batch = batch_new();
  g_autofree char *stage = fleet_key_of_stage(settling->pending.id);
  g_autofree char *prefix = g_strconcat(cluster_get_layer(settling->cluster), stage, NULL);
  batch_require_value(batch, new_key(settling, FLEET_KEY_PENDING), g_bytes_ref(settling->record));
  batch_delete_all(batch, prefix);
  batch_delete(batch, new_key(settling, FLEET_KEY_PENDING));
  g_autoptr(GBytes) request = batch_encode(batch);
  ask(settling, "KV/Txn", request, on_moved);
}

static void go_on(Settling *settling) {
  if (settling->pending.done == settling->pending.parts) {
    clear(settling);
    return;
  }
  g_autofree char *name = fleet_key_of_part(settling->pending.id, settling->pending.done);
  read_key(settling, name, take_part);
}

/* ---- what is pending ---- */

static void take_pending(Settling *settling, const EtcdItem *item) {
  static const TransportEnd done = {.code = GRPC_OK, .text = ""};
  g_autoptr(GError) error = NULL;
  if (item == NULL) {
    finish(settling, TRUE, &done);
    return;
  }
  g_clear_pointer(&settling->record, g_bytes_unref);
  settling->record = g_bytes_ref(item->record);
  if (fleet_pending_decode(item->record, &settling->pending, &error))
    go_on(settling);
  else
    fail(settling, error->message);
}

static void look(Settling *settling) {
  read_key(settling, FLEET_KEY_PENDING, take_pending);
}

Settling *settling_start(Cluster *cluster, const AttemptLimits *limits, SettlingDone done,
                         gpointer data) {
  Settling *settling = g_new0(Settling, 1);
  settling->cluster = cluster;
  settling->limits = *limits;
  settling->done = done;
  settling->data = data;
  look(settling);
  return settling;
}

/* SPDX-License-Identifier: MIT */
/* See batch.h. */
#include "regd/fleet/etcd/batch.h"

#include <string.h>

struct Batch {
  GPtrArray *guards;     /* of EtcdGuard */
  GPtrArray *operations; /* of EtcdOperation */
};

static void free_guard(gpointer data) {
  EtcdGuard *guard = data;
  g_bytes_unref(guard->key);
  g_clear_pointer(&guard->value, g_bytes_unref);
  g_free(guard);
}

Batch *batch_new(void) {
  Batch *batch = g_new0(Batch, 1);
  batch->guards = g_ptr_array_new_with_free_func(free_guard);
  batch->operations = g_ptr_array_new_with_free_func(etcd_operation_free);
  return batch;
}

void batch_free(Batch *batch) {
  if (batch == NULL)
    return;
  g_ptr_array_unref(batch->guards);
  g_ptr_array_unref(batch->operations);
  g_free(batch);
}

/* ---- guards ---- */

static void require(Batch *batch, EtcdGuard given) {
  EtcdGuard *guard = g_new0(EtcdGuard, 1);
  *guard = given;
  g_ptr_array_add(batch->guards, guard);
}

void batch_require_absent(Batch *batch, GBytes *key) {
  require(batch, (EtcdGuard){.key = key});
}

void batch_require_present(Batch *batch, GBytes *key) {
  require(batch, (EtcdGuard){.key = key, .present = TRUE});
}

void batch_require_value(Batch *batch, GBytes *key, GBytes *value) {
  require(batch, (EtcdGuard){.key = key, .value = value});
}

void batch_require_revision(Batch *batch, GBytes *key, gint64 modified) {
  require(batch, (EtcdGuard){.key = key, .modified = modified});
}

/* ---- operations ---- */

static void add(Batch *batch, EtcdOperation given) {
  EtcdOperation *operation = g_new0(EtcdOperation, 1);
  *operation = given;
  g_ptr_array_add(batch->operations, operation);
}

void batch_put(Batch *batch, GBytes *key, GBytes *record) {
  add(batch, (EtcdOperation){.kind = ETCD_PUT, .key = key, .data = record});
}

void batch_put_leased(Batch *batch, GBytes *key, GBytes *record, gint64 lease) {
  add(batch, (EtcdOperation){.kind = ETCD_PUT, .key = key, .data = record, .lease = lease});
}

void batch_delete(Batch *batch, GBytes *key) {
  add(batch, (EtcdOperation){.kind = ETCD_DELETE, .key = key});
}

void batch_delete_all(Batch *batch, const char *prefix) {
  add(batch, (EtcdOperation){.kind = ETCD_DELETE_RANGE,
                             .key = g_bytes_new(prefix, strlen(prefix)),
                             .data = etcd_prefix_end(prefix)});
}

void batch_add_steps(Batch *batch, const Cluster *cluster, const GPtrArray *steps) {
  for (guint i = 0; i < steps->len; i++) {
    const FleetStep *step = steps->pdata[i];
    gsize size;
    const void *name = g_bytes_get_data(step->key, &size);
    GBytes *key = cluster_new_layer_key(cluster, name, size);
    if (step->record != NULL)
      batch_put(batch, key, g_bytes_ref(step->record));
    else
      batch_delete(batch, key);
  }
}

GBytes *batch_encode(const Batch *batch) {
  return etcd_transaction_encode(batch->guards, batch->operations);
}

/* SPDX-License-Identifier: MIT */
/* See commit.h. */
#include "regd/fleet/agent/commit.h"

#include <string.h>

#define HEAD "head"
#define PENDING "pending"

static void free_guard(gpointer data) {
  EtcdGuard *guard = data;
  g_bytes_unref(guard->key);
  g_clear_pointer(&guard->value, g_bytes_unref);
  g_free(guard);
}

static GBytes *new_layer_key(const Cluster *cluster, const char *name) {
  return cluster_new_layer_key(cluster, name, strlen(name));
}

/* Takes @key. */
static EtcdGuard *add_guard(GPtrArray *guards, GBytes *key) {
  EtcdGuard *guard = g_new0(EtcdGuard, 1);
  guard->key = key;
  g_ptr_array_add(guards, guard);
  return guard;
}

/* Takes @key and @record. */
static void add_put(GPtrArray *operations, GBytes *key, GBytes *record) {
  EtcdOperation *operation = g_new0(EtcdOperation, 1);
  *operation = (EtcdOperation){.kind = ETCD_PUT, .key = key, .data = record};
  g_ptr_array_add(operations, operation);
}

static GBytes *add_layer(const Cluster *cluster, GBytes *key) {
  gsize size;
  const void *bytes = g_bytes_get_data(key, &size);
  return cluster_new_layer_key(cluster, bytes, size);
}

static void add_operations(const Cluster *cluster, GPtrArray *operations, const GPtrArray *given) {
  for (guint i = 0; i < given->len; i++) {
    const EtcdOperation *from = given->pdata[i];
    EtcdOperation *operation = g_new0(EtcdOperation, 1);
    operation->kind = from->kind;
    operation->key = add_layer(cluster, from->key);
    if (from->kind == ETCD_PUT)
      operation->data = g_bytes_ref(from->data);
    else if (from->kind == ETCD_DELETE_RANGE)
      operation->data = add_layer(cluster, from->data);
    g_ptr_array_add(operations, operation);
  }
}

static gboolean take_id(GBytes *record, SubmissionPlan *plan, guint64 *number) {
  g_autoptr(FleetHead) head = fleet_head_decode(record, NULL);
  if (head == NULL)
    return FALSE;
  memcpy(plan->id, head->id, FLEET_ID_BYTES);
  *number = head->number;
  return TRUE;
}

static GBytes *new_last_key(const Cluster *cluster, const char *host) {
  g_autofree char *name = g_strconcat("w/all/", host, NULL);
  return cluster_new_key(cluster, name);
}

gboolean commit_fill(const Cluster *cluster, const LinkProposal *proposal, GBytes *info,
                     gint64 modified, const char *host, SubmissionPlan *plan) {
  g_autoptr(GPtrArray) guards = g_ptr_array_new_with_free_func(free_guard);
  g_autoptr(GPtrArray) operations = g_ptr_array_new_with_free_func(etcd_operation_free);
  FleetLast last = {0};
  if (!take_id(proposal->head, plan, &last.number))
    return FALSE;
  memcpy(last.id, plan->id, FLEET_ID_BYTES);
  add_guard(guards, new_layer_key(cluster, HEAD))->modified = modified;
  add_guard(guards, cluster_new_key(cluster, "fleet"))->value = g_bytes_ref(info);
  (void)add_guard(guards, new_layer_key(cluster, PENDING));
  add_operations(cluster, operations, proposal->operations);
  plan->witness = new_last_key(cluster, host);
  plan->witness_is_head = FALSE;
  add_put(operations, g_bytes_ref(plan->witness), fleet_last_encode(&last));
  add_put(operations, new_layer_key(cluster, HEAD), g_bytes_ref(proposal->head));
  plan->transaction = etcd_transaction_encode(guards, operations);
  return TRUE;
}

gboolean commit_fill_init(const Cluster *cluster, const LinkTask *task, SubmissionPlan *plan) {
  g_autoptr(GPtrArray) guards = g_ptr_array_new_with_free_func(free_guard);
  g_autoptr(GPtrArray) operations = g_ptr_array_new_with_free_func(etcd_operation_free);
  guint64 number;
  if (!take_id(task->head, plan, &number))
    return FALSE;
  (void)add_guard(guards, cluster_new_key(cluster, "fleet"));
  (void)add_guard(guards, new_layer_key(cluster, HEAD));
  add_put(operations, cluster_new_key(cluster, "fleet"), g_bytes_ref(task->info));
  add_operations(cluster, operations, task->operations);
  plan->witness = new_layer_key(cluster, HEAD);
  plan->witness_is_head = TRUE;
  add_put(operations, new_layer_key(cluster, HEAD), g_bytes_ref(task->head));
  plan->transaction = etcd_transaction_encode(guards, operations);
  return TRUE;
}

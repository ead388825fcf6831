/* SPDX-License-Identifier: MIT */
/* See forget.h. What stands there is read first, so that a name that is misspelled is told. The
 * deletion is guarded: a host that comes back in between is not forgotten. */
#include "regd/fleet/report/forget.h"

#include "regd/fleet/etcd/batch.h"

#define CALL_TIMEOUT_MS 3000U
/* Of all calls of one of the two steps. */
#define STEP_SECONDS 10

struct Forget {
  Cluster *cluster;
  GBytes *told, *alive; /* keys */
  gboolean force;
  guint endpoint;
  Attempt *attempt;
  ForgetDone done;
  gpointer data;
};

static void forget_free(Forget *forget) {
  g_bytes_unref(forget->told);
  g_bytes_unref(forget->alive);
  g_free(forget);
}

void forget_cancel(Forget *forget) {
  if (forget == NULL)
    return;
  attempt_cancel(forget->attempt);
  forget_free(forget);
}

static void finish(Forget *forget, ForgetEnd end, const TransportEnd *why) {
  forget->done(end, why, forget->data);
  forget_free(forget);
}

/* NULL: @forget has ended. */
static EtcdTransaction *take(Forget *forget, GBytes *answer, const TransportEnd *end) {
  g_autoptr(GError) error = NULL;
  EtcdTransaction *transaction = NULL;
  TransportEnd told = *end;
  forget->attempt = NULL;
  if (answer != NULL && (transaction = etcd_transaction_decode(answer, &error)) == NULL)
    told.text = error->message;
  if (transaction == NULL)
    finish(forget, FORGET_FAILED, &told);
  return transaction;
}

static void ask(Forget *forget, GBytes *request, ClusterDone done) {
  const AttemptLimits limits = {.endpoint = forget->endpoint,
                                .request_timeout_ms = CALL_TIMEOUT_MS,
                                .deadline = g_get_monotonic_time() + STEP_SECONDS * G_USEC_PER_SEC};
  forget->attempt = attempt_start(forget->cluster, &limits, "KV/Txn", request, done, forget);
}

/* Sent more than once it still has deleted the same. */
static void on_deleted(GBytes *answer, const TransportEnd *end, gpointer data) {
  Forget *forget = data;
  g_autoptr(EtcdTransaction) transaction = take(forget, answer, end);
  if (transaction != NULL)
    finish(forget, transaction->succeeded ? FORGET_DONE : FORGET_LIVES, end);
}

static void send_deletion(Forget *forget) {
  g_autoptr(Batch) batch = batch_new();
  if (!forget->force)
    batch_require_absent(batch, g_bytes_ref(forget->alive));
  batch_delete(batch, g_bytes_ref(forget->told));
  batch_delete(batch, g_bytes_ref(forget->alive));
  g_autoptr(GBytes) request = batch_encode(batch);
  ask(forget, request, on_deleted);
}

static void on_read(GBytes *answer, const TransportEnd *end, gpointer data) {
  Forget *forget = data;
  g_autoptr(EtcdTransaction) transaction = take(forget, answer, end);
  if (transaction == NULL)
    return;
  if (transaction->ranges->len != 2) {
    const TransportEnd half = {.code = GRPC_INTERNAL, .text = "half an answer"};
    finish(forget, FORGET_FAILED, &half);
    return;
  }
  gboolean lives = etcd_transaction_get_item(transaction, 1) != NULL;
  if (!lives && etcd_transaction_get_item(transaction, 0) == NULL)
    finish(forget, FORGET_UNKNOWN, end);
  else if (lives && !forget->force)
    finish(forget, FORGET_LIVES, end);
  else
    send_deletion(forget);
}

static GBytes *new_key(const Cluster *cluster, const char *kind, const char *host) {
  g_autofree char *key = g_strconcat(kind, host, NULL);
  return cluster_new_key(cluster, key);
}

static void unref_bytes(gpointer bytes) {
  g_bytes_unref(bytes);
}

Forget *forget_start(Cluster *cluster, const ForgetPlan *plan, ForgetDone done, gpointer data) {
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(unref_bytes);
  Forget *forget = g_new0(Forget, 1);
  *forget = (Forget){.cluster = cluster,
                     .told = new_key(cluster, "h/", plan->host),
                     .alive = new_key(cluster, "a/", plan->host),
                     .force = plan->force,
                     .endpoint = plan->endpoint,
                     .done = done,
                     .data = data};
  g_ptr_array_add(keys, g_bytes_ref(forget->told));
  g_ptr_array_add(keys, g_bytes_ref(forget->alive));
  g_autoptr(GBytes) request = etcd_read_encode(keys);
  ask(forget, request, on_read);
  return forget;
}

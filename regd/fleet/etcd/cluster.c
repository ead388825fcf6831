/* SPDX-License-Identifier: MIT */
/* See cluster.h. */
#include "regd/fleet/etcd/cluster.h"

#include <string.h>

#define ROOT "/regd/1/"
#define LAYER "t/all/"
#define SCHEME "https://"

struct Cluster {
  char **endpoints;
  guint n_endpoints;
  TransportFiles files;
  char *root;  /* "/regd/1/FLEET/" */
  char *layer; /* "/regd/1/FLEET/t/all/" */
  Transport *calls, *watching;
};

struct ClusterCall {
  Stream *stream;
  GBytes *answer; /* or NULL */
  guint answers;
  ClusterDone done;
  gpointer data;
};

Cluster *cluster_new(const AgentConfig *config) {
  Cluster *cluster = g_new0(Cluster, 1);
  cluster->endpoints = g_strdupv(config->endpoints);
  cluster->n_endpoints = g_strv_length(config->endpoints);
  g_assert(cluster->n_endpoints > 0);
  cluster->files.ca_file = g_strdup(config->files.ca_file);
  cluster->files.certificate = g_strdup(config->files.certificate);
  cluster->files.private_key = g_strdup(config->files.private_key);
  cluster->root = g_strconcat(ROOT, config->fleet, "/", NULL);
  cluster->layer = g_strconcat(cluster->root, LAYER, NULL);
  cluster->calls = transport_new(&cluster->files);
  cluster->watching = transport_new(&cluster->files);
  return cluster;
}

void cluster_free(Cluster *cluster) {
  if (cluster == NULL)
    return;
  transport_free(cluster->calls);
  transport_free(cluster->watching);
  g_strfreev(cluster->endpoints);
  g_free(cluster->files.ca_file);
  g_free(cluster->files.certificate);
  g_free(cluster->files.private_key);
  g_free(cluster->root);
  g_free(cluster->layer);
  g_free(cluster);
}

gboolean cluster_fits(const Cluster *cluster, const AgentConfig *config) {
  g_autofree char *root = g_strconcat(ROOT, config->fleet, "/", NULL);
  return g_str_equal(cluster->root, root) &&
         g_strv_equal((const char *const *)cluster->endpoints,
                      (const char *const *)config->endpoints) &&
         g_strcmp0(cluster->files.ca_file, config->files.ca_file) == 0 &&
         g_strcmp0(cluster->files.certificate, config->files.certificate) == 0 &&
         g_strcmp0(cluster->files.private_key, config->files.private_key) == 0;
}

/* ---- names ---- */

guint cluster_count_endpoints(const Cluster *cluster) {
  return cluster->n_endpoints;
}

static const char *get_endpoint(const Cluster *cluster, guint endpoint) {
  return cluster->endpoints[endpoint % cluster->n_endpoints];
}

const char *cluster_get_member(const Cluster *cluster, guint endpoint) {
  const char *url = get_endpoint(cluster, endpoint);
  return g_str_has_prefix(url, SCHEME) ? url + strlen(SCHEME) : url;
}

guint64 cluster_get_bytes(const Cluster *cluster) {
  return transport_get_bytes(cluster->calls) + transport_get_bytes(cluster->watching);
}

const char *cluster_get_layer(const Cluster *cluster) {
  return cluster->layer;
}

GBytes *cluster_new_layer_key(const Cluster *cluster, const void *key, gsize size) {
  GByteArray *bytes = g_byte_array_new();
  g_byte_array_append(bytes, (const guint8 *)cluster->layer, (guint)strlen(cluster->layer));
  g_byte_array_append(bytes, key, (guint)size);
  return g_byte_array_free_to_bytes(bytes);
}

GBytes *cluster_new_key(const Cluster *cluster, const char *key) {
  char *whole = g_strconcat(cluster->root, key, NULL);
  return g_bytes_new_take(whole, strlen(whole));
}

/* ---- calls ---- */

static void call_free(ClusterCall *call) {
  g_clear_pointer(&call->answer, g_bytes_unref);
  g_free(call);
}

static void on_message(GBytes *message, gpointer data) {
  ClusterCall *call = data;
  if (call->answers++ == 0)
    call->answer = g_bytes_ref(message);
}

static void on_end(const TransportEnd *end, gpointer data) {
  ClusterCall *call = data;
  TransportEnd told = *end;
  GBytes *answer = end->code == GRPC_OK && call->answers == 1 ? call->answer : NULL;
  if (end->code == GRPC_OK && answer == NULL) {
    told.code = GRPC_INTERNAL;
    told.text = "the answer is not one message";
  }
  call->done(answer, &told, call->data);
  call_free(call);
}

ClusterCall *cluster_call(Cluster *cluster, const ClusterQuestion *question, ClusterDone done,
                          gpointer data) {
  ClusterCall *call = g_new0(ClusterCall, 1);
  g_autofree char *method = g_strconcat("/etcdserverpb.", question->method, NULL);
  const StreamTarget target = {.endpoint = get_endpoint(cluster, question->endpoint),
                               .method = method,
                               .timeout_ms = question->timeout_ms};
  const StreamEvents events = {.message = on_message, .end = on_end, .data = call};
  call->done = done;
  call->data = data;
  call->stream = transport_open(cluster->calls, &target, &events);
  stream_send(call->stream, question->request);
  stream_finish(call->stream);
  return call;
}

void cluster_call_cancel(ClusterCall *call) {
  if (call == NULL)
    return;
  stream_cancel(call->stream);
  call_free(call);
}

static void unref_bytes(gpointer bytes) {
  g_bytes_unref(bytes);
}

ClusterCall *cluster_read_place(Cluster *cluster, guint endpoint, guint timeout_ms,
                                ClusterDone done, gpointer data) {
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(unref_bytes);
  g_ptr_array_add(keys, cluster_new_key(cluster, "fleet"));
  g_ptr_array_add(keys, cluster_new_key(cluster, LAYER "head"));
  g_ptr_array_add(keys, cluster_new_key(cluster, LAYER "pending"));
  g_autoptr(GBytes) request = etcd_read_encode(keys);
  const ClusterQuestion question = {
      .endpoint = endpoint, .method = "KV/Txn", .request = request, .timeout_ms = timeout_ms};
  return cluster_call(cluster, &question, done, data);
}

Stream *cluster_watch(Cluster *cluster, guint endpoint, const StreamEvents *events) {
  const StreamTarget target = {.endpoint = get_endpoint(cluster, endpoint),
                               .method = "/etcdserverpb.Watch/Watch"};
  return transport_open(cluster->watching, &target, events);
}

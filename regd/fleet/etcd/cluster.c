/* SPDX-License-Identifier: MIT */
/* See cluster.h. */
#include <string.h>
#include <sys/stat.h>

#include "regd/fleet/etcd/cluster-private.h"

#define ROOT "/regd/1/"
#define LAYER "t/all/"
#define SCHEME "https://"
/* How long a connection is used, at random around it: etcd judges a user's rights and certificate
 * when a connection or watch begins. */
#define CONNECTION_S 3600

/* ---- certificates ---- */

/* Another one when one of the files has been written or replaced. */
static guint64 get_mark(const TransportFiles *files) {
  const char *const names[] = {files->ca_file, files->certificate, files->private_key};
  guint64 mark = 0;
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    struct stat status = {0};
    if (names[i] != NULL)
      (void)stat(names[i], &status);
    const guint64 parts[] = {status.st_ino, (guint64)status.st_size, (guint64)status.st_mtim.tv_sec,
                             (guint64)status.st_mtim.tv_nsec};
    for (guint part = 0; part < G_N_ELEMENTS(parts); part++)
      mark = mark * 1000003U + parts[part];
  }
  return mark;
}

static void open_transports(Cluster *cluster) {
  cluster->calls = transport_new(&cluster->files);
  cluster->watching = transport_new(&cluster->files);
  cluster->mark = get_mark(&cluster->files);
  cluster->renewal = g_get_monotonic_time() +
                     (gint64)(CONNECTION_S * g_random_double_range(0.5, 1.5) * G_USEC_PER_SEC);
  g_clear_pointer(&cluster->certificate, certificate_free);
  if (cluster->files.certificate != NULL)
    cluster->certificate = certificate_read(cluster->files.certificate);
}

static void free_transport(gpointer transport) {
  transport_free(transport);
}

static void drop_idle(Cluster *cluster) {
  for (guint i = cluster->old->len; i > 0; i--)
    if (transport_is_idle(cluster->old->pdata[i - 1]))
      g_ptr_array_remove_index_fast(cluster->old, i - 1);
}

gboolean cluster_renew(Cluster *cluster) {
  drop_idle(cluster);
  if (g_get_monotonic_time() < cluster->renewal && get_mark(&cluster->files) == cluster->mark)
    return FALSE;
  cluster->old_bytes = cluster_get_bytes(cluster);
  g_ptr_array_add(cluster->old, cluster->calls);
  g_ptr_array_add(cluster->old, cluster->watching);
  open_transports(cluster);
  return TRUE;
}

char *cluster_describe_certificate(const Cluster *cluster) {
  return cluster->certificate != NULL
             ? certificate_describe(cluster->certificate, g_get_real_time() / G_USEC_PER_SEC)
             : NULL;
}

/* ---- its life ---- */

Cluster *cluster_new(const AgentConfig *config) {
  Cluster *cluster = g_new0(Cluster, 1);
  cluster->endpoints = g_strdupv(config->endpoints);
  cluster->n_endpoints = g_strv_length(config->endpoints);
  g_assert(cluster->n_endpoints > 0);
  cluster->files.ca_file = g_strdup(config->files.ca_file);
  cluster->files.certificate = g_strdup(config->files.certificate);
  cluster->files.private_key = g_strdup(config->files.private_key);
  cluster->user = g_strdup(config->user);
  cluster->password = g_strdup(config->password);
  cluster->root = g_strconcat(ROOT, config->fleet, "/", NULL);
  cluster->layer = g_strconcat(cluster->root, LAYER, NULL);
  cluster->old = g_ptr_array_new_with_free_func(free_transport);
  open_transports(cluster);
  return cluster;
}

void cluster_free(Cluster *cluster) {
  if (cluster == NULL)
    return;
  transport_free(cluster->calls);
  transport_free(cluster->watching);
  g_ptr_array_unref(cluster->old);
  certificate_free(cluster->certificate);
  g_free(cluster->user);
  config_wipe(cluster->password);
  config_wipe(cluster->token);
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
         g_strcmp0(cluster->user, config->user) == 0 &&
         g_strcmp0(cluster->password, config->password) == 0 &&
         g_strcmp0(cluster->files.ca_file, config->files.ca_file) == 0 &&
         g_strcmp0(cluster->files.certificate, config->files.certificate) == 0 &&
         g_strcmp0(cluster->files.private_key, config->files.private_key) == 0;
}

/* ---- names ---- */

guint cluster_count_endpoints(const Cluster *cluster) {
  return cluster->n_endpoints;
}

const char *cluster_get_endpoint(const Cluster *cluster, guint endpoint) {
  return cluster->endpoints[endpoint % cluster->n_endpoints];
}

const char *cluster_get_member(const Cluster *cluster, guint endpoint) {
  const char *url = cluster_get_endpoint(cluster, endpoint);
  return g_str_has_prefix(url, SCHEME) ? url + strlen(SCHEME) : url;
}

guint64 cluster_get_bytes(const Cluster *cluster) {
  return cluster->old_bytes + transport_get_bytes(cluster->calls) +
         transport_get_bytes(cluster->watching);
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

/* ---- what is asked most ---- */

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
  const StreamTarget target = {.endpoint = cluster_get_endpoint(cluster, endpoint),
                               .method = "/etcdserverpb.Watch/Watch",
                               .token = cluster->token};
  return transport_open(cluster->watching, &target, events);
}

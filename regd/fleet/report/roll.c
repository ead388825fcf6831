/* SPDX-License-Identifier: MIT */
/* See roll.h. */
#include "regd/fleet/report/roll.h"

#include <string.h>

#define CALL_TIMEOUT_MS 5000U
#define HOSTS "h/"
#define ALIVE "a/"

struct Roll {
  Cluster *cluster;
  guint endpoint, asked;
  RollDone done;
  gpointer data;
  ClusterCall *call;
  EtcdRange *told; /* NULL: not read yet */
};

static void ask(Roll *roll);

static void roll_free(Roll *roll) {
  etcd_range_free(roll->told);
  g_free(roll);
}

void roll_cancel(Roll *roll) {
  if (roll == NULL)
    return;
  cluster_call_cancel(roll->call);
  roll_free(roll);
}

/* ---- what was read ---- */

static void free_host(gpointer data) {
  RollHost *host = data;
  g_bytes_unref(host->name);
  g_bytes_unref(host->record);
  g_free(host);
}

/* Without what comes before it. */
static GBytes *cut(GBytes *key, gsize prefix) {
  gsize size = g_bytes_get_size(key);
  return size > prefix ? g_bytes_new_from_bytes(key, prefix, size - prefix)
                       : g_bytes_new_static("", 0);
}

static gsize get_prefix(const Roll *roll) {
  g_autoptr(GBytes) key = cluster_new_key(roll->cluster, HOSTS);
  return g_bytes_get_size(key);
}

static RollHost *add_host(GPtrArray *hosts, GBytes *name, GBytes *record) {
  RollHost *host = g_new0(RollHost, 1);
  host->name = name;
  host->record = g_bytes_get_size(record) <= ROLL_LIMIT_RECORD_BYTES ? g_bytes_ref(record)
                                                                     : g_bytes_new_static("", 0);
  g_ptr_array_add(hosts, host);
  return host;
}

static int compare(gconstpointer a, gconstpointer b) {
  const RollHost *first = *(const RollHost *const *)a, *second = *(const RollHost *const *)b;
  return g_bytes_compare(first->name, second->name);
}

/* A host that lives and has told nothing yet is one, too. */
static GPtrArray *merge(const Roll *roll, const EtcdRange *alive) {
  GPtrArray *hosts = g_ptr_array_new_with_free_func(free_host);
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_bytes_hash, g_bytes_equal);
  g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
  gsize prefix = get_prefix(roll);
  for (guint i = 0; i < roll->told->items->len; i++) {
    const EtcdItem *item = roll->told->items->pdata[i];
    RollHost *host = add_host(hosts, cut(item->key, prefix), item->record);
    g_hash_table_insert(by_name, host->name, host);
  }
  for (guint i = 0; i < alive->items->len; i++) {
    const EtcdItem *item = alive->items->pdata[i];
    g_autoptr(GBytes) name = cut(item->key, prefix);
    RollHost *host = g_hash_table_lookup(by_name, name);
    if (host == NULL)
      host = add_host(hosts, g_bytes_ref(name), nothing);
    host->alive = TRUE;
  }
  g_ptr_array_sort(hosts, compare);
  return hosts;
}

static void finish(Roll *roll, const GPtrArray *hosts, const TransportEnd *end) {
  roll->done(hosts, end, roll->data);
  roll_free(roll);
}

/* ---- calls ---- */

/* The next endpoint is asked until all have been. */
static void fail(Roll *roll, const TransportEnd *end) {
  roll->endpoint++;
  if (++roll->asked < cluster_count_endpoints(roll->cluster))
    ask(roll);
  else
    finish(roll, NULL, end);
}

static void on_range(GBytes *answer, const TransportEnd *end, gpointer data) {
  Roll *roll = data;
  roll->call = NULL;
  g_autoptr(EtcdRange) range = answer != NULL ? etcd_range_decode(answer, NULL) : NULL;
  if (range == NULL) {
    fail(roll, end);
    return;
  }
  if (roll->told == NULL) {
    roll->told = g_steal_pointer(&range);
    ask(roll);
    return;
  }
  g_autoptr(GPtrArray) hosts = merge(roll, range);
  finish(roll, hosts, end);
}

static void ask(Roll *roll) {
  const char *kind = roll->told == NULL ? HOSTS : ALIVE;
  g_autoptr(GBytes) key = cluster_new_key(roll->cluster, kind);
  gsize size;
  const char *prefix = g_bytes_get_data(key, &size);
  g_autofree char *text = g_strndup(prefix, size);
  g_autoptr(GBytes) end = etcd_prefix_end(text);
  const EtcdRangeQuery query = {.key = key, .end = end, .limit = ROLL_LIMIT_HOSTS};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  const ClusterQuestion question = {.endpoint = roll->endpoint,
                                    .method = "KV/Range",
                                    .request = request,
                                    .timeout_ms = CALL_TIMEOUT_MS};
  roll->call = cluster_call(roll->cluster, &question, on_range, roll);
}

Roll *roll_start(Cluster *cluster, guint endpoint, RollDone done, gpointer data) {
  Roll *roll = g_new0(Roll, 1);
  roll->cluster = cluster;
  roll->endpoint = endpoint;
  roll->done = done;
  roll->data = data;
  ask(roll);
  return roll;
}

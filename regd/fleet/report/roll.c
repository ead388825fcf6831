/* SPDX-License-Identifier: MIT */
/* See roll.h. */
#include "regd/fleet/report/roll.h"

#include <string.h>

#define CALL_TIMEOUT_MS 10000U
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

/* What is behind the prefix; NULL: no host has this name. */
static GBytes *cut(GBytes *key, gsize prefix) {
  gsize size = g_bytes_get_size(key);
  return size >= prefix && size - prefix <= FLEET_LIMIT_WORD_BYTES
             ? g_bytes_new_from_bytes(key, prefix, size - prefix)
             : NULL;
}

static gsize get_prefix(const Roll *roll) {
  g_autoptr(GBytes) key = cluster_new_key(roll->cluster, HOSTS);
  return g_bytes_get_size(key);
}

/* @room: of ROLL_LIMIT_BYTES. */
static GBytes *take_record(GBytes *record, gsize *room) {
  gsize size = g_bytes_get_size(record);
  if (size > ROLL_LIMIT_RECORD_BYTES || size > *room)
    return g_bytes_new(NULL, 0);
  *room -= size;
  return g_bytes_ref(record);
}

/* Takes @record. */
static RollHost *add_host(GPtrArray *hosts, GBytes *name, GBytes *record) {
  RollHost *host = g_new0(RollHost, 1);
  host->name = g_bytes_ref(name);
  host->record = record;
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
  gsize prefix = get_prefix(roll), room = ROLL_LIMIT_BYTES;
  for (guint i = 0; i < roll->told->items->len; i++) {
    const EtcdItem *item = roll->told->items->pdata[i];
    g_autoptr(GBytes) name = cut(item->key, prefix);
    if (name == NULL)
      continue;
    RollHost *host = add_host(hosts, name, take_record(item->record, &room));
    g_hash_table_insert(by_name, host->name, host);
  }
  for (guint i = 0; i < alive->items->len; i++) {
    const EtcdItem *item = alive->items->pdata[i];
    g_autoptr(GBytes) name = cut(item->key, prefix);
    if (name == NULL)
      continue;
    RollHost *host = g_hash_table_lookup(by_name, name);
    if (host == NULL)
      host = add_host(hosts, name, g_bytes_new(NULL, 0));
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

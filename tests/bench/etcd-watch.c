/* SPDX-License-Identifier: MIT */
/* How long etcd takes until the last of many watches has been told of a change: simulated hosts of
 * a fleet, each a connection of its own, by the agent's own wire.
 *
 *   etcd-watch ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY WATCHES CHANGES
 *
 * Each change is a small commit: a value and a head. Every second one is only counted, and the
 * others are read as a host reads them. Prints a line: microseconds until the last watch was told,
 * the median of those that were counted, the median of those that were read, and the worst of all.
 */
#include <stdlib.h>
#include <string.h>

#include "regd/fleet/base/record.h"
#include "regd/fleet/etcd/cluster.h"

#define TIMEOUT_MS 10000U
/* Connections that are being made at a time. */
#define JOINING 16U
#define HEAD "head"
#define VALUE "v/HKEY_LOCAL_MACHINE\\SOFTWARE\\POLICIES\\ACME\\\\PORT"

typedef struct Run Run;

typedef struct {
  Run *run;
  Stream *stream;
  gboolean has_joined;
} Watch;

struct Run {
  GMainLoop *loop;
  Cluster *cluster;
  Watch *watches;
  guint n_watches, begun, joined;
  guint changes, made, told;
  GArray *times[2]; /* counted, read; of gint64 */
  gint64 since;
};

static gboolean is_read(const Run *run) {
  return run->made % 2 == 1;
}

static void fail(const char *why) {
  g_printerr("etcd-watch: %s\n", why);
  exit(EXIT_FAILURE);
}

/* ---- changes ---- */

static void put(GPtrArray *operations, const Run *run, const char *key, GBytes *record) {
  EtcdOperation *operation = g_new0(EtcdOperation, 1);
  *operation = (EtcdOperation){.kind = ETCD_PUT,
                               .key = cluster_new_layer_key(run->cluster, key, strlen(key)),
                               .data = record};
  g_ptr_array_add(operations, operation);
}

static void on_put(GBytes *answer, const TransportEnd *end, G_GNUC_UNUSED gpointer data) {
  if (answer == NULL)
    fail(end->text);
}

static void make_change(Run *run) {
  g_autoptr(GPtrArray) guards = g_ptr_array_new();
  g_autoptr(GPtrArray) operations = g_ptr_array_new_with_free_func(etcd_operation_free);
  FleetHead head = {.number = run->made + 1, .has_previous = run->made > 0, .operations = 1};
  g_autofree char *text = g_strdup_printf("%u", run->made);
  put(operations, run, VALUE, g_bytes_new(text, strlen(text)));
  put(operations, run, HEAD, fleet_head_encode(&head));
  g_autoptr(GBytes) request = etcd_transaction_encode(guards, operations);
  const ClusterQuestion question = {
      .method = "KV/Txn", .request = request, .timeout_ms = TIMEOUT_MS};
  run->told = 0;
  run->since = g_get_monotonic_time();
  (void)cluster_call(run->cluster, &question, on_put, run);
}

static void note_told(Run *run) {
  if (++run->told < run->n_watches)
    return;
  gint64 time = g_get_monotonic_time() - run->since;
  g_array_append_val(run->times[is_read(run) ? 1 : 0], time);
  if (++run->made == run->changes)
    g_main_loop_quit(run->loop);
  else
    make_change(run);
}

/* ---- watches ---- */

static void join(Run *run);

/* As a host does that has no regd. */
static void read_message(GBytes *message) {
  g_autoptr(EtcdWatch) answer = etcd_watch_decode(message, NULL);
  for (guint i = 0; answer != NULL && i < answer->items->len; i++) {
    const EtcdItem *item = answer->items->pdata[i];
    g_autoptr(FleetHead) head = fleet_head_decode(item->record, NULL);
  }
}

static void on_message(GBytes *message, gpointer data) {
  Watch *watch = data;
  Run *run = watch->run;
  if (watch->has_joined) {
    if (is_read(run))
      read_message(message);
    note_told(run);
    return;
  }
  watch->has_joined = TRUE;
  if (++run->joined == run->n_watches)
    make_change(run);
  else
    join(run);
}

static void on_end(const TransportEnd *end, gpointer data);

static void begin(Watch *watch) {
  Run *run = watch->run;
  const char *layer = cluster_get_layer(run->cluster);
  const StreamEvents events = {.message = on_message, .end = on_end, .data = watch};
  g_autoptr(GBytes) key = g_bytes_new(layer, strlen(layer));
  g_autoptr(GBytes) end = etcd_prefix_end(layer);
  g_autoptr(GBytes) request = etcd_watch_encode(key, end, 0);
  watch->stream = cluster_watch(run->cluster, 0, &events);
  stream_send(watch->stream, request);
}

/* Many join at the same time: who is kept waiting for too long tries again, as a host does. */
static void on_end(const TransportEnd *end, gpointer data) {
  Watch *watch = data;
  if (watch->has_joined)
    fail(end->text);
  begin(watch);
}

static void join(Run *run) {
  if (run->begun == run->n_watches)
    return;
  Watch *watch = &run->watches[run->begun++];
  watch->run = run;
  begin(watch);
}

/* ---- all of it ---- */

static gint compare(gconstpointer a, gconstpointer b) {
  gint64 first = *(const gint64 *)a, second = *(const gint64 *)b;
  return first < second ? -1 : first > second;
}

static gint64 get_at(GArray *times, guint place) {
  g_array_sort(times, compare);
  return g_array_index(times, gint64, place);
}

static void measure(Run *run) {
  run->loop = g_main_loop_new(NULL, FALSE);
  run->watches = g_new0(Watch, run->n_watches);
  for (guint i = 0; i < 2; i++)
    run->times[i] = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < JOINING; i++)
    join(run);
  g_main_loop_run(run->loop);
  guint half = run->changes / 2;
  g_print("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
          get_at(run->times[0], half / 2), get_at(run->times[1], half / 2),
          MAX(get_at(run->times[0], half - 1), get_at(run->times[1], half - 1)));
}

static void clear(Run *run) {
  for (guint i = 0; i < run->n_watches; i++)
    stream_cancel(run->watches[i].stream);
  for (guint i = 0; i < 2; i++)
    g_array_unref(run->times[i]);
  g_free(run->watches);
  g_main_loop_unref(run->loop);
}

int main(int argc, char **argv) {
  guint watches = argc == 7 ? (guint)g_ascii_strtoull(argv[5], NULL, 10) : 0;
  guint changes = argc == 7 ? (guint)g_ascii_strtoull(argv[6], NULL, 10) : 0;
  if (watches == 0 || changes < 2 || changes % 2 != 0) {
    g_printerr(
        "usage: etcd-watch ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY WATCHES CHANGES (an even "
        "number)\n");
    return EXIT_FAILURE;
  }
  char *endpoints[] = {argv[1], NULL}, fleet[] = "simulated";
  const AgentConfig config = {
      .fleet = fleet, .endpoints = endpoints, .files = {argv[2], argv[3], argv[4]}};
  if (!transport_set_up())
    return EXIT_FAILURE;
  g_autoptr(Cluster) cluster = cluster_new(&config);
  Run run = {.cluster = cluster, .n_watches = watches, .changes = changes};
  measure(&run);
  clear(&run);
  return EXIT_SUCCESS;
}

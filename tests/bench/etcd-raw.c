/* SPDX-License-Identifier: MIT */
/* etcd by the agent's own wire, and nothing else: what the fleet's figures are measured beside.
 *
 *   etcd-raw ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY MODE ...
 *     ranges PARALLEL COUNT    reads one key COUNT times, PARALLEL at once
 *     commits 1 COUNT          transactions like a commit of one value: each is guarded by what the
 *                              one before it has put
 *
 * Prints a line: how many were answered, how many were not, and seconds. */
#include <stdlib.h>
#include <string.h>

#include "regd/fleet/etcd/cluster.h"

#define TIMEOUT_MS 10000U

typedef struct {
  GMainLoop *loop;
  Cluster *cluster;
  guint parallel, count;
  guint begun, ended, lost;
  /* The request of call number @begun. */
  GBytes *(*make)(guint number);
  const char *method;
} Run;

static void begin_calls(Run *run);

static void on_answer(GBytes *answer, const TransportEnd *end, gpointer data) {
  Run *run = data;
  if (answer == NULL && run->lost++ == 0)
    g_printerr("etcd-raw: %s\n", end->text);
  if (++run->ended == run->count)
    g_main_loop_quit(run->loop);
  begin_calls(run);
}

static void begin_calls(Run *run) {
  while (run->begun < run->count && run->begun - run->ended < run->parallel) {
    g_autoptr(GBytes) request = run->make(run->begun++);
    const ClusterQuestion question = {
        .method = run->method, .request = request, .timeout_ms = TIMEOUT_MS};
    (void)cluster_call(run->cluster, &question, on_answer, run);
  }
}

static GBytes *make_range(G_GNUC_UNUSED guint number) {
  g_autoptr(GBytes) key = g_bytes_new_static("/regd/", strlen("/regd/"));
  const EtcdRangeQuery query = {.key = key};
  return etcd_range_encode(&query);
}

static GBytes *new_text(const char *text) {
  return g_bytes_new(text, strlen(text));
}

static void add_put(GPtrArray *operations, const char *key, const char *record) {
  EtcdOperation *put = g_new0(EtcdOperation, 1);
  *put = (EtcdOperation){.kind = ETCD_PUT, .key = new_text(key), .data = new_text(record)};
  g_ptr_array_add(operations, put);
}

static GBytes *make_commit(guint number) {
  g_autoptr(GPtrArray) guards = g_ptr_array_new();
  g_autoptr(GPtrArray) operations = g_ptr_array_new_with_free_func(etcd_operation_free);
  g_autofree char *before = g_strdup_printf("%u", number - 1);
  g_autofree char *now = g_strdup_printf("%u", number);
  g_autoptr(GBytes) key = new_text("/raw/head");
  g_autoptr(GBytes) value = new_text(before);
  EtcdGuard guard = {.key = key, .value = value};
  if (number > 0)
    g_ptr_array_add(guards, &guard);
  add_put(operations, "/raw/value", now);
  add_put(operations, "/raw/last", now);
  add_put(operations, "/raw/head", now);
  return etcd_transaction_encode(guards, operations);
}

static const struct {
  const char *name;
  GBytes *(*make)(guint number);
  const char *method;
} modes[] = {{"ranges", make_range, "KV/Range"}, {"commits", make_commit, "KV/Txn"}};

static gsize find_mode(const char *name) {
  gsize mode = 0;
  while (mode < G_N_ELEMENTS(modes) && strcmp(modes[mode].name, name) != 0)
    mode++;
  return mode;
}

static void measure(Run *run) {
  gint64 start = g_get_monotonic_time();
  run->loop = g_main_loop_new(NULL, FALSE);
  begin_calls(run);
  g_main_loop_run(run->loop);
  g_main_loop_unref(run->loop);
  g_print("%u %u %.3f\n", run->ended - run->lost, run->lost,
          (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
}

int main(int argc, char **argv) {
  gsize mode = argc == 8 ? find_mode(argv[5]) : G_N_ELEMENTS(modes);
  if (mode == G_N_ELEMENTS(modes)) {
    g_printerr("usage: etcd-raw ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY ranges|commits PARALLEL "
               "COUNT\n");
    return EXIT_FAILURE;
  }
  char *endpoints[] = {argv[1], NULL}, fleet[] = "raw";
  const AgentConfig config = {
      .fleet = fleet, .endpoints = endpoints, .files = {argv[2], argv[3], argv[4]}};
  if (!transport_set_up())
    return EXIT_FAILURE;
  g_autoptr(Cluster) cluster = cluster_new(&config);
  Run run = {.cluster = cluster,
             .parallel = (guint)g_ascii_strtoull(argv[6], NULL, 10),
             .count = (guint)g_ascii_strtoull(argv[7], NULL, 10),
             .make = modes[mode].make,
             .method = modes[mode].method};
  measure(&run);
  return run.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

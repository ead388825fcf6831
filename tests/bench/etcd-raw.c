/* SPDX-License-Identifier: MIT */
/* etcd by the agent's own wire, and nothing else: what the fleet's figures are measured beside.
 *
 *   etcd-raw ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY MODE ...
 *     ranges PARALLEL COUNT    reads one key COUNT times, PARALLEL at once
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
  if (argc != 8 || strcmp(argv[5], "ranges") != 0) {
    g_printerr("usage: etcd-raw ENDPOINT CA-FILE CERTIFICATE PRIVATE-KEY ranges PARALLEL COUNT\n");
    return EXIT_FAILURE;
  }
  char *endpoints[] = {argv[1], NULL}, fleet[] = "raw";
  const AgentConfig config = {
      .fleet = fleet, .endpoints = endpoints, .files = {argv[2], argv[3], argv[4]}};
  if (!transport_set_up())
    return EXIT_FAILURE;
  g_autoptr(Cluster) cluster = cluster_new(&config);
  Run run = {.cluster = cluster,
             .parallel = (guint)atoi(argv[6]),
             .count = (guint)atoi(argv[7]),
             .make = make_range,
             .method = "KV/Range"};
  measure(&run);
  return run.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

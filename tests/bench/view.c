/* SPDX-License-Identifier: MIT */
/* What a live view costs: look-ups, and a sync against the Ping that any service
 * answers. Prints names and numbers; bench-view.py and `run` start what it needs.
 *
 *   view ADDRESS KEY         KEY has a value `v` and sub-keys K0 to K9 with the same
 *   view ADDRESS KEY first   prints the seconds until a view of KEY has everything, and the
 *                            bytes that the process has grown by */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/base/protocol.h"
#include "client/connection/connection.h"

#define LOOK_UPS 5000000U
#define ROUND_TRIPS 5000U
#define CROWD 1000U /* who ask at once */
#define CROWDS 50U

typedef struct {
  RegistryConnection *connection;
  RegistryView *view;
  GMainContext *context;
  guint answered;
} Bench;

static void report(const char *what, guint count, gint64 began) {
  double seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
  printf("%-40s %12.0f /s %10.2f us\n", what, count / seconds, seconds * 1e6 / count);
}

static void wait_for(Bench *bench, guint answers) {
  while (bench->answered < answers)
    g_main_context_iteration(bench->context, TRUE);
}

/* ---- look-ups ---- */

static void look_up_values(Bench *bench) {
  gint64 began = g_get_monotonic_time();
  guint found = 0;
  for (guint i = 0; i < LOOK_UPS; i++)
    found += registry_view_get(bench->view, "K7", "v") != NULL;
  report("registry_view_get", found, began);
}

static void look_up_strings(Bench *bench) {
  const char *const names[] = {"v", NULL};
  gint64 began = g_get_monotonic_time();
  guint found = 0;
  for (guint i = 0; i < LOOK_UPS; i++) {
    g_autofree char *text = registry_view_get_string(bench->view, "K7", names, NULL);
    found += text != NULL;
  }
  report("registry_view_get_string", found, began);
}

/* ---- round trips ---- */

static void on_synced(RegistryConnection *connection, gboolean current, gpointer data) {
  (void)connection;
  Bench *bench = data;
  g_assert_true(current);
  bench->answered++;
}

static void on_pong(G_GNUC_UNUSED DBusMessage *reply, const GError *error, gpointer data) {
  Bench *bench = data;
  g_assert_no_error(error);
  bench->answered++;
}

static void ping(Bench *bench, const char *what, const char *name, const char *path) {
  gint64 began = g_get_monotonic_time();
  for (guint i = 0; i < ROUND_TRIPS; i++) {
    g_autoptr(WireMessage) call =
        dbus_message_new_method_call(name, path, DBUS_INTERFACE_PEER, "Ping");
    bench->answered = 0;
    connection_call_async(bench->connection, call, CALL_TIMEOUT_MS, on_pong, bench);
    wait_for(bench, 1);
  }
  report(what, ROUND_TRIPS, began);
}

static void sync_one_by_one(Bench *bench) {
  gint64 began = g_get_monotonic_time();
  for (guint i = 0; i < ROUND_TRIPS; i++) {
    bench->answered = 0;
    registry_connection_sync(bench->connection, on_synced, bench);
    wait_for(bench, 1);
  }
  report("sync", ROUND_TRIPS, began);
}

static void sync_in_crowds(Bench *bench) {
  gint64 began = g_get_monotonic_time();
  for (guint crowd = 0; crowd < CROWDS; crowd++) {
    bench->answered = 0;
    for (guint i = 0; i < CROWD; i++)
      registry_connection_sync(bench->connection, on_synced, bench);
    wait_for(bench, CROWD);
  }
  report("sync, 1000 who ask at once", CROWD * CROWDS, began);
}

static void open_view(Bench *bench, const char *key) {
  bench->view = registry_view_new(bench->connection, key, NULL, NULL);
  while (registry_view_get_state(bench->view) != REGISTRY_VIEW_READY)
    g_main_context_iteration(NULL, TRUE);
}

/* ---- the first read ---- */

static gint64 get_resident_bytes(void) {
  g_autofree char *text = NULL;
  if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
    return 0;
  return g_ascii_strtoll(strchr(text, ' '), NULL, 10) * sysconf(_SC_PAGESIZE);
}

static void read_first(Bench *bench, const char *key) {
  gint64 before = get_resident_bytes();
  gint64 began = g_get_monotonic_time();
  open_view(bench, key);
  printf("%.6f %" G_GINT64_FORMAT "\n", (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC,
         get_resident_bytes() - before);
}

static void measure_ready(Bench *bench, const char *key) {
  open_view(bench, key);
  look_up_values(bench);
  look_up_strings(bench);
  for (guint round = 0; round < 3; round++) {
    ping(bench, "Ping of the bus", DBUS_SERVICE_DBUS, DBUS_PATH_DBUS);
    ping(bench, "Ping of regd", connection_get_owner(bench->connection), REGISTRY_OBJECT_PATH);
    sync_one_by_one(bench);
  }
  sync_in_crowds(bench);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  g_assert_cmpint(argc, >=, 3);
  Bench bench = {.connection = registry_connection_new(argv[1], NULL, &error)};
  g_assert_no_error(error);
  if (argc == 3)
    measure_ready(&bench, argv[2]);
  else
    read_first(&bench, argv[2]);
  registry_view_free(bench.view);
  registry_connection_unref(bench.connection);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* What calls of regd cost beside what bounds them: a Ping of the bus itself, a
 * Ping of regd, and a durable commit of one row by SQLite alone. Prints rates
 * and their ratios: medians of many short rounds that take turns, so that what
 * else the machine does falls on all alike; and the processor time that regd
 * took for a call, which tells even where the machine is busy.
 *
 *   calls ADDRESS DIRECTORY     DIRECTORY: on the disk that regd's database is on */
#include <dbus/dbus.h>
#include <glib.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/protocol.h"
#include "tests/bench/pipeline.h"

#define KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Bench\\Parameters"
#define ROUNDS 31
#define CALLS 300 /* a round */
#define IN_FLIGHT 32

static DBusMessage *new_ping(const char *name) {
  return dbus_message_new_method_call(name, "/", DBUS_INTERFACE_PEER, "Ping");
}

static DBusMessage *ping_bus(guint number) {
  (void)number;
  return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                      "GetId");
}

static DBusMessage *ping_regd(guint number) {
  (void)number;
  return new_ping(REGISTRY_BUS_NAME);
}

static DBusMessage *new_call(const char *member) {
  const char *key = KEY;
  const char *name = "v";
  DBusMessage *call = dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH,
                                                   REGISTRY_INTERFACE, member);
  dbus_message_append_args(call, DBUS_TYPE_STRING, &key, DBUS_TYPE_STRING, &name,
                           DBUS_TYPE_INVALID);
  return call;
}

/* As large a call as GetValue: what the bus and libdbus take for its size. */
static DBusMessage *ping_regd_at_length(guint number) {
  (void)number;
  DBusMessage *call = new_call("Ping");
  dbus_message_set_interface(call, DBUS_INTERFACE_PEER);
  return call;
}

static DBusMessage *get_value(guint number) {
  (void)number;
  return new_call("GetValue");
}

static DBusMessage *set_value(guint number) {
  DBusMessageIter iter, variant;
  DBusMessage *call = new_call("SetValue");
  dbus_uint32_t type = 4;
  dbus_uint32_t data = number;
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &type);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "u", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &data);
  dbus_message_iter_close_container(&iter, &variant);
  return call;
}

/* Calls a second, with so many under way. */
static double measure(DBusConnection *connection, PipelineCall make, guint in_flight) {
  static guint number; /* so that no write writes what is there */
  gint64 begun = g_get_monotonic_time();
  pipeline_run(connection, make, CALLS, in_flight, number + 1);
  number += CALLS;
  return CALLS * 1e6 / (double)(g_get_monotonic_time() - begun);
}

static void run(sqlite3 *database, const char *sql) {
  if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
    g_error("%s", sqlite3_errmsg(database));
}

static double measure_sqlite(sqlite3 *database) {
  gint64 begun = g_get_monotonic_time();
  for (guint i = 0; i < CALLS; i++)
    run(database, "UPDATE one SET number = number + 1");
  return CALLS * 1e6 / (double)(g_get_monotonic_time() - begun);
}

static sqlite3 *open_database(const char *directory) {
  g_autofree char *file = g_build_filename(directory, "bare.db", NULL);
  sqlite3 *database = NULL;
  if (sqlite3_open(file, &database) != SQLITE_OK)
    g_error("%s can't be opened", file);
  run(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "CREATE TABLE one(number INTEGER); INSERT INTO one VALUES(0)");
  return database;
}

/* ---- regd's processor time ---- */

static guint32 find_process(DBusConnection *connection) {
  const char *name = REGISTRY_BUS_NAME;
  dbus_uint32_t process = 0;
  DBusMessage *call = dbus_message_new_method_call(
      DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetConnectionUnixProcessID");
  dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
  DBusMessage *reply = dbus_connection_send_with_reply_and_block(connection, call, -1, NULL);
  if (reply == NULL ||
      !dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &process, DBUS_TYPE_INVALID))
    g_error("the bus does not say which process regd is");
  dbus_message_unref(call);
  dbus_message_unref(reply);
  return process;
}

/* Nanoseconds of all its threads. */
static double read_processor_time(guint32 process) {
  double total = 0;
  g_autofree char *tasks = g_strdup_printf("/proc/%u/task", process);
  g_autoptr(GDir) directory = g_dir_open(tasks, 0, NULL);
  for (const char *task; directory != NULL && (task = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *file = g_strdup_printf("%s/%s/schedstat", tasks, task);
    g_autofree char *text = NULL;
    if (g_file_get_contents(file, &text, NULL, NULL))
      total += g_ascii_strtod(text, NULL);
  }
  return total;
}

/* ---- the rounds ---- */

#define SQLITE 0 /* the row of SQLite alone */

static const struct {
  const char *what;
  PipelineCall make; /* NULL: SQLite */
  const char *bound; /* what it is compared with */
  guint bound_row;
  guint in_flight;
} rows[] = {
    {"SQLite, one row a commit", NULL, NULL, 0, 0},
    {"bus, one client", ping_bus, NULL, 0, 1},
    {"Ping of regd, one client", ping_regd, NULL, 0, 1},
    {"Ping of regd, 32 in flight", ping_regd, NULL, 0, IN_FLIGHT},
    {"Ping as long as GetValue", ping_regd_at_length, "the short one", 2, 1},
    {"GetValue, one client", get_value, "its Ping", 2, 1},
    {"GetValue, 32 in flight", get_value, "its Ping", 3, IN_FLIGHT},
    {"SetValue, one client", set_value, "SQLite alone", SQLITE, 1},
    {"SetValue, 32 in flight", set_value, "SQLite alone", SQLITE, IN_FLIGHT},
};
#define N_ROWS G_N_ELEMENTS(rows)

typedef struct {
  double rates[ROUNDS];
  double processor; /* nanoseconds of regd's, of all rounds */
} Measured;

static gint compare_numbers(gconstpointer a, gconstpointer b) {
  double first = *(const double *)a;
  double second = *(const double *)b;
  return first < second ? -1 : first > second;
}

static double find_median(const Measured *measured) {
  double sorted[ROUNDS];
  memcpy(sorted, measured->rates, sizeof sorted);
  qsort(sorted, ROUNDS, sizeof *sorted, compare_numbers);
  return sorted[ROUNDS / 2];
}

static void print_row(const Measured *measured, guint row) {
  double rate = find_median(&measured[row]);
  g_print("%-28s %8.0f /s %8.0f us", rows[row].what, rate, 1e6 / rate);
  if (rows[row].make != NULL)
    g_print(" %8.1f us of regd's", measured[row].processor / (1e3 * ROUNDS * CALLS));
  if (rows[row].bound != NULL)
    g_print("  %.2f of %s", rate / find_median(&measured[rows[row].bound_row]), rows[row].bound);
  g_print("\n");
}

static void measure_row(Measured *measured, guint row, guint round, DBusConnection *connection,
                        sqlite3 *database, guint32 process) {
  double before = read_processor_time(process);
  if (rows[row].make == NULL)
    measured[row].rates[round] = measure_sqlite(database);
  else
    measured[row].rates[round] = measure(connection, rows[row].make, rows[row].in_flight);
  measured[row].processor += read_processor_time(process) - before;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return EXIT_FAILURE;
  DBusConnection *connection = dbus_connection_open_private(argv[1], NULL);
  if (connection == NULL || !dbus_bus_register(connection, NULL))
    g_error("%s can't be reached", argv[1]);
  sqlite3 *database = open_database(argv[2]);
  measure(connection, set_value, 1); /* the key and the value are there from now on */

  guint32 process = find_process(connection);
  Measured measured[N_ROWS] = {0};
  for (guint round = 0; round < ROUNDS; round++)
    for (guint row = 0; row < N_ROWS; row++)
      measure_row(measured, row, round, connection, database, process);
  for (guint row = 0; row < N_ROWS; row++)
    print_row(measured, row);
  sqlite3_close(database);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return EXIT_SUCCESS;
}

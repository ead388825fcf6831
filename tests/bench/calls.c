/* SPDX-License-Identifier: MIT */
/* What calls of regd cost beside what bounds them: the same calls of a service that answers with
 * the same bytes and does nothing else (echo.c), a Ping of regd, and a durable commit of one row by
 * SQLite alone. Many short rounds take turns, so that what else the machine does falls on all
 * alike. Prints a line for each: its name, the median rate, and the processor time in us that regd
 * took for a call, which tells even where the machine is busy.
 *
 *   calls ADDRESS DIRECTORY ROUNDS [NAME]     DIRECTORY: on the disk that regd's database is on;
 *                                             NAME: only the row of that name; in the registry
 *                                             are KEY\\Ten with 10 values and KEY\\Thousand with
 *                                             1,000, KEY as below */
#include <dbus/dbus.h>
#include <glib.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/protocol.h"
#include "tests/bench/echo.h"
#include "tests/bench/pipeline.h"

#define KEY "HKLM\\SOFTWARE\\Bench"
#define MOST_ROUNDS 101U
#define CALLS 300U     /* a round */
#define TREE_CALLS 30U /* the same of large answers */
#define IN_FLIGHT 32

static DBusMessage *new_call(const char *service, const char *member) {
  return dbus_message_new_method_call(service, REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE, member);
}

static DBusMessage *ping(G_GNUC_UNUSED guint number) {
  return dbus_message_new_method_call(REGISTRY_BUS_NAME, "/", DBUS_INTERFACE_PEER, "Ping");
}

static void append_strings(DBusMessage *call, const char *key, const char *name) {
  dbus_message_append_args(call, DBUS_TYPE_STRING, &key,
                           name != NULL ? DBUS_TYPE_STRING : DBUS_TYPE_INVALID, &name,
                           DBUS_TYPE_INVALID);
}

static DBusMessage *new_get_value(const char *service) {
  DBusMessage *call = new_call(service, "GetValue");
  append_strings(call, KEY "\\Ten\\K0", "value 0");
  return call;
}

static DBusMessage *new_list_values(const char *service) {
  DBusMessage *call = new_call(service, "ListValues");
  append_strings(call, KEY "\\Ten\\K0", NULL);
  return call;
}

static DBusMessage *new_read_tree(const char *service) {
  DBusMessageIter iter, options;
  DBusMessage *call = new_call(service, "ReadTree");
  append_strings(call, KEY "\\Thousand", NULL);
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
  dbus_message_iter_close_container(&iter, &options);
  return call;
}

static DBusMessage *get_value(G_GNUC_UNUSED guint number) {
  return new_get_value(REGISTRY_BUS_NAME);
}

static DBusMessage *echo_value(G_GNUC_UNUSED guint number) {
  return new_get_value(ECHO_NAME);
}

static DBusMessage *list_values(G_GNUC_UNUSED guint number) {
  return new_list_values(REGISTRY_BUS_NAME);
}

static DBusMessage *echo_list(G_GNUC_UNUSED guint number) {
  return new_list_values(ECHO_NAME);
}

static DBusMessage *read_tree(G_GNUC_UNUSED guint number) {
  return new_read_tree(REGISTRY_BUS_NAME);
}

static DBusMessage *echo_tree(G_GNUC_UNUSED guint number) {
  return new_read_tree(ECHO_NAME);
}

static DBusMessage *set_value(guint number) {
  DBusMessageIter iter, variant;
  DBusMessage *call = new_call(REGISTRY_BUS_NAME, "SetValue");
  append_strings(call, KEY "\\Written", "v");
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
static double measure(DBusConnection *connection, PipelineCall make, guint calls, guint in_flight) {
  static guint number; /* so that no write writes what is there */
  gint64 begun = g_get_monotonic_time();
  pipeline_run(connection, make, calls, in_flight, number + 1);
  number += calls;
  return calls * 1e6 / (double)(g_get_monotonic_time() - begun);
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
                "DROP TABLE IF EXISTS one; CREATE TABLE one(number INTEGER);"
                "INSERT INTO one VALUES(0)");
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

static const struct {
  const char *name;
  PipelineCall make; /* NULL: SQLite */
  guint calls, in_flight;
} rows[] = {
    {"sqlite", NULL, CALLS, 1},
    {"ping", ping, CALLS, 1},
    {"get", get_value, CALLS, 1},
    {"get echoed", echo_value, CALLS, 1},
    {"list", list_values, CALLS, 1},
    {"list echoed", echo_list, CALLS, 1},
    {"tree", read_tree, TREE_CALLS, 1},
    {"tree echoed", echo_tree, TREE_CALLS, 1},
    {"ping 32", ping, CALLS, IN_FLIGHT},
    {"get 32", get_value, CALLS, IN_FLIGHT},
    {"get echoed 32", echo_value, CALLS, IN_FLIGHT},
    {"set", set_value, CALLS, 1},
    {"set 32", set_value, CALLS, IN_FLIGHT},
};
#define N_ROWS G_N_ELEMENTS(rows)

typedef struct {
  double rates[MOST_ROUNDS];
  double processor; /* nanoseconds of regd's, of all rounds */
} Measured;

static gint compare_numbers(gconstpointer a, gconstpointer b) {
  double first = *(const double *)a;
  double second = *(const double *)b;
  return first < second ? -1 : first > second;
}

static void print_row(Measured *measured, guint row, guint rounds) {
  qsort(measured->rates, rounds, sizeof *measured->rates, compare_numbers);
  g_print("%s\t%.1f\t%.2f\n", rows[row].name, measured->rates[rounds / 2],
          measured->processor / (1e3 * rounds * rows[row].calls));
}

static void measure_row(Measured *measured, guint row, guint round, DBusConnection *connection,
                        sqlite3 *database) {
  guint32 process = find_process(connection);
  double before = read_processor_time(process);
  if (rows[row].make == NULL)
    measured->rates[round] = measure_sqlite(database);
  else
    measured->rates[round] =
        measure(connection, rows[row].make, rows[row].calls, rows[row].in_flight);
  measured->processor += read_processor_time(process) - before;
}

static gboolean is_wanted(guint row, const char *only) {
  return only == NULL || g_str_equal(rows[row].name, only);
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5)
    return EXIT_FAILURE;
  const char *only = argc == 5 ? argv[4] : NULL;
  guint rounds = (guint)CLAMP(g_ascii_strtoull(argv[3], NULL, 10), 1, MOST_ROUNDS);
  DBusConnection *connection = dbus_connection_open_private(argv[1], NULL);
  if (connection == NULL || !dbus_bus_register(connection, NULL))
    g_error("%s can't be reached", argv[1]);
  sqlite3 *database = open_database(argv[2]);
  measure(connection, set_value, 1, 1); /* the key and the value are there from now on */

  Measured *measured = g_new0(Measured, N_ROWS);
  for (guint round = 0; round < rounds; round++)
    for (guint row = 0; row < N_ROWS; row++)
      if (is_wanted(row, only))
        measure_row(&measured[row], row, round, connection, database);
  for (guint row = 0; row < N_ROWS; row++)
    if (is_wanted(row, only))
      print_row(&measured[row], row, rounds);
  g_free(measured);
  sqlite3_close(database);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return EXIT_SUCCESS;
}

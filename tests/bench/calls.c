/* What calls of regd cost beside what bounds them: a Ping of the bus itself, a
 * Ping of regd, and a durable commit of one row by SQLite alone. Prints rates
 * and ratios taken in the same run, alternating, the best of several rounds.
 *
 *   calls ADDRESS DIRECTORY     DIRECTORY: on the disk that regd's database is on */
#include <dbus/dbus.h>
#include <glib.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "client/base/protocol.h"

#define KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Bench\\Parameters"
#define ROUNDS 5
#define CALLS 2000
#define IN_FLIGHT 32

typedef DBusMessage *(*MakeCall)(guint number);

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

static void finish(DBusPendingCall *pending) {
  dbus_pending_call_block(pending);
  DBusMessage *reply = dbus_pending_call_steal_reply(pending);
  if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
    g_error("%s", dbus_message_get_error_name(reply));
  dbus_message_unref(reply);
  dbus_pending_call_unref(pending);
}

/* Calls a second, with so many under way. */
static double measure(DBusConnection *connection, MakeCall make, guint in_flight) {
  static guint number; /* so that no write writes what is there */
  DBusPendingCall *pending[IN_FLIGHT] = {NULL};
  gint64 begun = g_get_monotonic_time();
  for (guint i = 0; i < CALLS + in_flight; i++) {
    DBusPendingCall **slot = &pending[i % in_flight];
    if (*slot != NULL)
      finish(*slot);
    *slot = NULL;
    if (i >= CALLS)
      continue;
    DBusMessage *call = make(++number);
    dbus_connection_send_with_reply(connection, call, slot, DBUS_TIMEOUT_INFINITE);
    dbus_message_unref(call);
  }
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

static const struct {
  const char *what;
  MakeCall make;
  guint in_flight;
  int bound; /* the row it is compared with; -1: SQLite; -2: none */
} rows[] = {
    {"bus, one client", ping_bus, 1, -2},
    {"Ping of regd, one client", ping_regd, 1, -2},
    {"Ping of regd, 32 in flight", ping_regd, IN_FLIGHT, -2},
    {"GetValue, one client", get_value, 1, 1},
    {"GetValue, 32 in flight", get_value, IN_FLIGHT, 2},
    {"SetValue, one client", set_value, 1, -1},
    {"SetValue, 32 in flight", set_value, IN_FLIGHT, -1},
};

static void print_rates(const double *best, double sqlite) {
  g_print("%-28s %8.0f /s\n", "SQLite, one row a commit", sqlite);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_print("%-28s %8.0f /s", rows[i].what, best[i]);
    if (rows[i].bound == -1)
      g_print("  %.2f of SQLite alone", best[i] / sqlite);
    else if (rows[i].bound >= 0)
      g_print("  %.2f of its Ping", best[i] / best[rows[i].bound]);
    g_print("\n");
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    return EXIT_FAILURE;
  DBusConnection *connection = dbus_connection_open_private(argv[1], NULL);
  if (connection == NULL || !dbus_bus_register(connection, NULL))
    g_error("%s can't be reached", argv[1]);
  sqlite3 *database = open_database(argv[2]);
  measure(connection, set_value, 1); /* the key and the value are there from now on */

  double best[G_N_ELEMENTS(rows)] = {0};
  double sqlite = 0;
  for (guint round = 0; round < ROUNDS; round++) {
    sqlite = MAX(sqlite, measure_sqlite(database));
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
      best[i] = MAX(best[i], measure(connection, rows[i].make, rows[i].in_flight));
  }
  print_rates(best, sqlite);
  sqlite3_close(database);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return EXIT_SUCCESS;
}

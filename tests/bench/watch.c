/* SPDX-License-Identifier: MIT */
/* How long a SetValue takes until the writer has its answer, and until a watcher on another
 * connection is called: medians of single calls, in us, that take turns.
 *
 *   watch ADDRESS CALLS     prints both */
#include <dbus/dbus.h>
#include <glib.h>
#include <stdlib.h>

#include "client/base/protocol.h"

#define KEY "HKLM\\SOFTWARE\\BenchWatched"

static DBusConnection *connect_to(const char *address) {
  DBusConnection *connection = dbus_connection_open_private(address, NULL);
  if (connection == NULL || !dbus_bus_register(connection, NULL))
    g_error("%s can't be reached", address);
  return connection;
}

static DBusMessage *new_call(const char *member) {
  return dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE,
                                      member);
}

/* Takes @call. */
static void ask(DBusConnection *connection, DBusMessage *call) {
  DBusMessage *answer = dbus_connection_send_with_reply_and_block(connection, call, -1, NULL);
  if (answer == NULL)
    g_error("%s is refused", dbus_message_get_member(call));
  dbus_message_unref(call);
  dbus_message_unref(answer);
}

static DBusMessage *new_set(dbus_uint32_t number) {
  DBusMessageIter iter, variant;
  const char *key = KEY;
  const char *name = "v";
  dbus_uint32_t type = 4;
  DBusMessage *call = new_call("SetValue");
  dbus_message_append_args(call, DBUS_TYPE_STRING, &key, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32,
                           &type, DBUS_TYPE_INVALID);
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "u", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &number);
  dbus_message_iter_close_container(&iter, &variant);
  return call;
}

static void watch(DBusConnection *watcher) {
  DBusMessageIter iter, options;
  const char *key = KEY;
  DBusMessage *call = new_call("Watch");
  dbus_message_append_args(call, DBUS_TYPE_STRING, &key, DBUS_TYPE_INVALID);
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
  dbus_message_iter_close_container(&iter, &options);
  ask(watcher, call);
}

static DBusHandlerResult on_message(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                    void *data) {
  if (dbus_message_is_signal(message, REGISTRY_INTERFACE, "Changed"))
    ++*(guint *)data;
  return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void wait_for_callback(DBusConnection *watcher, const guint *seen, guint wanted) {
  while (*seen < wanted)
    if (!dbus_connection_read_write_dispatch(watcher, -1))
      g_error("the bus is gone");
}

/* As long as a watcher that waits: the answer is read afterwards. */
static gint64 time_callback(DBusConnection *writer, DBusConnection *watcher, guint number,
                            const guint *seen) {
  DBusPendingCall *pending = NULL;
  DBusMessage *call = new_set(number);
  gint64 begun = g_get_monotonic_time();
  dbus_connection_send_with_reply(writer, call, &pending, -1);
  dbus_connection_flush(writer);
  wait_for_callback(watcher, seen, number);
  gint64 took = g_get_monotonic_time() - begun;
  dbus_pending_call_block(pending);
  dbus_pending_call_unref(pending);
  dbus_message_unref(call);
  return took;
}

static gint64 time_answer(DBusConnection *writer, DBusConnection *watcher, guint number,
                          const guint *seen) {
  gint64 begun = g_get_monotonic_time();
  ask(writer, new_set(number));
  gint64 took = g_get_monotonic_time() - begun;
  wait_for_callback(watcher, seen, number);
  return took;
}

static gint compare(gconstpointer a, gconstpointer b) {
  gint64 first = *(const gint64 *)a;
  gint64 second = *(const gint64 *)b;
  return first < second ? -1 : first > second;
}

static gint64 find_median(GArray *times) {
  g_array_sort(times, compare);
  return g_array_index(times, gint64, times->len / 2);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return EXIT_FAILURE;
  guint calls = (guint)g_ascii_strtoull(argv[2], NULL, 10);
  guint seen = 0;
  DBusConnection *writer = connect_to(argv[1]);
  DBusConnection *watcher = connect_to(argv[1]);
  g_autoptr(GArray) answers = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GArray) callbacks = g_array_new(FALSE, FALSE, sizeof(gint64));
  ask(writer, new_set(0)); /* the key is there from now on */
  dbus_connection_add_filter(watcher, on_message, &seen, NULL);
  watch(watcher);
  for (guint number = 1; number <= 2 * calls; number += 2) {
    gint64 answer = time_answer(writer, watcher, number, &seen);
    gint64 callback = time_callback(writer, watcher, number + 1, &seen);
    g_array_append_val(answers, answer);
    g_array_append_val(callbacks, callback);
  }
  g_print("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", find_median(answers),
          find_median(callbacks));
  dbus_connection_close(writer);
  dbus_connection_close(watcher);
  dbus_connection_unref(writer);
  dbus_connection_unref(watcher);
  return EXIT_SUCCESS;
}

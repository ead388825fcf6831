/* SPDX-License-Identifier: MIT */
/* One Commit of many values, 100 a key, and how long its answer takes.
 *
 *   commit ADDRESS KEY VALUES     prints the seconds from its being sent */
#include <dbus/dbus.h>
#include <glib.h>
#include <stdlib.h>

#include "client/base/protocol.h"

#define VALUES_A_KEY 100U

static void append_operation(DBusMessageIter *operations, const char *key, guint number) {
  DBusMessageIter fields, variant;
  g_autofree char *path = g_strdup_printf("%s\\K%u", key, number / VALUES_A_KEY);
  g_autofree char *name = g_strdup_printf("value %u", number);
  g_autofree char *text = g_strdup_printf("text of value %u", number);
  const char *shown[] = {"set-value", path, name, text};
  dbus_uint32_t type = 1;
  dbus_message_iter_open_container(operations, DBUS_TYPE_STRUCT, NULL, &fields);
  for (guint i = 0; i < 3; i++)
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &shown[i]);
  dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &type);
  dbus_message_iter_open_container(&fields, DBUS_TYPE_VARIANT, "s", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &shown[3]);
  dbus_message_iter_close_container(&fields, &variant);
  dbus_message_iter_close_container(operations, &fields);
}

static DBusMessage *new_commit(const char *key, guint values) {
  DBusMessageIter iter, array;
  DBusMessage *call = dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH,
                                                   REGISTRY_INTERFACE, "Commit");
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sssuv)", &array);
  for (guint number = 0; number < values; number++)
    append_operation(&array, key, number);
  dbus_message_iter_close_container(&iter, &array);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &array);
  dbus_message_iter_close_container(&iter, &array);
  return call;
}

int main(int argc, char **argv) {
  DBusError problem = DBUS_ERROR_INIT;
  DBusConnection *connection = argc == 4 ? dbus_connection_open_private(argv[1], NULL) : NULL;
  if (connection == NULL || !dbus_bus_register(connection, NULL))
    return EXIT_FAILURE;
  DBusMessage *call = new_commit(argv[2], (guint)g_ascii_strtoull(argv[3], NULL, 10));
  gint64 begun = g_get_monotonic_time();
  DBusMessage *answer =
      dbus_connection_send_with_reply_and_block(connection, call, DBUS_TIMEOUT_INFINITE, &problem);
  if (answer == NULL)
    g_error("%s", problem.message);
  g_print("%.6f\n", (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC);
  dbus_message_unref(answer);
  dbus_message_unref(call);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return EXIT_SUCCESS;
}

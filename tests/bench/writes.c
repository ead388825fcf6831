/* SPDX-License-Identifier: MIT */
/* Writes single values to one regd after the other, and tells how long each
 * took: what bench-history.py compares. Each write is a commit of its own.
 *
 *   writes ADDRESS CALLS IN_FLIGHT FIRST     prints seconds; FIRST: the first number that is
 * written */
#include <dbus/dbus.h>
#include <glib.h>
#include <stdlib.h>

#include "client/base/protocol.h"
#include "tests/bench/pipeline.h"

#define KEY "HKLM\\SOFTWARE\\Bench\\Writes"
#define NAMES 100U /* values that are written in turn */

static DBusMessage *set_value(guint number) {
  const char *key = KEY;
  g_autofree char *name = g_strdup_printf("value %u", number % NAMES);
  g_autofree char *text = g_strdup_printf("text of value %u", number);
  const char *shown_name = name;
  const char *shown_text = text;
  dbus_uint32_t type = 1;
  DBusMessageIter iter, variant;
  DBusMessage *call = dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH,
                                                   REGISTRY_INTERFACE, "SetValue");
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &key);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &shown_name);
  dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &type);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
  dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &shown_text);
  dbus_message_iter_close_container(&iter, &variant);
  return call;
}

int main(int argc, char **argv) {
  if (argc != 5)
    return EXIT_FAILURE;
  guint numbers[3] = {0};
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    numbers[i] = (guint)g_ascii_strtoull(argv[i + 2], NULL, 10);
  DBusConnection *connection = dbus_connection_open_private(argv[1], NULL);
  if (connection == NULL || !dbus_bus_register(connection, NULL) || numbers[1] == 0 ||
      numbers[1] > PIPELINE_MAXIMUM)
    g_error("%s can't be reached, or %u is too many", argv[1], numbers[1]);
  gint64 begun = g_get_monotonic_time();
  pipeline_run(connection, set_value, numbers[0], numbers[1], numbers[2]);
  g_print("%.6f\n", (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* A service that answers calls with the bytes that regd answers them with: it asks regd for the
 * first call of each member, and answers all later ones with copies. What a call of it takes is
 * what the bus takes for messages of this length, and no service can be faster. It ends when its
 * standard input does.
 *
 *   echo ADDRESS     prints a line when it serves */
#include "tests/bench/echo.h"

#include <dbus/dbus.h>
#include <glib.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/base/protocol.h"

static DBusMessage *ask_regd(DBusConnection *connection, DBusMessage *call) {
  DBusMessage *question = dbus_message_copy(call);
  dbus_message_set_destination(question, REGISTRY_BUS_NAME);
  dbus_message_set_sender(question, NULL);
  DBusMessage *answer =
      dbus_connection_send_with_reply_and_block(connection, question, DBUS_TIMEOUT_INFINITE, NULL);
  if (answer == NULL)
    g_error("%s: regd does not answer it", dbus_message_get_member(call));
  dbus_message_unref(question);
  return answer;
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *call, void *data) {
  GHashTable *answers = data;
  if (dbus_message_get_type(call) != DBUS_MESSAGE_TYPE_METHOD_CALL)
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  DBusMessage *known = g_hash_table_lookup(answers, dbus_message_get_member(call));
  if (known == NULL) {
    known = ask_regd(connection, call);
    g_hash_table_insert(answers, g_strdup(dbus_message_get_member(call)), known);
  }
  DBusMessage *answer = dbus_message_copy(known);
  dbus_message_set_reply_serial(answer, dbus_message_get_serial(call));
  dbus_message_set_destination(answer, dbus_message_get_sender(call));
  dbus_connection_send(connection, answer, NULL);
  dbus_message_unref(answer);
  return DBUS_HANDLER_RESULT_HANDLED;
}

static void serve(DBusConnection *connection) {
  struct pollfd descriptors[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = -1, .events = POLLIN}};
  dbus_connection_get_unix_fd(connection, &descriptors[1].fd);
  while (poll(descriptors, G_N_ELEMENTS(descriptors), -1) > 0 && descriptors[0].revents == 0) {
    if (!dbus_connection_read_write(connection, 0))
      return;
    while (dbus_connection_dispatch(connection) == DBUS_DISPATCH_DATA_REMAINS)
      continue;
  }
}

static void unref_message(gpointer message) {
  dbus_message_unref(message);
}

int main(int argc, char **argv) {
  DBusConnection *connection = argc == 2 ? dbus_connection_open_private(argv[1], NULL) : NULL;
  if (connection == NULL || !dbus_bus_register(connection, NULL) ||
      dbus_bus_request_name(connection, ECHO_NAME, 0, NULL) < 0)
    return EXIT_FAILURE;
  g_autoptr(GHashTable) answers =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_message);
  dbus_connection_add_filter(connection, on_message, answers, NULL);
  g_print("ready\n");
  serve(connection);
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
  return EXIT_SUCCESS;
}

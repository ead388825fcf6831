/* SPDX-License-Identifier: MIT */
/* One call of org.regd.MailAuth1: see running.h. */
#include "mailauth/running.h"

#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"

#define WAIT_MS 5000

/* It is started by another program. */
static DBusMessage *ask(DBusConnection *connection) {
  g_autoptr(WireMessage) call = dbus_message_new_method_call(
      MAILAUTH_BUS_NAME, MAILAUTH_OBJECT_PATH, MAILAUTH_INTERFACE, "Status");
  if (call == NULL)
    return NULL;
  dbus_message_set_auto_start(call, FALSE);
  return dbus_connection_send_with_reply_and_block(connection, call, WAIT_MS, NULL);
}

static GPtrArray *take_problems(DBusMessage *reply) {
  DBusMessageIter iter;
  DBusMessageIter content;
  if (!dbus_message_has_signature(reply, "a{sv}"))
    return NULL;
  dbus_message_iter_init(reply, &iter);
  g_autoptr(WireOptions) status = wire_options_read(&iter, NULL);
  if (status == NULL || !wire_options_get_content(status, "problems", &content))
    return NULL;
  g_autoptr(RegistryValue) value =
      wire_read_content(&content, REGISTRY_MULTI_SZ, "", "problems", NULL);
  g_auto(GStrv) texts = value != NULL ? registry_value_dup_strings(value) : NULL;
  if (texts == NULL)
    return NULL;
  GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
  for (char **text = texts; *text != NULL; text++)
    g_ptr_array_add(problems, g_strdup(*text));
  return problems;
}

GPtrArray *running_list_problems(const char *bus) {
  DBusConnection *connection = loop_connect(bus != NULL ? bus : "system", NULL);
  if (connection == NULL)
    return NULL;
  g_autoptr(WireMessage) reply = ask(connection);
  GPtrArray *problems = reply != NULL ? take_problems(reply) : NULL;
  loop_disconnect(connection);
  return problems;
}

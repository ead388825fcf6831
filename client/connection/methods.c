/* SPDX-License-Identifier: MIT */
/* The blocking calls that programs make most, one function each. Everything
 * else goes through connection_call(). */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/connection/connection.h"

gboolean connection_check_key(const char *key, GError **error) {
  return g_utf8_validate(key, -1, NULL) ||
         error_set(error, REGISTRY_ERROR_INVALID_PATH, "%s: the path is not UTF-8", key);
}

static gboolean check_place(const char *key, const char *name, GError **error) {
  if (!connection_check_key(key, error))
    return FALSE;
  return g_utf8_validate(name, -1, NULL) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s: value \"%s\": the name is not UTF-8",
                   key, name);
}

/* A call with @key, and @name unless it is NULL; *@iter stands behind them. */
static DBusMessage *new_call(const char *member, const char *key, const char *name,
                             DBusMessageIter *iter) {
  g_autoptr(WireMessage) call = connection_new_call(member);
  if (call == NULL)
    return NULL;
  dbus_message_iter_init_append(call, iter);
  if (!wire_append_string(iter, key) || (name != NULL && !wire_append_string(iter, name)))
    return NULL;
  return g_steal_pointer(&call);
}

static gboolean append_options(DBusMessageIter *iter, const char *flag) {
  DBusMessageIter dict;
  return dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         (flag == NULL || wire_append_entry_boolean(&dict, flag, TRUE)) &&
         dbus_message_iter_close_container(iter, &dict);
}

/* With its only option, or none; takes @call, which may be NULL. */
static DBusMessage *add_options(DBusMessage *call, DBusMessageIter *iter, const char *flag) {
  if (call == NULL || append_options(iter, flag))
    return call;
  dbus_message_unref(call);
  return NULL;
}

static DBusMessage *refuse_reply(const char *member, const char *wanted, GError **error) {
  error_set(error, REGISTRY_ERROR_FAILED, "the reply to %s is not %s", member, wanted);
  return NULL;
}

/* Sends and checks what comes back. */
static DBusMessage *call_for(RegistryConnection *connection, DBusMessage *call, int timeout_ms,
                             const char *signature, GError **error) {
  g_autoptr(WireMessage) reply = connection_call(connection, call, timeout_ms, error);
  if (reply == NULL)
    return NULL;
  if (!dbus_message_has_signature(reply, signature))
    return refuse_reply(dbus_message_get_member(call), signature, error);
  return g_steal_pointer(&reply);
}

/* A write, whose reply begins with the revision. */
static DBusMessage *write_for(RegistryConnection *connection, DBusMessage *call,
                              const char *signature, guint64 *revision, GError **error) {
  DBusMessage *reply = call_for(connection, call, CALL_TIMEOUT_WRITE_MS, signature, error);
  if (reply == NULL)
    return NULL;
  DBusMessageIter iter;
  dbus_uint64_t number = 0;
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_get_basic(&iter, &number);
  if (revision != NULL)
    *revision = number;
  return reply;
}

RegistryValue *registry_get_value(RegistryConnection *connection, const char *key, const char *name,
                                  GError **error) {
  DBusMessageIter iter;
  dbus_uint32_t type = 0;
  if (!check_place(key, name, error))
    return NULL;
  g_autoptr(WireMessage) call = new_call("GetValue", key, name, &iter);
  g_autoptr(WireMessage) reply = call_for(connection, call, CALL_TIMEOUT_MS, "uv", error);
  if (reply == NULL)
    return NULL;
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_get_basic(&iter, &type);
  dbus_message_iter_next(&iter);
  return wire_read_value(&iter, type, key, name, error);
}

gboolean registry_set_value(RegistryConnection *connection, const char *key, const char *name,
                            const RegistryValue *value, guint64 *revision, GError **error) {
  DBusMessageIter iter;
  dbus_uint32_t type = registry_value_get_type(value);
  if (!check_place(key, name, error))
    return FALSE;
  g_autoptr(WireMessage) call = new_call("SetValue", key, name, &iter);
  if (call != NULL && (!dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &type) ||
                       !wire_append_value(&iter, value)))
    g_clear_pointer(&call, dbus_message_unref);
  g_autoptr(WireMessage) reply = write_for(connection, call, "t", revision, error);
  return reply != NULL;
}

gboolean registry_delete_value(RegistryConnection *connection, const char *key, const char *name,
                               guint64 *revision, GError **error) {
  DBusMessageIter iter;
  if (!check_place(key, name, error))
    return FALSE;
  g_autoptr(WireMessage) call = new_call("DeleteValue", key, name, &iter);
  g_autoptr(WireMessage) reply = write_for(connection, call, "t", revision, error);
  return reply != NULL;
}

char **registry_list_keys(RegistryConnection *connection, const char *key, GError **error) {
  DBusMessageIter iter;
  DBusMessageIter names;
  if (!connection_check_key(key, error))
    return NULL;
  g_autoptr(WireMessage) call = new_call("ListKeys", key, NULL, &iter);
  g_autoptr(WireMessage) reply = call_for(connection, call, CALL_TIMEOUT_MS, "as", error);
  if (reply == NULL)
    return NULL;
  GPtrArray *list = g_ptr_array_new();
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_recurse(&iter, &names);
  for (; dbus_message_iter_get_arg_type(&names) == DBUS_TYPE_STRING;
       dbus_message_iter_next(&names)) {
    const char *name = NULL;
    dbus_message_iter_get_basic(&names, &name);
    g_ptr_array_add(list, g_strdup(name));
  }
  g_ptr_array_add(list, NULL);
  return (char **)g_ptr_array_free(list, FALSE);
}

gboolean registry_create_key(RegistryConnection *connection, const char *key, guint64 *revision,
                             gboolean *created, GError **error) {
  DBusMessageIter iter;
  dbus_bool_t made = FALSE;
  if (!connection_check_key(key, error))
    return FALSE;
  g_autoptr(WireMessage) call = add_options(new_call("CreateKey", key, NULL, &iter), &iter, NULL);
  g_autoptr(WireMessage) reply = write_for(connection, call, "tb", revision, error);
  if (reply == NULL)
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &made);
  if (created != NULL)
    *created = made ? TRUE : FALSE;
  return TRUE;
}

gboolean registry_delete_key(RegistryConnection *connection, const char *key, gboolean recursive,
                             guint64 *revision, GError **error) {
  DBusMessageIter iter;
  if (!connection_check_key(key, error))
    return FALSE;
  g_autoptr(WireMessage) call =
      add_options(new_call("DeleteKey", key, NULL, &iter), &iter, recursive ? "recursive" : NULL);
  g_autoptr(WireMessage) reply = write_for(connection, call, "t", revision, error);
  return reply != NULL;
}

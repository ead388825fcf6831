/* SPDX-License-Identifier: MIT */
/* Calls of ReadTree and their replies: from messages to a tree in memory. */
#include "client/view/tree-page.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

#define READ_TREE_REPLY "ta(sa(suv))s"

/* ---- the call ---- */

static gboolean append_options(DBusMessageIter *iter, gboolean deep, const char *cursor) {
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_append_entry_boolean(&dict, "skip-unreadable", TRUE) &&
         (deep || wire_append_entry_uint32(&dict, "depth", 0)) &&
         (*cursor == '\0' || wire_append_entry_string(&dict, "cursor", cursor)) &&
         dbus_message_iter_close_container(iter, &dict);
}

DBusMessage *treepage_new_call(const RegistryConnection *connection, const char *key, gboolean deep,
                               const char *cursor) {
  g_autoptr(WireMessage) call =
      connection_new_bound_call(connection, REGISTRY_INTERFACE, "ReadTree");
  if (call == NULL)
    return NULL;
  DBusMessageIter iter;
  dbus_message_iter_init_append(call, &iter);
  if (!wire_append_string(&iter, key) || !append_options(&iter, deep, cursor))
    return NULL;
  return g_steal_pointer(&call);
}

/* ---- the reply ---- */

void treepage_clear(TreePage *page) {
  g_clear_pointer(&page->cursor, g_free);
}

static const char *skip_name(const char *path) {
  const char *separator = strchr(path, '\\');
  return separator != NULL ? separator + 1 : path + strlen(path);
}

/* Name by name: spelled in another case the two may differ in length. */
const char *treepage_relative(const char *path, const char *top) {
  if (!path_is_at_or_below(path, top))
    return NULL;
  const char *rest = skip_name(path);
  for (const char *at = strchr(top, '\\'); at != NULL; at = strchr(at + 1, '\\'))
    rest = skip_name(rest);
  return rest;
}

static gboolean read_value(DBusMessageIter *values, Tree *tree, TreeKey *key, const char *path,
                           GError **error) {
  DBusMessageIter part;
  char *name = NULL;
  dbus_uint32_t type = 0;
  dbus_message_iter_recurse(values, &part);
  dbus_message_iter_get_basic(&part, &name);
  dbus_message_iter_next(&part);
  dbus_message_iter_get_basic(&part, &type);
  dbus_message_iter_next(&part);
  g_autoptr(RegistryValue) value = wire_read_value(&part, type, path, name, error);
  if (value == NULL)
    return FALSE;
  tree_set_value(tree, key, name, value);
  return TRUE;
}

static gboolean is_too_deep(const char *path) {
  guint names = 0;
  for (const char *at = strchr(path, '\\'); at != NULL; at = strchr(at + 1, '\\'))
    names++;
  return names > LIMIT_DEPTH;
}

static gboolean read_key(DBusMessageIter *keys, Tree *tree, char **top, GError **error) {
  DBusMessageIter part;
  DBusMessageIter values;
  char *path = NULL;
  dbus_message_iter_recurse(keys, &part);
  dbus_message_iter_get_basic(&part, &path);
  if (*top == NULL)
    *top = g_strdup(path);
  const char *relative = treepage_relative(path, *top);
  if (relative == NULL || is_too_deep(path))
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: was answered for %s", path, *top);
  TreeKey *key = tree_ensure(tree, relative);
  dbus_message_iter_next(&part);
  dbus_message_iter_recurse(&part, &values);
  for (; dbus_message_iter_get_arg_type(&values) == DBUS_TYPE_STRUCT;
       dbus_message_iter_next(&values))
    if (!read_value(&values, tree, key, path, error))
      return FALSE;
  return TRUE;
}

gboolean treepage_read(DBusMessage *reply, Tree *tree, char **top, TreePage *page, GError **error) {
  DBusMessageIter iter;
  DBusMessageIter keys;
  dbus_uint64_t revision = 0;
  char *cursor = NULL;
  if (!dbus_message_has_signature(reply, READ_TREE_REPLY))
    return error_set(error, REGISTRY_ERROR_FAILED, "the reply to ReadTree is not " READ_TREE_REPLY);
  dbus_message_iter_init(reply, &iter);
  dbus_message_iter_get_basic(&iter, &revision);
  dbus_message_iter_next(&iter);
  dbus_message_iter_recurse(&iter, &keys);
  for (; dbus_message_iter_get_arg_type(&keys) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&keys))
    if (!read_key(&keys, tree, top, error))
      return FALSE;
  if (*top == NULL)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "the key may not be read");
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &cursor);
  page->revision = revision;
  page->cursor = g_strdup(cursor);
  return TRUE;
}

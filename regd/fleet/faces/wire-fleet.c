/* SPDX-License-Identifier: MIT */
/* See wire-fleet.h. */
#include "regd/fleet/faces/wire-fleet.h"

#include "regd/fleet/local/state.h"

gboolean fleet_wire_append_bytes(DBusMessageIter *iter, GBytes *bytes) {
  DBusMessageIter array;
  gsize size = 0;
  const void *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
  if (size > DBUS_MAXIMUM_ARRAY_LENGTH ||
      !dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "y", &array))
    return FALSE;
  return wire_end_container(
      iter, &array,
      size == 0 || dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_BYTE, &data, (int)size));
}

gboolean fleet_wire_append_entry_bytes(DBusMessageIter *dict, const char *name, GBytes *bytes) {
  DBusMessageIter entry, variant;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry))
    return FALSE;
  gboolean complete = wire_append_string(&entry, name) &&
                      dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "ay", &variant);
  if (complete)
    complete = wire_end_container(&entry, &variant, fleet_wire_append_bytes(&variant, bytes));
  return wire_end_container(dict, &entry, complete);
}

static GBytes *read_bytes(DBusMessageIter *array) {
  DBusMessageIter content;
  const void *data = NULL;
  int size = 0;
  dbus_message_iter_recurse(array, &content);
  dbus_message_iter_get_fixed_array(&content, &data, &size);
  return g_bytes_new(data, (gsize)size);
}

GBytes *fleet_wire_take_bytes(DBusMessageIter *iter) {
  GBytes *bytes = read_bytes(iter);
  dbus_message_iter_next(iter);
  return bytes;
}

GBytes *fleet_wire_get_bytes(const WireOptions *options, const char *name) {
  DBusMessageIter content;
  if (!wire_options_get_content(options, name, &content))
    return NULL;
  g_autofree char *signature = wire_dup_signature(&content);
  if (!g_str_equal(signature, "ay"))
    return NULL;
  g_autoptr(GBytes) bytes = read_bytes(&content);
  return g_bytes_get_size(bytes) > 0 ? g_steal_pointer(&bytes) : NULL;
}

gboolean fleet_wire_append_entry_digest(DBusMessageIter *dict, const guint8 *digest) {
  char text[2 * FLEET_DIGEST_BYTES + 1];
  for (gsize i = 0; i < FLEET_DIGEST_BYTES; i++)
    g_snprintf(text + 2 * i, 3, "%02x", digest[i]);
  return wire_append_entry_string(dict, "digest", text);
}

/* SPDX-License-Identifier: MIT */
/* Answers of the daemon, read and printed. */
#include "client/cli/reply.h"

#include <string.h>

#include "client/base/escape.h"
#include "client/bus/wire.h"

#define TIME_ENTRY "last-write"

void listed_value_free(ListedValue *value) {
  if (value == NULL)
    return;
  g_free(value->name);
  g_clear_pointer(&value->value, registry_value_unref);
  g_free(value);
}

ListedValue *listed_value_copy(const ListedValue *value) {
  ListedValue *copy = g_new0(ListedValue, 1);
  copy->name = g_strdup(value->name);
  copy->value = registry_value_ref(value->value);
  return copy;
}

const char *reply_take_string(DBusMessageIter *iter) {
  const char *text = "";
  if (dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_STRING)
    dbus_message_iter_get_basic(iter, &text);
  dbus_message_iter_next(iter);
  return text;
}

RegistryValue *reply_read_value(DBusMessageIter *type, const char *key, const char *name,
                                GError **error) {
  dbus_uint32_t number = 0;
  dbus_message_iter_get_basic(type, &number);
  dbus_message_iter_next(type);
  return wire_read_value(type, number, key, name, error);
}

GPtrArray *reply_read_values(DBusMessageIter *array, const char *key, GError **error) {
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)listed_value_free);
  DBusMessageIter rows, row;
  for (dbus_message_iter_recurse(array, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    ListedValue *value = g_new0(ListedValue, 1);
    g_ptr_array_add(values, value);
    value->name = g_strdup(reply_take_string(&row));
    value->value = reply_read_value(&row, key, value->name, error);
    if (value->value == NULL)
      return NULL;
  }
  return g_steal_pointer(&values);
}

/* ---- JSON ---- */

static void write_bytes(DBusMessageIter *array, Json *json) {
  DBusMessageIter elements;
  const guint8 *bytes = NULL;
  int count = 0;
  dbus_message_iter_recurse(array, &elements);
  dbus_message_iter_get_fixed_array(&elements, &bytes, &count);
  json_bytes(json, bytes, (gsize)count);
}

/* The elements of an array or structure, or the entries of a dictionary. */
static void write_elements(DBusMessageIter *container, Json *json) {
  DBusMessageIter element, entry;
  for (dbus_message_iter_recurse(container, &element);
       dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_INVALID;
       dbus_message_iter_next(&element)) {
    if (dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_DICT_ENTRY) {
      reply_write_json(&element, json);
      continue;
    }
    dbus_message_iter_recurse(&element, &entry);
    json_name(json, reply_take_string(&entry));
    reply_write_json(&entry, json);
  }
}

static void write_array(DBusMessageIter *array, Json *json) {
  int type = dbus_message_iter_get_element_type(array);
  if (type == DBUS_TYPE_BYTE) {
    write_bytes(array, json);
    return;
  }
  json_begin(json, type == DBUS_TYPE_DICT_ENTRY ? '{' : '[');
  write_elements(array, json);
  json_end(json, type == DBUS_TYPE_DICT_ENTRY ? '}' : ']');
}

static void write_struct(DBusMessageIter *iter, Json *json) {
  json_begin(json, '[');
  write_elements(iter, json);
  json_end(json, ']');
}

static void write_variant(DBusMessageIter *iter, Json *json) {
  DBusMessageIter content;
  dbus_message_iter_recurse(iter, &content);
  reply_write_json(&content, json);
}

void reply_write_json(DBusMessageIter *iter, Json *json) {
  DBusBasicValue value = {.u64 = 0};
  int type = dbus_message_iter_get_arg_type(iter);
  if (dbus_type_is_basic(type) && type != DBUS_TYPE_UNIX_FD)
    dbus_message_iter_get_basic(iter, &value);
  switch (type) {
  case DBUS_TYPE_STRING:
    json_string(json, value.str);
    break;
  case DBUS_TYPE_BYTE:
    json_number(json, value.byt);
    break;
  case DBUS_TYPE_UINT32:
    json_number(json, value.u32);
    break;
  case DBUS_TYPE_UINT64:
    json_number(json, value.u64);
    break;
  case DBUS_TYPE_BOOLEAN:
    json_boolean(json, value.bool_val != 0);
    break;
  case DBUS_TYPE_ARRAY:
    write_array(iter, json);
    break;
  case DBUS_TYPE_STRUCT:
    write_struct(iter, json);
    break;
  case DBUS_TYPE_VARIANT:
    write_variant(iter, json);
    break;
  default: /* the interface has no other type */
    json_null(json);
  }
}

void reply_write_entries(DBusMessageIter *dictionary, const char *const *but, Json *json) {
  DBusMessageIter entries, entry;
  for (dbus_message_iter_recurse(dictionary, &entries);
       dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entries)) {
    dbus_message_iter_recurse(&entries, &entry);
    const char *name = reply_take_string(&entry);
    if (g_strv_contains(but, name))
      continue;
    json_name(json, name);
    reply_write_json(&entry, json);
  }
}

/* ---- lines ---- */

/* Microseconds since 1970 as a time in UTC. */
static char *show_time(guint64 microseconds) {
  g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc((gint64)(microseconds / 1000000));
  return seconds != NULL ? g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static void print_strings(DBusMessageIter *array, GString *out) {
  DBusMessageIter element;
  gboolean first = TRUE;
  for (dbus_message_iter_recurse(array, &element);
       dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRING; first = FALSE) {
    g_string_append(out, first ? "" : " | ");
    escape_append(out, reply_take_string(&element));
  }
}

/* A string without quotes, strings with bars between them, all else as JSON. */
static void print_content(const char *name, DBusMessageIter *content, GString *out) {
  int type = dbus_message_iter_get_arg_type(content);
  dbus_uint64_t number = 0;
  g_autofree char *time = NULL;
  if (type == DBUS_TYPE_UINT64 && strcmp(name, TIME_ENTRY) == 0) {
    dbus_message_iter_get_basic(content, &number);
    time = show_time(number);
  }
  if (time != NULL)
    g_string_append(out, time);
  else if (type == DBUS_TYPE_STRING)
    escape_append(out, reply_take_string(content));
  else if (type == DBUS_TYPE_ARRAY &&
           dbus_message_iter_get_element_type(content) == DBUS_TYPE_STRING)
    print_strings(content, out);
  else
    reply_write_json(content, &(Json){.text = out});
}

void reply_print_entries(DBusMessageIter *dictionary, const char *const *but, GString *out) {
  DBusMessageIter entries, entry, content;
  for (dbus_message_iter_recurse(dictionary, &entries);
       dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
       dbus_message_iter_next(&entries)) {
    dbus_message_iter_recurse(&entries, &entry);
    const char *name = reply_take_string(&entry);
    if (g_strv_contains(but, name))
      continue;
    dbus_message_iter_recurse(&entry, &content);
    escape_append(out, name);
    g_string_append(out, ": ");
    print_content(name, &content, out);
    g_string_append_c(out, '\n');
  }
}

void reply_print_dictionary(DBusMessageIter *dictionary, GString *out) {
  static const char *const none[] = {NULL};
  reply_print_entries(dictionary, none, out);
}

/* SPDX-License-Identifier: MIT */
/* Replies of the daemon as data: values, and dictionaries of anything, read and printed.
 * The callers have checked the signatures. */
#ifndef CLIENT_CLI_REPLY_H
#define CLIENT_CLI_REPLY_H

#include <dbus/dbus.h>

#include "client/base/json.h"
#include "client/registry.h"

typedef struct {
  char *name;
  RegistryValue *value;
} ListedValue;
void listed_value_free(ListedValue *value);
ListedValue *listed_value_copy(const ListedValue *value);

/* An a(suv); of ListedValue. @key is for messages. */
GPtrArray *reply_read_values(DBusMessageIter *array, const char *key, GError **error);
/* Type and data, as GetValue answers. */
RegistryValue *reply_read_value(DBusMessageIter *type, const char *key, const char *name,
                                GError **error);

/* Anything as JSON: a{sv} and a{ss} as objects, `ay` as hexadecimal digits. */
void reply_write_json(DBusMessageIter *iter, Json *json);
/* An a{sv} as lines `name: text`; a `last-write` as a time. */
void reply_print_dictionary(DBusMessageIter *dictionary, GString *out);
/* The same, and members of the object that is being written, without the entries that are named
 * in @but, which ends in NULL. */
void reply_print_entries(DBusMessageIter *dictionary, const char *const *but, GString *out);
void reply_write_entries(DBusMessageIter *dictionary, const char *const *but, Json *json);

/* The next string of a structure or an array; "" if there is none. Borrowed. */
const char *reply_take_string(DBusMessageIter *iter);

#endif

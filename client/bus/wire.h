/* SPDX-License-Identifier: MIT */
/* Between messages and meaning: values, options and errors as D-Bus data, in
 * both directions. Everything read is checked; everything appended is valid
 * UTF-8, because libdbus aborts the process otherwise. */
#ifndef CLIENT_BUS_WIRE_H
#define CLIENT_BUS_WIRE_H

#include <dbus/dbus.h>

#include "client/base/change.h"

typedef DBusMessage WireMessage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireMessage, dbus_message_unref)

/* About how many bytes @message, or NULL, is on the wire. */
gsize wire_measure(DBusMessage *message);
/* About what @call takes while it waits: its bytes, and those that stand for file descriptors. */
gsize wire_measure_call(DBusMessage *call);
/* FALSE only when out of memory, or past what a message can hold (as all
 * wire_append_ functions). Bytes that are not UTF-8 go out as U+FFFD. */
gboolean wire_append_string(DBusMessageIter *iter, const char *text);
/* Ends a container that was opened: closed if all of its parts fitted, else abandoned
 * (FALSE). */
gboolean wire_end_container(DBusMessageIter *iter, DBusMessageIter *inner, gboolean complete);
/* The value as a variant: s, as, u, t or ay by its form. */
gboolean wire_append_value(DBusMessageIter *iter, const RegistryValue *value);
/* The same, but if @as_text a number of 64 bits is its decimal digits (s): in some languages all
 * numbers are exact up to 2^53 only. */
gboolean wire_append_value_as(DBusMessageIter *iter, const RegistryValue *value, gboolean as_text);
/* Reads the variant at @iter as data for @type. INVALID_VALUE naming what the
 * type takes; @key and @name are for the message. */
RegistryValue *wire_read_value(DBusMessageIter *iter, guint32 type, const char *key,
                               const char *name, GError **error);
/* The same if @content is inside the variant already. */
/* The signature of what @iter stands at; owned. */
char *wire_dup_signature(DBusMessageIter *iter);
RegistryValue *wire_read_content(DBusMessageIter *content, guint32 type, const char *key,
                                 const char *name, GError **error);

/* Appends {name: variant of a basic type} to an open a{sv}. */
gboolean wire_append_entry_string(DBusMessageIter *dict, const char *name, const char *text);
gboolean wire_append_entry_uint32(DBusMessageIter *dict, const char *name, guint32 number);
gboolean wire_append_entry_uint64(DBusMessageIter *dict, const char *name, guint64 number);
gboolean wire_append_entry_boolean(DBusMessageIter *dict, const char *name, gboolean truth);
gboolean wire_append_entry_strings(DBusMessageIter *dict, const char *name,
                                   const char *const *strings);
gboolean wire_append_entry_value(DBusMessageIter *dict, const char *name,
                                 const RegistryValue *value);
/* As wire_append_value_as(). */
gboolean wire_append_entry_value_as(DBusMessageIter *dict, const char *name,
                                    const RegistryValue *value, gboolean as_text);

/* An a{sv} read into a table: name -> typed entry. Unknown names are ignored. If a known
 * one has the wrong type, the look-up fails with INVALID_ARGUMENTS, which names it. It
 * borrows from the message, which must outlive it. */
typedef struct WireOptions WireOptions;
WireOptions *wire_options_read(DBusMessageIter *array, GError **error);
void wire_options_free(WireOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WireOptions, wire_options_free)
gboolean wire_options_has(const WireOptions *options, const char *name);
/* TRUE if absent (*@out stays as it is) or of the right type. */
gboolean wire_options_get_boolean(const WireOptions *options, const char *name, gboolean *out,
                                  GError **error);
gboolean wire_options_get_uint32(const WireOptions *options, const char *name, guint32 *out,
                                 GError **error);
gboolean wire_options_get_uint64(const WireOptions *options, const char *name, guint64 *out,
                                 GError **error);
/* Borrowed. */
gboolean wire_options_get_string(const WireOptions *options, const char *name, const char **out,
                                 GError **error);

/* FALSE: absent. Else *@content stands at what the variant holds, of any type. */
gboolean wire_options_get_content(const WireOptions *options, const char *name,
                                  DBusMessageIter *content);

/* The error reply for @error / the error an error reply carries. Errors of the
 * bus itself are mapped too: no owner, no reply and no connection are
 * UNREACHABLE, an unknown method is NOT_SUPPORTED. A message that is very long
 * is cut. */
DBusMessage *wire_new_error(DBusMessage *call, const GError *error);
gboolean wire_take_error(DBusMessage *reply, GError **error); /* TRUE: it was one, now in *error */
/* The same for what a call of libdbus's reported; frees *@problem's parts. Returns FALSE. */
gboolean wire_take_dbus_error(DBusError *problem, GError **error);

#endif

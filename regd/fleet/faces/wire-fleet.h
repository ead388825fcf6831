/* SPDX-License-Identifier: MIT */
/* Bytes and dictionaries as the fleet's agent sends and takes them. */
#ifndef REGD_FLEET_FACES_WIRE_FLEET_H
#define REGD_FLEET_FACES_WIRE_FLEET_H

#include "client/bus/wire.h"

/* An ay; NULL: empty. */
gboolean fleet_wire_append_bytes(DBusMessageIter *iter, GBytes *bytes);
gboolean fleet_wire_append_entry_bytes(DBusMessageIter *dict, const char *name, GBytes *bytes);
/* The ay at @iter, which moves on; a copy. */
GBytes *fleet_wire_take_bytes(DBusMessageIter *iter);
/* NULL: there is none, or it is no ay, or empty. */
GBytes *fleet_wire_get_bytes(const WireOptions *options, const char *name);

/* An entry "digest": the 16 bytes as 32 hex digits. */
gboolean fleet_wire_append_entry_digest(DBusMessageIter *dict, const guint8 *digest);

#endif

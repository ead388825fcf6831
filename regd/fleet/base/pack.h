/* SPDX-License-Identifier: MIT */
/* protobuf-c's messages to bytes and back. Pure. */
#ifndef REGD_FLEET_BASE_PACK_H
#define REGD_FLEET_BASE_PACK_H

#include <glib.h>

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

/* @message as bytes; owned. */
GBytes *fleet_pack(const struct ProtobufCMessage *message);
/* Reads a stranger's @bytes, which may be much smaller than the structures that they make: two
 * bytes make an empty part of some 100. NULL: they are no such message, or one that takes more than
 * @budget bytes of memory. Freed by protobuf_c_message_free_unpacked(message, NULL). */
struct ProtobufCMessage *fleet_unpack(const struct ProtobufCMessageDescriptor *type, GBytes *bytes,
                                      gsize budget);

#endif

/* SPDX-License-Identifier: MIT */
/* See pack.h. */
#include "regd/fleet/base/pack.h"

#include "regd/fleet/base/fleet.pb-c.h"

/* What one piece of memory takes besides its own size. */
#define PIECE_BYTES 16U

GBytes *fleet_pack(const ProtobufCMessage *message) {
  gsize size = protobuf_c_message_get_packed_size(message);
  g_autofree guint8 *bytes = g_malloc(size + 1);
  protobuf_c_message_pack(message, bytes);
  return g_bytes_new_take(g_steal_pointer(&bytes), size);
}

static void *allocate(void *data, size_t size) {
  gsize *left = data;
  if (size >= *left || *left - size < PIECE_BYTES)
    return NULL;
  *left -= size + PIECE_BYTES;
  return g_try_malloc(MAX(size, 1));
}

static void release(G_GNUC_UNUSED void *data, void *memory) {
  g_free(memory);
}

ProtobufCMessage *fleet_unpack(const ProtobufCMessageDescriptor *type, GBytes *bytes,
                               gsize budget) {
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  ProtobufCAllocator allocator = {.alloc = allocate, .free = release, .allocator_data = &budget};
  return protobuf_c_message_unpack(type, &allocator, size, data);
}

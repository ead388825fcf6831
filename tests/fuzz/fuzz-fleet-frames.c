/* SPDX-License-Identifier: MIT */
/* gRPC's frames, in pieces and whole, and the status: the same messages come either way. */
#include "regd/fleet/base/grpc.h"
#include "tests/fuzz/fuzz.h"

/* Feeds @step bytes at a time; the sizes of the messages that came. */
static GArray *take_all(const guint8 *data, gsize size, gsize step) {
  GArray *sizes = g_array_new(FALSE, FALSE, sizeof(gsize));
  GrpcReader reader;
  gboolean broken = FALSE;
  grpc_reader_init(&reader);
  for (gsize at = 0; at < size && !broken; at += step) {
    GBytes *message;
    grpc_reader_feed(&reader, data + at, MIN(step, size - at));
    while ((message = grpc_reader_take(&reader, &broken)) != NULL) {
      gsize length = g_bytes_get_size(message);
      g_array_append_val(sizes, length);
      g_bytes_unref(message);
    }
  }
  grpc_reader_clear(&reader);
  return sizes;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GArray) whole = take_all(data, size, MAX(size, 1));
  g_autoptr(GArray) pieces = take_all(data, size, 1);
  g_assert_cmpmem(whole->data, whole->len * sizeof(gsize), pieces->data,
                  pieces->len * sizeof(gsize));
  GrpcStatus status = {0};
  grpc_status_read(&status, (const char *)data, size);
  g_assert_true(status.message == NULL || g_utf8_validate(status.message, -1, NULL));
  grpc_status_clear(&status);
  return 0;
}

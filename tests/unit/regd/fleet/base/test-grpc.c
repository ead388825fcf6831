/* SPDX-License-Identifier: MIT */
/* gRPC's frames, whole, byte by byte and broken, and the status of a call. */
#include "regd/fleet/base/grpc.h"

#include <string.h>

/* Messages of these sizes, one behind the other. */
static const gsize sizes[] = {0, 1, 5, 300, 70000, 0, 2};

static GByteArray *make_stream(void) {
  GByteArray *stream = g_byte_array_new();
  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autofree char *text = g_strnfill(sizes[i], (char)('a' + i));
    g_autoptr(GBytes) message = g_bytes_new(text, sizes[i]);
    g_autoptr(GBytes) frame = grpc_frame(message);
    gsize length;
    const guint8 *bytes = g_bytes_get_data(frame, &length);
    g_byte_array_append(stream, bytes, (guint)length);
  }
  return stream;
}

static void take_all(GrpcReader *reader, gsize *number) {
  gboolean broken;
  GBytes *message;
  while ((message = grpc_reader_take(reader, &broken)) != NULL) {
    g_assert_cmpuint(g_bytes_get_size(message), ==, sizes[*number]);
    g_bytes_unref(message);
    (*number)++;
  }
  g_assert_false(broken);
}

static void test_frames(void) {
  static const gsize steps[] = {1, 2, 3, 4, 5, 6, 1000, 65536, 1000000};
  g_autoptr(GByteArray) stream = make_stream();
  for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
    GrpcReader reader;
    gsize number = 0;
    grpc_reader_init(&reader);
    for (gsize at = 0; at < stream->len; at += steps[i]) {
      grpc_reader_feed(&reader, stream->data + at, MIN(steps[i], stream->len - at));
      take_all(&reader, &number);
    }
    g_assert_cmpuint(number, ==, G_N_ELEMENTS(sizes));
    grpc_reader_clear(&reader);
  }
}

static void test_broken(void) {
  static const struct {
    guint8 bytes[5];
    gboolean broken, too_large;
  } rows[] = {{{0, 0, 0, 0, 1}, FALSE, FALSE},
              {{1, 0, 0, 0, 1}, TRUE, FALSE},
              {{0, 4, 0, 0, 0}, FALSE, FALSE},
              {{0, 4, 0, 0, 1}, TRUE, TRUE},
              {{0, 0xFF, 0xFF, 0xFF, 0xFF}, TRUE, TRUE}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    GrpcReader reader;
    gboolean broken;
    grpc_reader_init(&reader);
    grpc_reader_feed(&reader, rows[i].bytes, sizeof rows[i].bytes);
    g_assert_null(grpc_reader_take(&reader, &broken));
    g_assert_cmpint(broken, ==, rows[i].broken);
    g_assert_cmpint(reader.too_large, ==, rows[i].too_large);
    grpc_reader_clear(&reader);
  }
}

static void test_status(void) {
  static const struct {
    const char *lines[3];
    gboolean known;
    guint32 code;
    const char *message;
  } rows[] = {
      {{"grpc-status: 0\r\n"}, TRUE, 0, NULL},
      {{"GRPC-Status:7", "grpc-message: a%20b%C3%9F\r\n"}, TRUE, 7, "a bß"},
      {{"grpc-message: 100%", "grpc-status: 14 \r\n"}, TRUE, 14, "100%"},
      {{"grpc-message: %ff%0a%4", "grpc-status: x"}, TRUE, GRPC_UNKNOWN, "\xef\xbf\xbd %4"},
      {{"grpc-status: -1"}, TRUE, GRPC_UNKNOWN, NULL},
      {{"grpc-status: 99999999999"}, TRUE, GRPC_UNKNOWN, NULL},
      {{"grpc-status"}, FALSE, 0, NULL},
      {{"content-type: application/grpc"}, FALSE, 0, NULL},
      {{"grpc-message:"}, FALSE, 0, ""},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    GrpcStatus status = {0};
    for (gsize line = 0; line < 3 && rows[i].lines[line] != NULL; line++)
      grpc_status_read(&status, rows[i].lines[line], strlen(rows[i].lines[line]));
    g_assert_cmpint(status.known, ==, rows[i].known);
    g_assert_cmpuint(status.code, ==, rows[i].code);
    g_assert_cmpstr(status.message, ==, rows[i].message);
    grpc_status_clear(&status);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/grpc/frames", test_frames);
  g_test_add_func("/regd/fleet/base/grpc/broken", test_broken);
  g_test_add_func("/regd/fleet/base/grpc/status", test_status);
  return g_test_run();
}

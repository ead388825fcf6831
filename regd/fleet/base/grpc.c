/* SPDX-License-Identifier: MIT */
/* See grpc.h. */
#include "regd/fleet/base/grpc.h"

#include <string.h>

#define FRAME_HEADER_BYTES 5U
#define STATUS_HEADER "grpc-status:"
#define MESSAGE_HEADER "grpc-message:"
/* Of a status message that is kept. */
#define LIMIT_STATUS_BYTES 1024U
/* What was taken is dropped when it is so much. */
#define DROP_BYTES (64U * 1024U)

/* ---- frames ---- */

GBytes *grpc_frame(GBytes *message) {
  gsize size;
  const guint8 *bytes = g_bytes_get_data(message, &size);
  g_assert(size <= G_MAXUINT32);
  guint32 length = GUINT32_TO_BE((guint32)size);
  guint8 *frame = g_malloc(FRAME_HEADER_BYTES + size);
  frame[0] = 0;
  memcpy(frame + 1, &length, sizeof length);
  if (size > 0)
    memcpy(frame + FRAME_HEADER_BYTES, bytes, size);
  return g_bytes_new_take(frame, FRAME_HEADER_BYTES + size);
}

void grpc_reader_init(GrpcReader *reader) {
  *reader = (GrpcReader){.bytes = g_byte_array_new()};
}

void grpc_reader_clear(GrpcReader *reader) {
  g_clear_pointer(&reader->bytes, g_byte_array_unref);
}

void grpc_reader_feed(GrpcReader *reader, const void *bytes, gsize size) {
  if (reader->taken == reader->bytes->len || reader->taken >= DROP_BYTES) {
    g_byte_array_remove_range(reader->bytes, 0, (guint)reader->taken);
    reader->taken = 0;
  }
  g_byte_array_append(reader->bytes, bytes, (guint)size);
}

GBytes *grpc_reader_take(GrpcReader *reader, gboolean *broken) {
  const guint8 *frame = reader->bytes->data + reader->taken;
  gsize there = reader->bytes->len - reader->taken;
  guint32 length;
  *broken = FALSE;
  if (there < FRAME_HEADER_BYTES)
    return NULL;
  memcpy(&length, frame + 1, sizeof length);
  length = GUINT32_FROM_BE(length);
  reader->too_large = length > GRPC_LIMIT_MESSAGE_BYTES;
  *broken = frame[0] != 0 || reader->too_large;
  if (*broken || there - FRAME_HEADER_BYTES < length)
    return NULL;
  reader->taken += FRAME_HEADER_BYTES + length;
  return g_bytes_new(frame + FRAME_HEADER_BYTES, length);
}

/* ---- the status ---- */

static gboolean has_name(const char *line, gsize size, const char *name) {
  return size >= strlen(name) && g_ascii_strncasecmp(line, name, strlen(name)) == 0;
}

/* The value behind the name, without the blanks around it; owned. Bytes from a NUL on are lost. */
static char *dup_header_value(const char *line, gsize size, const char *name) {
  gsize start = strlen(name);
  gsize length = MIN(size - start, LIMIT_STATUS_BYTES);
  return g_strstrip(g_strndup(line + start, length));
}

static char *decode_percents(const char *text) {
  GString *decoded = g_string_new(NULL);
  for (const char *at = text; *at != '\0'; at++) {
    if (at[0] == '%' && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2])) {
      g_string_append_c(decoded,
                        (char)(g_ascii_xdigit_value(at[1]) * 16 + g_ascii_xdigit_value(at[2])));
      at += 2;
    } else {
      g_string_append_c(decoded, *at);
    }
  }
  return g_string_free(decoded, FALSE);
}

/* Control characters become blanks. */
char *grpc_make_printable(const char *text) {
  char *printable = g_utf8_make_valid(text, (gssize)strnlen(text, LIMIT_STATUS_BYTES));
  for (char *at = printable; *at != '\0'; at++)
    if ((guint8)*at < ' ' || *at == '\x7f')
      *at = ' ';
  return printable;
}

void grpc_status_read(GrpcStatus *status, const char *line, gsize size) {
  guint64 code;
  if (has_name(line, size, STATUS_HEADER)) {
    g_autofree char *text = dup_header_value(line, size, STATUS_HEADER);
    status->known = TRUE;
    status->code = g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &code, NULL)
                       ? (guint32)code
                       : (guint32)GRPC_UNKNOWN;
  } else if (has_name(line, size, MESSAGE_HEADER)) {
    g_autofree char *text = dup_header_value(line, size, MESSAGE_HEADER);
    g_autofree char *decoded = decode_percents(text);
    g_free(status->message);
    status->message = grpc_make_printable(decoded);
  }
}

void grpc_status_clear(GrpcStatus *status) {
  g_free(status->message);
  *status = (GrpcStatus){0};
}

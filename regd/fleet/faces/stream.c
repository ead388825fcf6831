/* SPDX-License-Identifier: MIT */
/* See stream.h. */
#include "regd/fleet/faces/stream.h"

#include <string.h>

#include "client/base/error.h"
#include "regd/fleet/local/order.h"

#define HEAD_BYTES 16U
#define BUFFER_BYTES (64U * 1024U)
#define END_MARK G_MAXUINT32
/* The longest key: a path and a value's name of the longest kind. */
#define KEY_BYTES 262144U

static gboolean fail(GError **error, const char *what) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the records of the re-sync %s", what);
}

/* What has been read and not used yet. */
typedef struct {
  Transfer *transfer;
  gsize at, size;
  guint8 bytes[BUFFER_BYTES];
} Stream;

static gboolean fill(Stream *stream, GError **error) {
  gssize got = transfer_read(stream->transfer, stream->bytes, sizeof stream->bytes, error);
  if (got <= 0)
    return got < 0 ? FALSE : fail(error, "end too early");
  stream->at = 0;
  stream->size = (gsize)got;
  return TRUE;
}

/* Exactly @size bytes. */
static gboolean read_all(Stream *stream, void *buffer, gsize size, GError **error) {
  guint8 *to = buffer;
  while (size > 0) {
    if (stream->at == stream->size && !fill(stream, error))
      return FALSE;
    gsize part = MIN(size, stream->size - stream->at);
    memcpy(to, stream->bytes + stream->at, part);
    stream->at += part;
    to += part;
    size -= part;
  }
  return TRUE;
}

static guint64 get_number(const guint8 *bytes, guint size) {
  guint64 number = 0;
  for (guint i = size; i > 0; i--)
    number = number << 8 | bytes[i - 1];
  return number;
}

typedef struct {
  guint32 key, record;
  guint64 created;
} Head;

static gboolean read_head(Stream *stream, Head *head, GError **error) {
  guint8 bytes[HEAD_BYTES];
  if (!read_all(stream, bytes, sizeof bytes, error))
    return FALSE;
  head->key = (guint32)get_number(bytes, 4);
  head->record = (guint32)get_number(bytes + 4, 4);
  head->created = get_number(bytes + 8, 8);
  return TRUE;
}

static gboolean read_record(Stream *stream, const Head *head, GPtrArray *records, GError **error) {
  FleetRecord *record = g_new0(FleetRecord, 1);
  guint8 *bytes = g_malloc(MAX(head->record, 1));
  g_ptr_array_add(records, record);
  record->key = g_malloc0(head->key + 1);
  record->key_size = head->key;
  record->created = head->created;
  gboolean done = read_all(stream, record->key, head->key, error) &&
                  read_all(stream, bytes, head->record, error);
  record->record = g_bytes_new_take(bytes, head->record);
  return done;
}

gboolean fleet_stream_read(Transfer *transfer, GPtrArray *records, GError **error) {
  g_autofree Stream *stream = g_new0(Stream, 1);
  stream->transfer = transfer;
  guint64 total = 0;
  for (;;) {
    Head head;
    if (!read_head(stream, &head, error))
      return FALSE;
    if (head.key == END_MARK)
      return (head.record == 0 && head.created == records->len) ||
             fail(error, "are not as many as they say");
    total += head.key + head.record;
    if (head.key > KEY_BYTES || head.record > FLEET_LIMIT_RECORD_BYTES * 2U ||
        total > FLEET_LIMIT_STREAM_BYTES || records->len >= FLEET_LIMIT_STREAM_RECORDS)
      return fail(error, "are too large, or too many");
    if (!read_record(stream, &head, records, error))
      return FALSE;
  }
}

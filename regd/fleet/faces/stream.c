/* SPDX-License-Identifier: MIT */
/* See stream.h. */
#include "regd/fleet/faces/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/fleet/local/order.h"

#define HEAD_BYTES 16U
#define END_MARK G_MAXUINT32
/* The longest key: a path and a value's name of the longest kind. */
#define KEY_BYTES 262144U

static gboolean fail(GError **error, const char *what) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the records of the re-sync %s", what);
}

static gboolean wait_readable(int descriptor, GError **error) {
  struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
  int found = poll(&wanted, 1, (int)LIMIT_FILE_STALL_SECONDS * 1000);
  if (found > 0 || (found < 0 && errno == EINTR))
    return TRUE;
  return fail(error, "stopped coming");
}

/* Exactly @size bytes. */
static gboolean read_all(int descriptor, void *buffer, gsize size, GError **error) {
  guint8 *at = buffer;
  while (size > 0) {
    ssize_t got = read(descriptor, at, size);
    if (got == 0)
      return fail(error, "end too early");
    if (got < 0 && errno != EINTR && errno != EAGAIN)
      return fail(error, g_strerror(errno));
    if (got < 0 && !wait_readable(descriptor, error))
      return FALSE;
    at += MAX(got, 0);
    size -= (gsize)MAX(got, 0);
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

static gboolean read_head(int descriptor, Head *head, GError **error) {
  guint8 bytes[HEAD_BYTES];
  if (!read_all(descriptor, bytes, sizeof bytes, error))
    return FALSE;
  head->key = (guint32)get_number(bytes, 4);
  head->record = (guint32)get_number(bytes + 4, 4);
  head->created = get_number(bytes + 8, 8);
  return TRUE;
}

static gboolean read_record(int descriptor, const Head *head, GPtrArray *records, GError **error) {
  FleetRecord *record = g_new0(FleetRecord, 1);
  guint8 *bytes = g_malloc(MAX(head->record, 1));
  g_ptr_array_add(records, record);
  record->key = g_malloc0(head->key + 1);
  record->key_size = head->key;
  record->created = head->created;
  gboolean done = read_all(descriptor, record->key, head->key, error) &&
                  read_all(descriptor, bytes, head->record, error);
  record->record = g_bytes_new_take(bytes, head->record);
  return done;
}

gboolean fleet_stream_read(int descriptor, GPtrArray *records, GError **error) {
  guint64 total = 0;
  for (;;) {
    Head head;
    if (!read_head(descriptor, &head, error))
      return FALSE;
    if (head.key == END_MARK)
      return (head.record == 0 && head.created == records->len) ||
             fail(error, "are not as many as they say");
    total += head.key + head.record;
    if (head.key > KEY_BYTES || head.record > FLEET_LIMIT_RECORD_BYTES * 2U ||
        total > FLEET_LIMIT_STREAM_BYTES || records->len >= FLEET_LIMIT_STREAM_RECORDS)
      return fail(error, "are too large, or too many");
    if (!read_record(descriptor, &head, records, error))
      return FALSE;
  }
}

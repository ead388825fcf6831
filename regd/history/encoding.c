/* SPDX-License-Identifier: MIT */
/* See encoding.h. */
#include "regd/history/encoding.h"

#include <string.h>

#define KIND_MASK 0x07U
/* Those that history is written of. */
#define RECORDED_KINDS                                                                             \
  ((1U << CHANGE_KEY_CREATED) | (1U << CHANGE_KEY_DELETED) | (1U << CHANGE_VALUE_SET) |            \
   (1U << CHANGE_VALUE_DELETED) | (1U << CHANGE_ACL_CHANGED) | (1U << CHANGE_LOCK_CHANGED))

enum {
  FLAG_SECRET = 1 << 3,
  FLAG_REROUTES = 1 << 4,
  FLAG_PURGED = 1 << 5,
  FLAG_OLD_SECRET = 1 << 6,
  FLAGS_ALL = 0x7F,
};

enum {
  HAS_LISTS = 1 << 0,
  HAS_NAME = 1 << 1,
  HAS_OLD_VALUE = 1 << 2,
  HAS_POSITION = 1 << 3,
  HAS_OLD_STATE = 1 << 4,
  HAS_NEW_VALUE = 1 << 5,
  HAS_ALL = 0x3F,
};

/* Of 64 bits, at seven a byte. */
#define NUMBER_BYTES 10U
/* Of a difference: two lists, a position, two types and three lengths. */
#define ENTRY_NUMBERS 8U
/* What most runs fit in. */
#define USUAL_BYTES 512U

/* ---- writing ---- */

void run_writer_init(RunWriter *writer) {
  *writer = (RunWriter){.bytes = g_byte_array_sized_new(USUAL_BYTES)};
}

void run_writer_clear(RunWriter *writer) {
  g_clear_pointer(&writer->bytes, g_byte_array_unref);
}

void run_writer_begin(RunWriter *writer) {
  g_byte_array_set_size(writer->bytes, 0);
  writer->before_acl = 0;
  writer->after_acl = 0;
}

/* Each of these writes at @out, which has room, and returns what is behind it. */

static guint8 *put_number(guint8 *out, guint64 number) {
  for (; number >= 0x80; number >>= 7)
    *out++ = (guint8)(number | 0x80);
  *out++ = (guint8)number;
  return out;
}

static guint8 *put_bytes(guint8 *out, const void *bytes, gsize size) {
  if (size > 0)
    memcpy(out, bytes, size);
  return out + size;
}

static guint8 *put_data(guint8 *out, const guint8 *data, gsize size) {
  return put_bytes(put_number(out, size), data, size);
}

static guint8 *put_value(guint8 *out, const RunValue *value) {
  return put_data(put_number(out, value->type), value->data, value->size);
}

static guint get_flags(const DifferenceRecord *entry) {
  return (guint)entry->kind | (entry->secret ? FLAG_SECRET : 0U) |
         (entry->reroutes ? FLAG_REROUTES : 0U) | (entry->purged ? FLAG_PURGED : 0U) |
         (entry->old_secret ? FLAG_OLD_SECRET : 0U);
}

static guint get_contents(const RunWriter *writer, const DifferenceRecord *entry) {
  gboolean same_lists =
      entry->before_acl == writer->before_acl && entry->after_acl == writer->after_acl;
  return (same_lists ? 0U : HAS_LISTS) | (entry->name != NULL ? HAS_NAME : 0U) |
         (entry->old_value.data != NULL ? HAS_OLD_VALUE : 0U) |
         (entry->has_position ? HAS_POSITION : 0U) |
         (entry->old_state != NULL ? HAS_OLD_STATE : 0U) |
         (entry->new_value.data != NULL ? HAS_NEW_VALUE : 0U);
}

static guint8 *put_parts(guint8 *out, const DifferenceRecord *entry, guint contents,
                         gsize name_size) {
  if ((contents & HAS_LISTS) != 0) {
    out = put_number(out, (guint64)entry->before_acl);
    out = put_number(out, (guint64)entry->after_acl);
  }
  out = put_bytes(out, entry->name, name_size);
  if ((contents & HAS_OLD_VALUE) != 0)
    out = put_value(out, &entry->old_value);
  if ((contents & HAS_POSITION) != 0)
    out = put_number(out, (guint64)entry->old_position);
  if ((contents & HAS_OLD_STATE) != 0)
    out = put_data(out, entry->old_state, entry->old_state_size);
  if ((contents & HAS_NEW_VALUE) != 0)
    out = put_value(out, &entry->new_value);
  return out;
}

void run_append(RunWriter *writer, const DifferenceRecord *entry) {
  guint contents = get_contents(writer, entry);
  gsize name_size = entry->name != NULL ? strlen(entry->name) + 1 : 0;
  guint begin = writer->bytes->len;
  /* Room for all numbers at their longest, in one go. */
  gsize most = 2 + ENTRY_NUMBERS * NUMBER_BYTES + name_size + entry->old_value.size +
               entry->old_state_size + entry->new_value.size;
  g_byte_array_set_size(writer->bytes, begin + (guint)most);
  guint8 *out = writer->bytes->data + begin;
  *out++ = (guint8)get_flags(entry);
  *out++ = (guint8)contents;
  out = put_parts(out, entry, contents, name_size);
  g_byte_array_set_size(writer->bytes, (guint)(out - writer->bytes->data));
  writer->before_acl = entry->before_acl;
  writer->after_acl = entry->after_acl;
}

/* ---- reading ---- */

void run_reader_init(RunReader *reader, const void *bytes, gsize size) {
  const guint8 *at = bytes;
  *reader = (RunReader){.at = at, .end = size > 0 ? at + size : at};
}

static gboolean take_byte(RunReader *reader, guint *byte) {
  if (reader->at == reader->end)
    return FALSE;
  *byte = *reader->at++;
  return TRUE;
}

static gboolean take_number(RunReader *reader, guint64 *number) {
  *number = 0;
  for (guint shift = 0; shift < 64; shift += 7) {
    guint byte = 0;
    if (!take_byte(reader, &byte))
      return FALSE;
    guint64 bits = byte & 0x7F;
    if ((bits << shift) >> shift != bits)
      return FALSE; /* more than 64 bits */
    *number |= bits << shift;
    if ((byte & 0x80) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean take_position(RunReader *reader, gint64 *position) {
  guint64 number = 0;
  gboolean taken = take_number(reader, &number);
  *position = (gint64)number;
  return taken;
}

static gboolean take_id(RunReader *reader, gint64 *id) {
  guint64 number = 0;
  if (!take_number(reader, &number) || number > G_MAXINT64)
    return FALSE;
  *id = (gint64)number;
  return TRUE;
}

static gboolean take_data(RunReader *reader, const guint8 **data, gsize *size) {
  guint64 length = 0;
  if (!take_number(reader, &length) || length > (guint64)(reader->end - reader->at))
    return FALSE;
  *data = reader->at;
  *size = (gsize)length;
  reader->at += length;
  return TRUE;
}

static gboolean take_value(RunReader *reader, RunValue *value) {
  guint64 type = 0;
  if (!take_number(reader, &type) || type > G_MAXUINT32)
    return FALSE;
  value->type = (guint32)type;
  return take_data(reader, &value->data, &value->size);
}

static gboolean take_name(RunReader *reader, const char **name) {
  gsize left = (gsize)(reader->end - reader->at);
  const guint8 *end = left > 0 ? memchr(reader->at, 0, left) : NULL;
  if (end == NULL || !g_utf8_validate((const char *)reader->at, end - reader->at, NULL))
    return FALSE;
  *name = (const char *)reader->at;
  reader->at = end + 1;
  return TRUE;
}

static gboolean take_lists(RunReader *reader) {
  return take_id(reader, &reader->before_acl) && take_id(reader, &reader->after_acl);
}

static gboolean take_flags(RunReader *reader, DifferenceRecord *entry) {
  guint flags = 0;
  if (!take_byte(reader, &flags) || (flags & ~(guint)FLAGS_ALL) != 0 ||
      (RECORDED_KINDS & 1U << (flags & KIND_MASK)) == 0)
    return FALSE;
  entry->kind = (ChangeKind)(flags & KIND_MASK);
  entry->secret = (flags & FLAG_SECRET) != 0;
  entry->reroutes = (flags & FLAG_REROUTES) != 0;
  entry->purged = (flags & FLAG_PURGED) != 0;
  entry->old_secret = (flags & FLAG_OLD_SECRET) != 0;
  return TRUE;
}

/* A value has a name, and nothing else has, except a lock of one. A lock has its reasons, before
 * and after, in the place of data. */
static gboolean fits_kind(const DifferenceRecord *entry, guint contents) {
  gboolean of_value = entry->kind == CHANGE_VALUE_SET || entry->kind == CHANGE_VALUE_DELETED;
  guint of_others = HAS_NAME | HAS_OLD_VALUE | HAS_POSITION | HAS_NEW_VALUE;
  if (entry->kind == CHANGE_LOCK_CHANGED)
    return (contents & HAS_OLD_STATE) == 0;
  return of_value ? (contents & HAS_NAME) != 0 && (contents & HAS_OLD_STATE) == 0
                  : (contents & of_others) == 0;
}

static gboolean take_parts(RunReader *reader, guint contents, DifferenceRecord *entry) {
  return ((contents & HAS_LISTS) == 0 || take_lists(reader)) &&
         ((contents & HAS_NAME) == 0 || take_name(reader, &entry->name)) &&
         ((contents & HAS_OLD_VALUE) == 0 || take_value(reader, &entry->old_value)) &&
         ((contents & HAS_POSITION) == 0 || take_position(reader, &entry->old_position)) &&
         ((contents & HAS_OLD_STATE) == 0 ||
          take_data(reader, &entry->old_state, &entry->old_state_size)) &&
         ((contents & HAS_NEW_VALUE) == 0 || take_value(reader, &entry->new_value));
}

RunStep run_read(RunReader *reader, DifferenceRecord *entry) {
  if (reader->at == reader->end)
    return RUN_END;
  guint contents = 0;
  *entry = (DifferenceRecord){0};
  if (!take_flags(reader, entry) || !take_byte(reader, &contents) ||
      (contents & ~(guint)HAS_ALL) != 0 || !fits_kind(entry, contents) ||
      !take_parts(reader, contents, entry))
    return RUN_DAMAGED;
  entry->has_position = (contents & HAS_POSITION) != 0;
  entry->before_acl = reader->before_acl;
  entry->after_acl = reader->after_acl;
  return RUN_ENTRY;
}

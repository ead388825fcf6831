/* SPDX-License-Identifier: MIT */
/* A run: the differences that one revision made to one key, one after the
 * other, and the bytes that history keeps of them. Pure: knows no tables, and
 * takes any bytes for what a damaged or a strange file may hold.
 *
 * The bytes of a difference, all numbers as LEB128 (seven bits a byte, the
 * lowest first, the highest bit set where more follow):
 *
 *   flags      the kind in the three lowest bits, then RUN_SECRET and so on
 *   contents   which of the parts below there are
 *   lists      the ids of the access lists before and after; where they are left
 *              out they are those of the difference before
 *   name       UTF-8 up to a NUL
 *   old value  type, length, data
 *   position   of the old value
 *   old state  length, data
 *   new value  type, length, data */
#ifndef REGD_HISTORY_ENCODING_H
#define REGD_HISTORY_ENCODING_H

#include "client/base/change.h"

/* Data of a value, borrowed. @data is NULL if there is none. */
typedef struct {
  guint32 type;
  const guint8 *data;
  gsize size;
} RunValue;

/* One difference; all that it points to is borrowed. */
typedef struct {
  ChangeKind kind;
  gboolean secret;     /* a schema called the value secret then */
  gboolean old_secret; /* the old value was secret when it was written */
  gboolean reroutes, purged;
  gint64 before_acl, after_acl; /* ids of access lists, or 0 */
  const char *name;             /* NULL: of the key itself; valid UTF-8 */
  RunValue old_value;
  gboolean has_position; /* there was an old value, which may have been purged */
  gint64 old_position;
  const guint8 *old_state; /* NULL: none */
  gsize old_state_size;
  RunValue new_value;
} DifferenceRecord;

/* The run that is being written. */
typedef struct {
  GByteArray *bytes;
  gint64 before_acl, after_acl; /* of the difference written last */
} RunWriter;
void run_writer_init(RunWriter *writer);
void run_writer_clear(RunWriter *writer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunWriter, run_writer_clear)
/* Ready for another run. */
void run_writer_begin(RunWriter *writer);
void run_append(RunWriter *writer, const DifferenceRecord *entry);

/* The run that is being read. */
typedef struct {
  const guint8 *at, *end;
  gint64 before_acl, after_acl;
} RunReader;
typedef enum { RUN_ENTRY, RUN_END, RUN_DAMAGED } RunStep;
/* @bytes must live as long as the reader and the entries read. */
void run_reader_init(RunReader *reader, const void *bytes, gsize size);
/* RUN_DAMAGED: these are no bytes that run_append() writes. */
RunStep run_read(RunReader *reader, DifferenceRecord *entry);

#endif

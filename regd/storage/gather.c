/* SPDX-License-Identifier: MIT */
/* See gather.h. */
#include "regd/storage/gather.h"

#include <string.h>

/* Some 15 pages: a commit of a few values has 5. */
#define GATHERED_BYTES (64U * 1024U)

void gather_clear(Gather *gather) {
  gather->size = 0;
  g_clear_pointer(&gather->bytes, g_free);
}

int gather_flush(Gather *gather, sqlite3_file *file) {
  gsize size = gather->size;
  gather->size = 0;
  return size > 0 ? file->pMethods->xWrite(file, gather->bytes, (int)size, gather->at) : SQLITE_OK;
}

static gboolean can_take(const Gather *gather, int size, sqlite3_int64 at) {
  return gather->size + (gsize)size <= GATHERED_BYTES &&
         (gather->size == 0 || at == gather->at + (sqlite3_int64)gather->size);
}

int gather_write(Gather *gather, sqlite3_file *file, const void *bytes, int size,
                 sqlite3_int64 at) {
  int code = can_take(gather, size, at) ? SQLITE_OK : gather_flush(gather, file);
  if (code != SQLITE_OK)
    return code;
  if ((gsize)size > GATHERED_BYTES)
    return file->pMethods->xWrite(file, bytes, size, at);
  if (gather->bytes == NULL)
    gather->bytes = g_malloc(GATHERED_BYTES);
  if (gather->size == 0)
    gather->at = at;
  memcpy(gather->bytes + gather->size, bytes, (gsize)size);
  gather->size += (gsize)size;
  return SQLITE_OK;
}

/* SQLite reads a frame of two writes at once when it sums an open transaction again: its header may
 * be in the file, and its page here. */
int gather_read(Gather *gather, sqlite3_file *file, void *bytes, int size, sqlite3_int64 at) {
  sqlite3_int64 from = at - gather->at;
  sqlite3_int64 gathered = (sqlite3_int64)gather->size;
  if (from >= 0 && from + size <= gathered) {
    memcpy(bytes, gather->bytes + from, (gsize)size);
    return SQLITE_OK;
  }
  int code = from < gathered && from + size > 0 ? gather_flush(gather, file) : SQLITE_OK;
  return code == SQLITE_OK ? file->pMethods->xRead(file, bytes, size, at) : code;
}

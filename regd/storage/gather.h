/* SPDX-License-Identifier: MIT */
/* Gathers writes to a file that follow each other: SQLite writes a log in pieces, two for each
 * page of a commit, and each would be a system call. Reads see what is gathered. It is for one
 * connection's log, which others read only after it was synced: they know of its frames only then.
 */
#ifndef REGD_STORAGE_GATHER_H
#define REGD_STORAGE_GATHER_H

#include <glib.h>
#include <sqlite3.h>

/* Begins as zeros. */
typedef struct {
  guint8 *bytes; /* NULL until something was written */
  gsize size;
  sqlite3_int64 at; /* where the bytes belong */
} Gather;

/* Frees what is gathered, unwritten. */
void gather_clear(Gather *gather);
/* As xWrite of @file, the system's; @bytes are copied. An error may be of what was gathered before;
 * after one nothing is gathered. */
int gather_write(Gather *gather, sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at);
/* As xRead of @file; may write what is gathered. */
int gather_read(Gather *gather, sqlite3_file *file, void *bytes, int size, sqlite3_int64 at);
/* Writes what is gathered to @file. An error as of gather_write(). */
int gather_flush(Gather *gather, sqlite3_file *file);

#endif

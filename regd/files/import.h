/* SPDX-License-Identifier: MIT */
/* Reading a .reg file from a stranger's descriptor into a Change, on a thread:
 * the main loop never waits for it. Knows no D-Bus and applies nothing. */
#ifndef REGD_FILES_IMPORT_H
#define REGD_FILES_IMPORT_H

#include "client/regfile/regfile.h"
#include "client/threads/workers.h"
#include "regd/files/spool.h"

/* On the main context, exactly once. The callee takes @change, which is NULL if @error says
 * why, and @copy. @report is borrowed. */
typedef void (*ImportRead)(Change *change, const RegfileReport *report, Spool *copy,
                           const GError *error, gpointer data);

typedef struct {
  int descriptor;
  guint32 writer; /* the pid of the process that writes a pipe; 0: unknown, or it is no pipe */
  guint stall_seconds;
  guint most_operations; /* more of them than the caller may make in one change */
  gboolean strict;
  const char *encoding; /* of 8-bit text, as iconv names it; NULL: none was named */
  Spool *copy;          /* gets all that is read; NULL: it is not kept */
} ImportFile;

/* Takes ownership of file->descriptor and file->copy. STORAGE_FULL, STORAGE_FAILURE: of the copy;
 * LIMIT_EXCEEDED: more than LIMIT_FILE_BYTES, or so many seconds without a byte; INVALID_VALUE: it
 * can't be read, the parser refuses it, or there is no such encoding; FAILED: its end is that of
 * its writer. @released is called on the main context with @release_data once the thread is done
 * with the file, which a hostile one can put off for ever. */
void import_read(Workers *workers, const ImportFile *file, ImportRead done, gpointer data,
                 GDestroyNotify released, gpointer release_data);

/* Makes @change one that adds what is not there and leaves the rest. */
void import_only_missing(Change *change);

#endif

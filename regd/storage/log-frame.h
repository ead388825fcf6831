/* SPDX-License-Identifier: MIT */
/* The frames of SQLite's write-ahead log (https://sqlite.org/fileformat2.html#walformat), each a
 * header and a page. SQLite compares the checksums when it opens a log, and never again; here one
 * frame is compared each time its page is read. The checksum goes on from that of the frame
 * before, so a frame of an older log or of another place is wrong as well. */
#ifndef REGD_STORAGE_LOG_FRAME_H
#define REGD_STORAGE_LOG_FRAME_H

#include <glib.h>
#include <sqlite3.h>

/* What is known of one log through one connection. */
typedef struct {
  sqlite3_int64 complete; /* frames from here on have no checksums yet, if we write them */
  sqlite3_int64 headed;   /* whose header was written last; -1: none */
  GArray *own;            /* headers of frames that this connection has written, by number */
  gint64 magic;           /* of the log; -1: not read yet */
} LogFrames;

void log_frames_init(LogFrames *frames);
void log_frames_clear(LogFrames *frames);
/* Whether a read is that of one page. */
gboolean log_frames_is_page(int size, sqlite3_int64 at);
/* The frame, from 0 on, that a page at @at belongs to. */
gint64 log_frames_number(sqlite3_int64 at);
/* Call before each write to the log. */
void log_frames_note_write(LogFrames *frames, const void *bytes, int size, sqlite3_int64 at);
/* Compares the @page that was read at @at. @file has the log, also what
 * was not written to the disk yet. FALSE: it is wrong, or *@code
 * is not SQLITE_OK. *@number: the page that the header names. */
gboolean log_frames_check(LogFrames *frames, sqlite3_file *file, const void *page, sqlite3_int64 at,
                          guint32 *number, int *code);

#endif

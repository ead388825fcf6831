/* SPDX-License-Identifier: MIT */
/* What a database must at least hold, known beside it: in DATABASE-witness. A page that the disk
 * kept in an older state has a right checksum, and a log that lost its end looks like one of an
 * earlier moment; only another file can tell.
 *
 *     0     the header: a magic number, the database's own number, a check
 *     64    the newest revision that was acknowledged, and a check; at 128 the one before
 *     4096  for each page its checksum as it was last written to the database, and a check
 *
 * All numbers are little-endian and have 64 bits. What has no right check is not known, so damage
 * here is never taken for damage of the database. Nothing is flushed for it but what the database
 * flushes: after a power cut it may know of less than was acknowledged, never of more. */
#ifndef REGD_STORAGE_WITNESS_H
#define REGD_STORAGE_WITNESS_H

#include <glib.h>

typedef struct Witness Witness;

/* Takes the open @file. @database: the database's own number. @begins: whether a file of another
 * database is begun anew; otherwise it tells nothing. */
Witness *witness_new(int file, guint64 database, gboolean begins);
void witness_free(Witness *witness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Witness, witness_free)

/* Call before the page is written. FALSE: errno says why. */
gboolean witness_note_page(Witness *witness, guint32 page, guint64 sum);
/* Whether @page is known to have another checksum than @sum. */
gboolean witness_contradicts(Witness *witness, guint32 page, guint64 sum);
/* Call before the database is flushed. FALSE: errno says why. */
gboolean witness_flush(Witness *witness);

/* Call after the commit. A failure makes it know of less. */
void witness_note_revision(Witness *witness, guint64 revision);
/* 0: none is known. */
guint64 witness_get_revision(Witness *witness);

#endif

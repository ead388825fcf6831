/* SPDX-License-Identifier: MIT */
/* The files of a database as SQLite sees them: each page that is read from the disk is compared
 * with its checksum first, and each page that is written to the database gets one. A page of the
 * write-ahead log has SQLite's own checksum, which SQLite itself looks at only at the start.
 *
 * The idea is that of SQLite's checksum VFS (https://sqlite.org/cksumvfs.html, in the public
 * domain). This one differs: the page's number is part of the sum (a page in another's place, or
 * of zeros, is seen), pages are checked in the log too, and a wrong header can't turn the checks
 * off. */
#ifndef REGD_STORAGE_CHECKED_FILES_H
#define REGD_STORAGE_CHECKED_FILES_H

#include <glib.h>
#include <sqlite3.h>

#include "regd/storage/witness.h"

/* The name for sqlite3_open_v2(). Databases that are made by it have checksums once
 * checked_files_begin() has been called for the connection. */
const char *checked_files_get_vfs(void);
/* For each new connection; a database without checksums stays without. */
void checked_files_begin(sqlite3 *handle);

/* Whether the pages of the database have checksums: all but those of an early step. */
gboolean checked_files_are_sealed(sqlite3 *handle);
/* What was wrong when a statement failed with SQLITE_IOERR_DATA: to be freed. */
char *checked_files_describe(sqlite3 *handle);
/* From here on a page with a wrong checksum is read all the same, and its description is added to
 * @problems (of char *), which must outlive the connection. At most @most of them. */
void checked_files_collect(sqlite3 *handle, GPtrArray *problems, guint most);

/* Whether the database has checksums and its own number, and no witness yet. */
gboolean checked_files_can_attach(sqlite3 *handle);
/* Takes the open @file as the database's witness. @begins: see witness_new(). */
void checked_files_attach(sqlite3 *handle, int file, gboolean begins);
/* Borrowed; NULL: there is none. */
Witness *checked_files_get_witness(sqlite3 *handle);

#endif

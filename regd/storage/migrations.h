/* SPDX-License-Identifier: MIT */
/* The tables, as numbered steps: a database at step N is brought up by running
 * the steps after it, each in one transaction. A step that has been released
 * is never edited. */
#ifndef REGD_STORAGE_MIGRATIONS_H
#define REGD_STORAGE_MIGRATIONS_H

#include "regd/storage/db.h"

/* Brings the database to the newest step. STORAGE_FAILURE: it is not the registry's, or a
 * later version's. */
gboolean migrations_run(Db *db, const char *file, GError **error);
/* Fails unless the database is at the newest step already. */
gboolean migrations_check(Db *db, const char *file, GError **error);
/* Whether it is a database of the registry without checksums, which must be copied into one with
 * them before it is written. STORAGE_FAILURE as above. */
gboolean migrations_need_copy(Db *db, const char *file, gboolean *need, GError **error);

#endif

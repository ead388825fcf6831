/* SPDX-License-Identifier: MIT */
/* The tables, as numbered steps: a database at step N is brought up by running
 * the steps after it, each in one transaction. A step that has been released
 * is never edited. */
#ifndef REGD_STORAGE_MIGRATIONS_H
#define REGD_STORAGE_MIGRATIONS_H

#include "regd/storage/db.h"

/* Leaves the database at the newest step. STORAGE_FAILURE where it is none of
 * the registry's, or a later version's. */
gboolean migrations_run(Db *db, const char *file, GError **error);
/* Whether it is at the newest step already; fails where it is not. */
gboolean migrations_check(Db *db, const char *file, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Whether a database can be trusted: SQLite's own checks, and what the registry
 * itself holds to be always so. Changes nothing. */
#ifndef REGD_UPKEEP_INTEGRITY_H
#define REGD_UPKEEP_INTEGRITY_H

#include "regd/storage/store.h"

/* Everything; the time it takes grows with the database. One line for each thing
 * that is wrong is added to @problems (of char *), at most CHECK_PROBLEMS of a
 * kind. FALSE: it could not be looked at (*@error says why, also that it is
 * damaged too much for that). */
#define CHECK_PROBLEMS 20
gboolean check_store(Store *store, GPtrArray *problems, GError **error);
gboolean check_file(const char *file, GPtrArray *problems, GError **error);

/* At start: that its tables and roots are there, and, where it is small, SQLite's quick check. What
 * is wrong though the rest can be read is added to @problems (of char *): pages that are not what
 * was written, and revisions that were acknowledged and are lost. */
gboolean check_at_start(Store *store, const char *file, GPtrArray *problems, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Which accounts have a hash that no password can open, for administrators. Pure. */
#ifndef MAILAUTH_HASHES_UNUSABLE_H
#define MAILAUTH_HASHES_UNUSABLE_H

#include <glib.h>

typedef struct {
  GString *names; /* NULL: none yet */
  guint count;
} Unusable;

/* Notes @name if its @hash (NULL or empty: none) can't be proved; a lock is no fault. */
void unusable_note(Unusable *unusable, const char *name, const char *hash);
/* A line that names MAX_LISTED_ACCOUNTS of those noted and says why, owned; NULL: none was.
 * @cure: the command that sets another. Frees what was noted. */
char *unusable_end(Unusable *unusable, const char *cure);

#endif

/* SPDX-License-Identifier: MIT */
/* What is on its way to a stranger's descriptor, or was read from one: kept in memory while it is
 * small, else in a private file without a name beside the database. So what is
 * read (a snapshot) is let go of before the stranger is waited for. */
#ifndef REGD_FILES_SPOOL_H
#define REGD_FILES_SPOOL_H

#include "regd/files/transfer.h"

typedef struct Spool Spool;

/* @database: the file beside which it lies; copied. */
Spool *spool_new(const char *database);
void spool_free(Spool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spool, spool_free)

/* What comes next is appended here; borrowed. spool_settle() after each piece. */
GByteArray *spool_get_buffer(Spool *spool);
/* STORAGE_FULL, STORAGE_FAILURE. */
gboolean spool_settle(Spool *spool, GError **error);
guint64 spool_get_size(const Spool *spool);
/* A descriptor of all of it, to be read from its beginning, which the caller owns; -1 with @error.
 * @spool is empty then. */
int spool_take_file(Spool *spool, GError **error);
/* Hands all of it over. */
gboolean spool_deliver(Spool *spool, Transfer *transfer, GError **error);

/* A new private file beside @database, open for reading and writing, -1 on
 * failure. *@name (owned by the caller): what it is called, or NULL where @name
 * is NULL: then it has no name any more. */
int spool_make_file(const char *database, const char *purpose, char **name, GError **error);

/* Removes the files with names that a daemon which was killed has left. For the
 * one process that writes the database. */
void spool_remove_left(const char *database);

#endif

/* SPDX-License-Identifier: MIT */
/* How far history reaches. It is counted separately for each root and, below HKEY_USERS, for
 * each user, so that one user can't push out another's history: each of these is a scope, and
 * a revision has an ordinal in every scope that it touched. What exceeds the settings is out
 * of reach at once; its rows are deleted in small steps. */
#ifndef REGD_HISTORY_RETENTION_H
#define REGD_HISTORY_RETENTION_H

#include "regd/storage/store.h"
#include "regd/tree/settings.h"

/* The scope that a canonical path lies in. */
gint64 retention_get_scope(const char *path);

/* Counts the revisions of a transaction, which get their ordinals at its end: changes that
 * share a flush share the rows for it too. */
typedef struct RetentionCounts RetentionCounts;
RetentionCounts *retention_counts_new(void);
void retention_counts_free(RetentionCounts *counts);
/* After the transaction has been rolled back. */
void retention_counts_clear(RetentionCounts *counts);
/* Notes that @revision, the newest, has touched the scope, and that history has got about
 * @bytes by it there. */
void retention_count(RetentionCounts *counts, gint64 scope, guint64 revision, gint64 now,
                     gint64 bytes);
/* Writes what has been counted, and starts anew. */
gboolean retention_counts_write(RetentionCounts *counts, Store *store, GError **error);

/* What decides how far history reaches; borrowed. */
typedef struct {
  Store *store;
  const LiveSettings *settings;
  gint64 now; /* microseconds since 1970 */
} Retention;

/* Revisions up to *@limit at the canonical @path are older than the settings keep, so
 * nobody is told of them. For HKEY_USERS itself the newest such revision of all its scopes
 * counts. */
gboolean retention_get_limit(const Retention *retention, const char *path, guint64 *limit,
                             GError **error);
/* The same for going back to a revision and for going on from one: what happened before
 * the database was restored doesn't lead to what is stored now either. */
gboolean retention_get_horizon(const Retention *retention, const char *path, guint64 *horizon,
                               GError **error);

/* At the end of a transaction: retention_counts_write(), and prunes the history of each user
 * who has too many bytes of it, by about twice what the transaction has added. */
gboolean retention_counts_settle(RetentionCounts *counts, const Retention *retention,
                                 GError **error);
/* LIMIT_EXCEEDED: the history of the user whose branch @path lies in has far too many bytes,
 * and none can be deleted before a trial ends. */
gboolean retention_check_room(const Retention *retention, const char *path, GError **error);

/* Deletes about @amount differences of history that is out of reach, fewer if they are
 * large. *@more: there may be more to delete. Needs a write transaction. */
gboolean retention_prune(const Retention *retention, guint amount, gboolean *more, GError **error);

#endif

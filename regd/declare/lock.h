/* SPDX-License-Identifier: MIT */
/* Locks as rows: a value, or a key and everything below it, that can't be changed until it is
 * unlocked. Kept by folded path and name, so that what is not there can be locked too. */
#ifndef REGD_DECLARE_LOCK_H
#define REGD_DECLARE_LOCK_H

#include "regd/storage/store.h"

typedef struct {
  char *key;    /* canonical path, as it was spelled */
  char *name;   /* of the value; NULL: the key and everything below it */
  char *reason; /* 1 to LIMIT_REASON_BYTES bytes of printable UTF-8 */
  guint32 uid;  /* the user who locked it */
  gint64 time;  /* microseconds since 1970 */
} Lock;
void lock_free(Lock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lock, lock_free)

/* Replaces a lock of the same thing. */
gboolean lock_store(Store *store, const Lock *lock, GError **error);
gboolean lock_remove(Store *store, const char *key, const char *name, GError **error);
/* Every lock, of Lock. */
GPtrArray *lock_list(Store *store, GError **error);
/* Those at and below the key at the canonical @path, by path. */
GPtrArray *lock_list_branch(Store *store, const char *path, GError **error);
/* The lock that holds the value @name of the key at the canonical @path (NULL: the key itself),
 * there or above. *@lock is NULL if there is none. */
gboolean lock_find(Store *store, const char *path, const char *name, Lock **lock, GError **error);

/* INVALID_VALUE: @reason is empty, too long, or holds control characters. */
gboolean lock_check_reason(const char *key, const char *reason, GError **error);
/* Sets LOCKED with what is locked, why, by whom and when; returns FALSE. @path and @name (may be
 * NULL): what was to be changed. */
gboolean lock_refuse(const Lock *lock, const char *path, const char *name, GError **error);
/* What a lock costs its user, in bytes. */
gint64 lock_get_cost(const Lock *lock);

#endif

/* SPDX-License-Identifier: MIT */
/* All locks in memory, so that a change asks no database for each thing that it touches; without
 * locks asking costs nothing. Belongs to one thread. */
#ifndef REGD_DECLARE_LOCK_SET_H
#define REGD_DECLARE_LOCK_SET_H

#include "regd/declare/lock.h"

typedef struct LockSet LockSet;
/* Knows of none until lock_set_refresh() is called. */
LockSet *lock_set_new(void);
void lock_set_free(LockSet *locks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LockSet, lock_set_free)
/* Reads the locks of @store, unless they are known already. */
gboolean lock_set_refresh(LockSet *locks, Store *store, GError **error);
/* The locks may be others now: what they were read from was rolled back. */
void lock_set_forget(LockSet *locks);

/* Takes @lock, in place of one of the same thing. */
void lock_set_add(LockSet *locks, Lock *lock);
void lock_set_remove(LockSet *locks, const char *key, const char *name);
/* A change has ended: what it added and removed stays, or is taken back. @locks may be NULL. */
void lock_set_keep(LockSet *locks);
void lock_set_undo(LockSet *locks);

/* How many are the user's who locked them. @locks may be NULL. */
guint lock_set_count(const LockSet *locks, guint32 uid);

/* The lock of just that thing; borrowed, as below. NULL: there is none. @locks may be NULL, as
 * below. */
const Lock *lock_set_get(LockSet *locks, const char *path, const char *name);
/* A lock that holds the value @name of the key at the canonical @path: its own, or one of a key
 * at or above. */
const Lock *lock_set_find_value(LockSet *locks, const char *path, const char *name);
/* A lock that holds the key itself: one of a key at or above. */
const Lock *lock_set_find_key(LockSet *locks, const char *path);
/* A lock of a value of the key, or of anything below it; of those the first that @counts (NULL: the
 * first). */
typedef gboolean (*LockCounts)(const Lock *lock, gpointer data);
const Lock *lock_set_find_inside(LockSet *locks, const char *path, LockCounts counts,
                                 gpointer data);
/* A lock of anything at, above or below the key. */
const Lock *lock_set_find_branch(LockSet *locks, const char *path);

#endif

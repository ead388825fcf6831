/* SPDX-License-Identifier: MIT */
/* What a commit changed: its differences in order, each with the access lists that decide who
 * may be told of it. The writer makes it, the main loop reads it; it does not change once it
 * is made. */
#ifndef REGD_BASE_EFFECTIVE_H
#define REGD_BASE_EFFECTIVE_H

#include "regd/base/access.h"

typedef struct {
  ChangeKind kind;
  GRefString *key;   /* canonical path */
  char *name;        /* value name; "" for keys */
  Acl *before;       /* the list that decided before; NULL: the key was not there */
  Acl *after;        /* the list that decides after; NULL: the key is gone */
  gboolean reroutes; /* a link came, went or was pointed elsewhere here: watches through it move */
} EffectiveEntry;

typedef struct {
  gatomicrefcount references;
  guint64 revision;
  GPtrArray *entries; /* of EffectiveEntry; empty only with `too_many` */
  gboolean
      too_many; /* so many that a replay does not hold them: the watcher is told to read again */
} Effective;

Effective *effective_new(guint64 revision);
Effective *effective_ref(Effective *effective);
/* Gives a reference back. */
void effective_free(Effective *effective);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Effective, effective_free)
EffectiveEntry *effective_add(Effective *effective, ChangeKind kind, GRefString *key,
                              const char *name, Acl *before, Acl *after);

/* Whether a watch is told of a change of @kind, @below components under its key. */
gboolean effective_concerns(ChangeKind kind, guint below, gboolean recursive);
/* The same for a change at any @key; both paths are folded. A watch is told of changes above
 * its key only if they change an access list. */
gboolean effective_reaches(ChangeKind kind, const char *key, const char *watched,
                           gboolean recursive);
/* How many components @key lies below @watched (both folded), or -1. */
int effective_find_depth(const char *key, const char *watched);

/* Whether @identity may be told of @entry. The list before decides for deletions, either list
 * for acl-changed, and the list after for everything else. */
gboolean effective_entry_is_visible(const EffectiveEntry *entry, const Identity *identity);
/* The list that decides so, for all but acl-changed. */
const Acl *effective_entry_get_list(const EffectiveEntry *entry);

#endif

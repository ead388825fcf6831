/* SPDX-License-Identifier: MIT */
/* What a commit really did: the differences, in order, each with the access
 * lists that decide who may hear of it. Made by the writer, read by the main
 * loop; immutable once made. */
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
  guint64 revision;
  GPtrArray *entries; /* of EffectiveEntry; empty only with `too_many` */
  gboolean too_many;  /* to be held for a replay: whoever hears of it reads again */
} Effective;

Effective *effective_new(guint64 revision);
void effective_free(Effective *effective);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Effective, effective_free)
EffectiveEntry *effective_add(Effective *effective, ChangeKind kind, GRefString *key,
                              const char *name, Acl *before, Acl *after);

/* Whether a watch hears of a change of @kind, @below components under its key. */
gboolean effective_concerns(ChangeKind kind, guint below, gboolean recursive);
/* The same for a change at @key, which may be anywhere; both paths are folded. Above
 * it hears of access lists alone. */
gboolean effective_reaches(ChangeKind kind, const char *key, const char *watched,
                           gboolean recursive);
/* How many components @key lies below @watched (both folded), or -1. */
int effective_find_depth(const char *key, const char *watched);

/* Whether @identity may hear of @entry: deletions by what stood before,
 * acl-changed by either, everything else by what stands after. */
gboolean effective_entry_is_visible(const EffectiveEntry *entry, const Identity *identity);

#endif

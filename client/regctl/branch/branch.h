/* SPDX-License-Identifier: MIT */
/* A branch of the registry in memory, from the daemon or from a .reg file, and the
 * differences between two. Pure. */
#ifndef CLIENT_REGCTL_BRANCH_BRANCH_H
#define CLIENT_REGCTL_BRANCH_BRANCH_H

#include "client/base/change.h"
#include "client/cli/reply.h"

typedef struct {
  char *path;        /* absolute, as it was first named */
  GPtrArray *values; /* of ListedValue, in order; NULL if one has been removed */
  GHashTable *index; /* name -> ListedValue; borrowed */
} BranchKey;

typedef struct {
  char *base;  /* the key that places are relative to; "" for none */
  char *asked; /* the same key by another path, or NULL */
  GTree *keys; /* place (folded, relative to the base) -> BranchKey, depth first */
} Branch;

/* Both with the root in its long spelling. */
Branch *branch_new(const char *base, const char *asked);
void branch_free(Branch *branch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Branch, branch_free)

/* The key @path; it is made, with all keys between it and the base, if it is missing.
 * Borrowed. */
BranchKey *branch_add_key(Branch *branch, const char *path);
void branch_set_value(BranchKey *key, const char *name, RegistryValue *value);
/* NULL: it is not there. Borrowed. */
RegistryValue *branch_get_value(const BranchKey *key, const char *name);
gboolean branch_is_link(const BranchKey *key);
/* Applies the operations of a .reg file to @branch. */
void branch_apply(Branch *branch, const Change *change);
/* Whether all keys are at or below the base; else the path of one that is not. */
const char *branch_find_outsider(const Branch *branch);

typedef struct {
  ChangeKind kind;        /* from @a to @b: key-created, key-deleted, value-set, value-deleted */
  const BranchKey *key;   /* of the one branch that has it, or of @a */
  const BranchKey *other; /* the same key of @b if both have it; else NULL */
  const char *name;       /* of a value */
  RegistryValue *before, *after; /* of a value; NULL: there is none */
} BranchDifference;
typedef void (*BranchVisit)(const BranchDifference *difference, gpointer data);
/* Tells all that is different, depth first: a key, then its values. Names are
 * compared without regard to case, values by type and bytes. */
void branch_compare(const Branch *a, const Branch *b, BranchVisit visit, gpointer data);

#endif

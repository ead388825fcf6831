/* SPDX-License-Identifier: MIT */
/* A branch as it was at a revision: what is stored now, with later rows of history undone from
 * the newest back. Only keys that have changed since are held in memory. Reads only. */
#ifndef REGD_HISTORY_PAST_TREE_H
#define REGD_HISTORY_PAST_TREE_H

#include "regd/history/record.h"

typedef struct {
  char *name;
  RegistryValue *value; /* NULL: purged */
  gint64 position;
  gboolean secret;  /* when it was written, as far as history says */
  gboolean touched; /* it has changed since */
} PastValue;

/* A key as it was. */
typedef struct {
  gint64 id, parent;
  gboolean present;
  char *name;
  char *class_name; /* or NULL */
  char *link;       /* or NULL */
  gboolean link_by_administrator;
  gboolean is_volatile;
  Acl *own;           /* or NULL */
  gboolean is_buried; /* past-tree.c's: it is in the list of those that are gone now */
  gboolean touched;   /* something at the key itself has changed since */
  GHashTable *values; /* folded name -> PastValue; NULL until asked for */
} PastKey;

typedef struct PastTree PastTree;

/* The branch of the row @root at @revision, which history must reach. Needs a
 * transaction for as long as the tree is used. */
PastTree *past_tree_new(Store *store, gint64 root, guint64 revision, GError **error);
void past_tree_free(PastTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PastTree, past_tree_free)

/* The key as it was, present or not; borrowed. */
PastKey *past_tree_get_key(PastTree *tree, gint64 id, GError **error);
/* Its direct sub-keys as they were, in the order of folded names; borrowed keys. */
GPtrArray *past_tree_list_children(PastTree *tree, gint64 id, GError **error);
/* Its values in the order of creation; borrowed. */
GPtrArray *past_tree_list_values(PastTree *tree, PastKey *key, GError **error);
/* Call before the key and all below it are deleted to be made again: holds in memory all that
 * was there then. */
gboolean past_tree_bury(PastTree *tree, PastKey *key, GError **error);
/* Whether any key at or below @id may have changed; if not, the branch is as it is stored. */
gboolean past_tree_is_touched(PastTree *tree, gint64 id);
/* The list that decided there then; borrowed; NULL if there was none. */
gboolean past_tree_get_acl(PastTree *tree, gint64 id, Acl **acl, GError **error);
/* The same at the key, or if it was not there, at the nearest one above it that was: who could
 * read there could tell that it was missing. */
gboolean past_tree_get_acl_around(PastTree *tree, gint64 id, Acl **acl, GError **error);

#endif

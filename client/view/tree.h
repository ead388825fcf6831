/* SPDX-License-Identifier: MIT */
/* A sub-tree of the registry in memory: keys by their path relative to its top,
 * values in their order. Pure. Not installed. */
#ifndef CLIENT_VIEW_TREE_H
#define CLIENT_VIEW_TREE_H

#include "client/registry.h"

typedef struct Tree Tree;
typedef struct TreeKey TreeKey;

/* A tree that holds only its top, without values. */
Tree *tree_new(void);
void tree_free(Tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

/* @path is relative to the top: "" for the top itself, else names separated by
 * backslashes; one backslash at the end is ignored. Names compare without
 * regard to case throughout. */
TreeKey *tree_find(const Tree *tree, const char *path);
/* The key at @path, made if it is missing, with those above it; a key that is there takes
 * on the spelling given. */
TreeKey *tree_ensure(Tree *tree, const char *path);
/* Removes the key with all below it; does nothing if it is missing or the top. */
void tree_remove(Tree *tree, const char *path);
/* Adds the value at the end; one of that name keeps its place. */
void tree_set_value(Tree *tree, TreeKey *key, const char *name, const RegistryValue *value);

/* Puts what @source holds at @path: all of it, in place of the key and everything below,
 * or (not @deep) only the values of its top, in place of those there. */
void tree_graft(Tree *tree, const char *path, const Tree *source, gboolean deep);

/* Borrowed; NULL if there is none. */
const RegistryValue *tree_get_value(const Tree *tree, const TreeKey *key, const char *name);
/* Sorted; owned by the caller. */
char **tree_list_keys(const TreeKey *key);
/* In their order; owned by the caller. */
char **tree_list_values(const TreeKey *key);

/* Keys and values. */
gsize tree_get_size(const Tree *tree);
/* The same keys in the same spelling, with the same values in the same order. */
gboolean tree_equal(const Tree *a, const Tree *b);
/* The same for the values of two keys. */
gboolean tree_key_equal(const TreeKey *a, const TreeKey *b);

#endif

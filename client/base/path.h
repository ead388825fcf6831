/* SPDX-License-Identifier: MIT */
/* Paths and names: parsing, limits, case folding, comparing (org.regd.Registry1(5),
 * Paths). Pure. */
#ifndef CLIENT_BASE_PATH_H
#define CLIENT_BASE_PATH_H

#include "client/registry.h"

typedef enum {
  PATH_ROOT_ABOVE, /* the empty path: above the roots */
  PATH_ROOT_LOCAL_MACHINE,
  PATH_ROOT_USERS,
  PATH_ROOT_CURRENT_USER,
  PATH_ROOT_CLASSES_ROOT,
  PATH_ROOT_CURRENT_CONFIG,
} PathRoot;

/* A parsed path: its root, and its components as they were written. */
typedef struct {
  PathRoot root;
  GStrv components; /* below the root; NULL-terminated, never NULL */
  guint depth;      /* number of components below the root */
} Path;

/* INVALID_PATH or LIMIT_EXCEEDED: the message names @text and the cure; it is bounded and
 * valid UTF-8, even if @text is not. At most LIMIT_DEPTH components, the root counted as
 * the first. */
Path *path_parse(const char *text, GError **error);
void path_free(Path *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Path, path_free)
/* The root in its long spelling, the components as they are. Owned by the caller. */
char *path_to_string(const Path *path);

/* "HKEY_LOCAL_MACHINE"; "" for PATH_ROOT_ABOVE. Static. */
const char *path_root_get_name(PathRoot root);

/* INVALID_PATH / LIMIT_EXCEEDED (INVALID_PATH for a key name that is empty or
 * holds a backslash or a control character below U+0020). Value names:
 * INVALID_VALUE (not UTF-8) / LIMIT_EXCEEDED; any character may be in one. */
gboolean path_check_key_name(const char *name, GError **error);
gboolean path_check_value_name(const char *name, GError **error);

/* @name upper-cased code point by code point with the pinned table: equal for names that
 * differ only in case. memcmp() order of folded names is the order of ListKeys. @name must
 * be UTF-8. Owned by the caller. */
char *path_fold(const char *name);
/* strcmp() of the folded names without making them. */
int path_compare_names(const char *a, const char *b);
/* For hash tables with names as keys: equal if path_compare_names() is 0. */
gboolean path_equal_names(gconstpointer a, gconstpointer b);
guint path_hash_name(gconstpointer name);

/* TRUE if @path is @ancestor or below it. Both are canonical; case does not matter. */
gboolean path_is_at_or_below(const char *path, const char *ancestor);
/* The parent's path (owned by the caller) and the last component (borrowed: a
 * part of @path). The parent of a root is "", its leaf the root itself. */
char *path_dup_parent(const char *path);
const char *path_get_leaf(const char *path);
/* How many names a path has behind its root. */
guint path_count_depth(const char *path);

#endif

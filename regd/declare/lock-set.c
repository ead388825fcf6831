/* SPDX-License-Identifier: MIT */
/* See lock-set.h: a tree of locks by their folded place, in byte order, so that those below a
 * key stand together. */
#include "regd/declare/lock-set.h"

#include <string.h>

#include "client/base/path.h"

struct LockSet {
  GTree *locks; /* folded place (see make_place()) -> Lock */
  gboolean is_known;
};

/* What stands between a path and a name: it is in neither, and before all that is in them. */
#define WHOLE "\x01"
#define VALUE "\x02"

static char *make_place(const char *path, const char *name) {
  g_autofree char *at = path_fold(path);
  g_autofree char *fold = name != NULL ? path_fold(name) : NULL;
  return fold != NULL ? g_strconcat(at, VALUE, fold, NULL) : g_strconcat(at, WHOLE, NULL);
}

static gint compare(gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data) {
  return strcmp(a, b);
}

static void free_lock(gpointer lock) {
  lock_free(lock);
}

LockSet *lock_set_new(void) {
  LockSet *locks = g_new0(LockSet, 1);
  locks->locks = g_tree_new_full(compare, NULL, g_free, free_lock);
  return locks;
}

void lock_set_free(LockSet *locks) {
  if (locks == NULL)
    return;
  g_tree_unref(locks->locks);
  g_free(locks);
}

void lock_set_forget(LockSet *locks) {
  if (locks != NULL)
    locks->is_known = FALSE;
}

gboolean lock_set_refresh(LockSet *locks, Store *store, GError **error) {
  if (locks == NULL || locks->is_known)
    return TRUE;
  g_autoptr(GPtrArray) stored = lock_list(store, error);
  if (stored == NULL)
    return FALSE;
  g_tree_remove_all(locks->locks);
  while (stored->len > 0)
    lock_set_add(locks, g_ptr_array_steal_index(stored, stored->len - 1));
  locks->is_known = TRUE;
  return TRUE;
}

void lock_set_add(LockSet *locks, Lock *lock) {
  g_tree_replace(locks->locks, make_place(lock->key, lock->name), lock);
}

void lock_set_remove(LockSet *locks, const char *key, const char *name) {
  g_autofree char *place = make_place(key, name);
  g_tree_remove(locks->locks, place);
}

static gboolean is_empty(const LockSet *locks) {
  return locks == NULL || g_tree_nnodes(locks->locks) == 0;
}

const Lock *lock_set_get(LockSet *locks, const char *path, const char *name) {
  if (is_empty(locks))
    return NULL;
  g_autofree char *place = make_place(path, name);
  return g_tree_lookup(locks->locks, place);
}

const Lock *lock_set_find_key(LockSet *locks, const char *path) {
  if (is_empty(locks))
    return NULL;
  g_autofree char *at = g_strdup(path);
  for (char *end = at; end != NULL;) {
    const Lock *lock = lock_set_get(locks, at, NULL);
    if (lock != NULL)
      return lock;
    end = strrchr(at, '\\');
    if (end != NULL)
      *end = '\0';
  }
  return NULL;
}

const Lock *lock_set_find_value(LockSet *locks, const char *path, const char *name) {
  const Lock *own = lock_set_get(locks, path, name);
  return own != NULL ? own : lock_set_find_key(locks, path);
}

/* The first whose place begins with @prefix. */
static const Lock *find_first(LockSet *locks, const char *prefix) {
  GTreeNode *node = g_tree_lower_bound(locks->locks, prefix);
  return node != NULL && g_str_has_prefix(g_tree_node_key(node), prefix) ? g_tree_node_value(node)
                                                                         : NULL;
}

const Lock *lock_set_find_inside(LockSet *locks, const char *path) {
  if (is_empty(locks))
    return NULL;
  g_autofree char *at = path_fold(path);
  g_autofree char *value = g_strconcat(at, VALUE, NULL);
  g_autofree char *below = g_strconcat(at, "\\", NULL);
  const Lock *own = find_first(locks, value);
  return own != NULL ? own : find_first(locks, below);
}

const Lock *lock_set_find_branch(LockSet *locks, const char *path) {
  const Lock *above = lock_set_find_key(locks, path);
  return above != NULL ? above : lock_set_find_inside(locks, path);
}

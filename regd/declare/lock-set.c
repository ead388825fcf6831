/* SPDX-License-Identifier: MIT */
/* See lock-set.h: a tree of locks by their folded place, in byte order, so that those below a
 * key stand together. */
#include "regd/declare/lock-set.h"

#include <string.h>

#include "client/base/path.h"
#include "regd/declare/declared.h"

struct LockSet {
  GTree *locks;         /* folded place (see make_place()) -> Lock */
  GHashTable *counts;   /* uid -> locks that are theirs */
  GPtrArray *displaced; /* of Displaced, since the change began */
  gboolean is_known;
};

/* What stood at a place before it was written. */
typedef struct {
  char *place;
  Lock *lock; /* NULL: none */
} Displaced;

static void displaced_free(gpointer data) {
  Displaced *displaced = data;
  g_free(displaced->place);
  lock_free(displaced->lock);
  g_free(displaced);
}

static char *make_place(const char *path, const char *name) {
  g_autofree char *at = path_fold(path);
  return declared_make_thing(at, name);
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
  locks->counts = g_hash_table_new(NULL, NULL);
  locks->displaced = g_ptr_array_new_with_free_func(displaced_free);
  return locks;
}

void lock_set_free(LockSet *locks) {
  if (locks == NULL)
    return;
  g_tree_unref(locks->locks);
  g_hash_table_unref(locks->counts);
  g_ptr_array_unref(locks->displaced);
  g_free(locks);
}

void lock_set_forget(LockSet *locks) {
  if (locks != NULL)
    locks->is_known = FALSE;
}

static void count(LockSet *locks, guint32 uid, gint more) {
  guint now = (guint)((gint)lock_set_count(locks, uid) + more);
  g_hash_table_insert(locks->counts, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(now));
}

/* Takes both; @lock may be NULL. Returns what stood there before. */
static Lock *put(LockSet *locks, char *place, Lock *lock) {
  gpointer old_place = NULL;
  gpointer old = NULL;
  if (g_tree_lookup_extended(locks->locks, place, &old_place, &old)) {
    count(locks, ((const Lock *)old)->uid, -1);
    g_tree_steal(locks->locks, place);
    g_free(old_place);
  }
  if (lock != NULL) {
    count(locks, lock->uid, 1);
    g_tree_insert(locks->locks, place, lock);
  } else {
    g_free(place);
  }
  return old;
}

gboolean lock_set_refresh(LockSet *locks, Store *store, GError **error) {
  if (locks == NULL || locks->is_known)
    return TRUE;
  g_autoptr(GPtrArray) stored = lock_list(store, error);
  if (stored == NULL)
    return FALSE;
  g_tree_remove_all(locks->locks);
  g_hash_table_remove_all(locks->counts);
  lock_set_keep(locks);
  while (stored->len > 0) {
    Lock *lock = g_ptr_array_steal_index(stored, stored->len - 1);
    (void)put(locks, make_place(lock->key, lock->name), lock);
  }
  locks->is_known = TRUE;
  return TRUE;
}

/* Takes both. */
static void displace(LockSet *locks, char *place, Lock *lock) {
  Displaced *displaced = g_new0(Displaced, 1);
  displaced->place = g_strdup(place);
  displaced->lock = put(locks, place, lock);
  g_ptr_array_add(locks->displaced, displaced);
}

void lock_set_add(LockSet *locks, Lock *lock) {
  displace(locks, make_place(lock->key, lock->name), lock);
}

void lock_set_remove(LockSet *locks, const char *key, const char *name) {
  displace(locks, make_place(key, name), NULL);
}

void lock_set_keep(LockSet *locks) {
  if (locks != NULL)
    g_ptr_array_set_size(locks->displaced, 0);
}

void lock_set_undo(LockSet *locks) {
  for (guint i = locks != NULL ? locks->displaced->len : 0; i > 0; i--) {
    Displaced *displaced = locks->displaced->pdata[i - 1];
    lock_free(put(locks, g_steal_pointer(&displaced->place), g_steal_pointer(&displaced->lock)));
  }
  lock_set_keep(locks);
}

guint lock_set_count(const LockSet *locks, guint32 uid) {
  return locks == NULL
             ? 0
             : GPOINTER_TO_UINT(g_hash_table_lookup(locks->counts, GUINT_TO_POINTER(uid)));
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

/* Whose place begins with @prefix. */
static const Lock *find_first(LockSet *locks, const char *prefix, LockCounts counts,
                              gpointer data) {
  GTreeNode *node = g_tree_lower_bound(locks->locks, prefix);
  while (node != NULL && g_str_has_prefix(g_tree_node_key(node), prefix)) {
    const Lock *lock = g_tree_node_value(node);
    if (counts == NULL || counts(lock, data))
      return lock;
    node = g_tree_node_next(node);
  }
  return NULL;
}

const Lock *lock_set_find_inside(LockSet *locks, const char *path, LockCounts counts,
                                 gpointer data) {
  if (is_empty(locks))
    return NULL;
  g_autofree char *at = path_fold(path);
  g_autofree char *value = declared_make_thing(at, "");
  g_autofree char *below = g_strconcat(at, "\\", NULL);
  const Lock *own = find_first(locks, value, counts, data);
  return own != NULL ? own : find_first(locks, below, counts, data);
}

const Lock *lock_set_find_branch(LockSet *locks, const char *path) {
  const Lock *above = lock_set_find_key(locks, path);
  return above != NULL ? above : lock_set_find_inside(locks, path, NULL, NULL);
}

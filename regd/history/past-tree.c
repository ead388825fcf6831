/* SPDX-License-Identifier: MIT */
/* See past-tree.h.
 *
 * The state of today is the start: rows of history after the revision are undone from the
 * newest back (undo_row), each into the PastKey that it is about. A key, value or list that no
 * such row names is as it is stored, so memory and time depend on what has changed since, not
 * on the size of the branch.
 *
 * `touched` has the changed keys and all keys above them: a walk that meets a key outside of
 * it may read the store and stop asking. `buried` finds keys that existed then and are gone
 * now, which no listing of the store returns. The keys above the branch are followed too,
 * because their access lists decide at its top. */
#include "regd/history/past-tree.h"

#include "client/base/error.h"
#include "client/base/path.h"

struct PastTree {
  Store *store;
  GHashTable *keys;    /* id -> PastKey */
  GHashTable *buried;  /* id -> GPtrArray of its PastKeys that are not there now; borrowed */
  GHashTable *touched; /* ids of touched keys and of all keys above them */
  HistoryBranch *branch;
  GHashTable *above; /* ids of the keys above the branch, whose lists count */
};

static void past_value_free(PastValue *value) {
  g_free(value->name);
  g_clear_pointer(&value->value, registry_value_unref);
  g_free(value);
}

static void past_key_free(PastKey *key) {
  g_free(key->name);
  g_free(key->class_name);
  g_free(key->link);
  acl_unref(key->own);
  g_clear_pointer(&key->values, g_hash_table_unref);
  g_free(key);
}

void past_tree_free(PastTree *tree) {
  if (tree == NULL)
    return;
  g_hash_table_unref(tree->keys);
  g_hash_table_unref(tree->buried);
  g_hash_table_unref(tree->touched);
  g_hash_table_unref(tree->above);
  history_branch_free(tree->branch);
  g_free(tree);
}

static GHashTable *new_id_table(GDestroyNotify free_value) {
  return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_value);
}

static void add_id(GHashTable *table, gint64 id) {
  g_hash_table_add(table, g_memdup2(&id, sizeof id));
}

/* ---- keys ---- */

static gboolean load_own_list(PastTree *tree, PastKey *key, gint64 acl, GError **error) {
  Acl *own = NULL;
  if (!store_load_acl(tree->store, acl, &own, error))
    return FALSE;
  key->own = own != NULL ? acl_ref(own) : NULL;
  return TRUE;
}

static void note_buried(PastTree *tree, PastKey *key) {
  GPtrArray *children = g_hash_table_lookup(tree->buried, &key->parent);
  if (children == NULL) {
    children = g_ptr_array_new();
    g_hash_table_insert(tree->buried, g_memdup2(&key->parent, sizeof key->parent), children);
  }
  if (!key->is_buried)
    g_ptr_array_add(children, key);
  key->is_buried = TRUE;
}

PastKey *past_tree_get_key(PastTree *tree, gint64 id, GError **error) {
  PastKey *key = g_hash_table_lookup(tree->keys, &id);
  if (key != NULL)
    return key;
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(tree->store, id, &row, error))
    return NULL;
  key = g_new0(PastKey, 1);
  key->id = id;
  key->parent = row->parent;
  key->present = row->live;
  key->name = g_steal_pointer(&row->name);
  key->class_name = g_steal_pointer(&row->class_name);
  key->link = g_steal_pointer(&row->link);
  key->link_by_administrator = row->link_by_administrator;
  key->is_volatile = row->is_volatile;
  if (!load_own_list(tree, key, row->acl, error)) {
    past_key_free(key);
    return NULL;
  }
  g_hash_table_insert(tree->keys, g_memdup2(&id, sizeof id), key);
  if (!key->present)
    note_buried(tree, key);
  return key;
}

static gboolean load_values(PastTree *tree, PastKey *key, GError **error) {
  if (key->values != NULL)
    return TRUE;
  g_autoptr(GPtrArray) rows = store_list_values(tree->store, key->id, error);
  if (rows == NULL)
    return FALSE;
  key->values =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)past_value_free);
  for (guint i = 0; i < rows->len; i++) {
    ValueRow *row = g_ptr_array_index(rows, i);
    gboolean secret = FALSE;
    if (!history_was_secret(tree->store, key->id, row, &secret, error))
      return FALSE;
    PastValue *value = g_new0(PastValue, 1);
    value->secret = secret;
    value->name = g_steal_pointer(&row->name);
    value->value = g_steal_pointer(&row->value);
    value->position = row->position;
    g_hash_table_insert(key->values, path_fold(value->name), value);
  }
  return TRUE;
}

/* ---- undoing ---- */

static gboolean undo_link(PastKey *key, const Difference *difference) {
  g_free(key->link);
  key->link =
      difference->old_value != NULL ? registry_value_dup_string(difference->old_value) : NULL;
  return TRUE;
}

static gboolean undo_value(PastTree *tree, PastKey *key, const Difference *difference,
                           GError **error) {
  if (difference->reroutes)
    return undo_link(key, difference);
  if (!load_values(tree, key, error))
    return FALSE;
  g_autofree char *fold = path_fold(difference->name);
  if (difference->old_value == NULL && !difference->old_purged) {
    g_hash_table_remove(key->values, fold);
    return TRUE;
  }
  PastValue *value = g_new0(PastValue, 1);
  value->name = g_strdup(difference->name);
  value->value = difference->old_value != NULL ? registry_value_ref(difference->old_value) : NULL;
  value->position = difference->old_position;
  value->secret = difference->secret || difference->old_secret;
  value->touched = TRUE;
  g_hash_table_insert(key->values, g_steal_pointer(&fold), value);
  return TRUE;
}

static gboolean undo_deletion(PastKey *key, const Difference *difference, GError **error) {
  g_autoptr(KeyRow) row = g_new0(KeyRow, 1);
  Acl *own = NULL;
  if (!history_decode_key(difference->old_state, row, &own, error))
    return FALSE;
  key->present = TRUE;
  g_free(key->name);
  g_free(key->class_name);
  g_free(key->link);
  acl_unref(key->own);
  key->name = g_steal_pointer(&row->name);
  key->class_name = g_steal_pointer(&row->class_name);
  key->link = g_steal_pointer(&row->link);
  key->link_by_administrator = row->link_by_administrator;
  key->is_volatile = row->is_volatile;
  key->own = own;
  return TRUE;
}

static gboolean undo_list(PastKey *key, const Difference *difference, GError **error) {
  Acl *own = NULL;
  if (!history_decode_acl(difference->old_state, &own, error))
    return FALSE;
  acl_unref(key->own);
  key->own = own;
  return TRUE;
}

static gboolean undo(PastTree *tree, PastKey *key, const Difference *difference, GError **error) {
  switch (difference->kind) {
  case CHANGE_VALUE_SET:
  case CHANGE_VALUE_DELETED:
    return undo_value(tree, key, difference, error);
  case CHANGE_KEY_CREATED:
    key->present = FALSE;
    return TRUE;
  case CHANGE_KEY_DELETED:
    return undo_deletion(key, difference, error);
  case CHANGE_ACL_CHANGED:
    return undo_list(key, difference, error);
  case CHANGE_LOCK_CHANGED: /* a lock is no part of the tree's state */
  case CHANGE_LINK_CHANGED: /* never recorded */
  case CHANGE_TREE_CHANGED:
    break;
  }
  return TRUE;
}

static gboolean mark_touched(PastTree *tree, PastKey *key, GError **error) {
  key->touched = TRUE;
  gint64 id = key->id;
  while (id != 0 && !g_hash_table_contains(tree->touched, &id)) {
    add_id(tree->touched, id);
    PastKey *at = past_tree_get_key(tree, id, error);
    if (at == NULL)
      return FALSE;
    id = at->parent;
  }
  return TRUE;
}

static gboolean undo_row(const Difference *difference, G_GNUC_UNUSED guint64 revision,
                         gpointer data, GError **error) {
  PastTree *tree = data;
  gboolean holds = FALSE;
  if (!history_branch_holds(tree->branch, difference->key, &holds, error))
    return FALSE;
  if (!holds && !g_hash_table_contains(tree->above, &difference->key))
    return TRUE;
  PastKey *key = past_tree_get_key(tree, difference->key, error);
  return key != NULL && undo(tree, key, difference, error) &&
         (!holds || mark_touched(tree, key, error));
}

static gboolean note_above(PastTree *tree, gint64 root, GError **error) {
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(tree->store, root, &row, error))
    return FALSE;
  while (row->parent != 0) {
    gint64 parent = row->parent;
    add_id(tree->above, parent);
    g_clear_pointer(&row, key_row_free);
    if (!store_get_key(tree->store, parent, &row, error))
      return FALSE;
  }
  return TRUE;
}

static GArray *list_ids(GHashTable *table) {
  GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  GHashTableIter iter;
  gpointer id = NULL;
  g_hash_table_iter_init(&iter, table);
  while (g_hash_table_iter_next(&iter, &id, NULL))
    g_array_append_val(ids, *(const gint64 *)id);
  return ids;
}

PastTree *past_tree_new(Store *store, gint64 root, guint64 revision, GError **error) {
  g_autoptr(PastTree) tree = g_new0(PastTree, 1);
  tree->store = store;
  tree->keys = new_id_table((GDestroyNotify)past_key_free);
  tree->buried = new_id_table((GDestroyNotify)g_ptr_array_unref);
  tree->touched = new_id_table(NULL);
  tree->above = new_id_table(NULL);
  tree->branch = history_branch_new(store, root);
  if (!note_above(tree, root, error))
    return NULL;
  g_autoptr(GArray) above = list_ids(tree->above);
  return history_visit_branch(store, &(HistoryBranchRange){root, revision, above},
                              &(HistoryVisitor){undo_row, tree}, error)
             ? g_steal_pointer(&tree)
             : NULL;
}

/* ---- reading ---- */

gboolean past_tree_is_touched(PastTree *tree, gint64 id) {
  return g_hash_table_contains(tree->touched, &id);
}

gboolean past_tree_bury(PastTree *tree, PastKey *key, GError **error) {
  add_id(tree->touched, key->id);
  g_autoptr(GPtrArray) rows = store_list_children(tree->store, key->id, NULL, error);
  if (rows == NULL || !load_values(tree, key, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++) {
    PastKey *child = past_tree_get_key(tree, ((KeyRow *)g_ptr_array_index(rows, i))->id, error);
    if (child == NULL || !past_tree_bury(tree, child, error))
      return FALSE;
    note_buried(tree, child);
  }
  return TRUE;
}

static gint compare_keys(gconstpointer a, gconstpointer b) {
  const PastKey *first = *(const PastKey *const *)a;
  const PastKey *second = *(const PastKey *const *)b;
  return path_compare_names(first->name, second->name);
}

GPtrArray *past_tree_list_children(PastTree *tree, gint64 id, GError **error) {
  g_autoptr(GPtrArray) rows = store_list_children(tree->store, id, NULL, error);
  g_autoptr(GPtrArray) children = g_ptr_array_new();
  if (rows == NULL)
    return NULL;
  GPtrArray *buried = g_hash_table_lookup(tree->buried, &id);
  for (guint i = 0; buried != NULL && i < buried->len; i++) {
    PastKey *key = g_ptr_array_index(buried, i);
    if (key->present)
      g_ptr_array_add(children, key);
  }
  for (guint i = 0; i < rows->len; i++) {
    PastKey *key = past_tree_get_key(tree, ((KeyRow *)g_ptr_array_index(rows, i))->id, error);
    if (key == NULL)
      return NULL;
    if (key->present)
      g_ptr_array_add(children, key);
  }
  g_ptr_array_sort(children, compare_keys);
  return g_steal_pointer(&children);
}

static gint compare_values(gconstpointer a, gconstpointer b) {
  const PastValue *first = *(const PastValue *const *)a;
  const PastValue *second = *(const PastValue *const *)b;
  return first->position < second->position ? -1 : first->position > second->position;
}

GPtrArray *past_tree_list_values(PastTree *tree, PastKey *key, GError **error) {
  if (!load_values(tree, key, error))
    return NULL;
  g_autoptr(GPtrArray) values = g_ptr_array_new();
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, key->values);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    g_ptr_array_add(values, value);
  g_ptr_array_sort(values, compare_values);
  return g_steal_pointer(&values);
}

gboolean past_tree_get_acl(PastTree *tree, gint64 id, Acl **acl, GError **error) {
  *acl = NULL;
  while (id != 0) {
    PastKey *key = past_tree_get_key(tree, id, error);
    if (key == NULL)
      return FALSE;
    *acl = key->own;
    if (key->own != NULL)
      return TRUE;
    id = key->parent;
  }
  return TRUE;
}

gboolean past_tree_get_acl_around(PastTree *tree, gint64 id, Acl **acl, GError **error) {
  PastKey *key = past_tree_get_key(tree, id, error);
  while (key != NULL && !key->present)
    key = past_tree_get_key(tree, key->parent, error);
  return key != NULL && past_tree_get_acl(tree, key->id, acl, error);
}

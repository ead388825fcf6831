/* SPDX-License-Identifier: MIT */
/* Making a branch again what it was at a revision: the past
 * is compared with what is there, and each difference is made as its owner
 * would make it by hand, with the same rights, schemas and limits. */
#include "client/base/error.h"
#include "regd/history/past-tree.h"
#include "regd/history/retention.h"
#include "regd/tree/place.h"
#include "regd/write/edit-keys.h"
#include "regd/write/edit-values.h"
#include "regd/write/operations.h"

/* Rows of values, borrowed, by folded name. */
static GHashTable *index_values(const GPtrArray *rows) {
  GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < rows->len; i++) {
    ValueRow *row = g_ptr_array_index(rows, i);
    g_hash_table_insert(index, path_fold(row->name), row);
  }
  return index;
}

/* Deletes those of @rows that are in @left, in their order. */
static gboolean delete_values(Edit *edit, const GPtrArray *rows, GHashTable *left,
                              const KeyRow *key, gint64 acl, const char *path, GError **error) {
  for (guint i = 0; i < rows->len && g_hash_table_size(left) > 0; i++) {
    ValueRow *row = g_ptr_array_index(rows, i);
    g_autofree char *fold = path_fold(row->name);
    if (g_hash_table_remove(left, fold) && !edit_delete_row(edit, key->id, acl, path, row, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_as_it_was(const ValueRow *now, const PastValue *then) {
  return now != NULL && registry_value_equal(now->value, then->value) &&
         now->position == then->position && g_str_equal(now->name, then->name);
}

static gboolean restore_values(Edit *edit, PastTree *tree, PastKey *past, const KeyRow *row,
                               gint64 acl, const char *path, GError **error) {
  g_autoptr(GPtrArray) then = past_tree_list_values(tree, past, error);
  g_autoptr(GPtrArray) rows = then != NULL ? store_list_values(edit->store, row->id, error) : NULL;
  if (rows == NULL)
    return FALSE;
  g_autoptr(GHashTable) now = index_values(rows);
  for (guint i = 0; i < then->len; i++) {
    const PastValue *value = g_ptr_array_index(then, i);
    g_autofree char *fold = path_fold(value->name);
    if (value->value == NULL)
      return error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                       "%s: %s: its old data has been forgotten on purpose", path, value->name);
    if (!is_as_it_was(g_hash_table_lookup(now, fold), value) &&
        (!edit_check_value(edit, path, value->name, value->value, error) ||
         !edit_put_back(edit, row->id, acl, path, value->name, value->value, value->position,
                        error)))
      return FALSE;
    g_hash_table_remove(now, fold);
  }
  return delete_values(edit, rows, now, row, acl, path, error);
}

/* ---- keys ---- */

static gboolean same_list(Edit *edit, gint64 id, const Acl *own, gboolean *same, GError **error) {
  Acl *now = NULL;
  if (!store_load_acl(edit->store, id, &now, error))
    return FALSE;
  *same = now == own || (now != NULL && own != NULL && acl_equal(now, own));
  return TRUE;
}

static gboolean restore_list(Edit *edit, PastKey *past, KeyRow *row, gint64 above, const char *path,
                             GError **error) {
  gboolean same = FALSE;
  gint64 id = 0;
  if (!same_list(edit, row->acl, past->own, &same, error))
    return FALSE;
  if (same)
    return TRUE;
  return edit_require(edit, edit_deciding(row, above), path, ACCESS_CONTROL, error) &&
         store_intern_acl(edit->store, past->own, &id, error) &&
         edit_set_list(edit, row, above, id, error);
}

static gboolean same_attributes(const PastKey *past, const KeyRow *row) {
  return g_str_equal(past->name, row->name) && g_strcmp0(past->class_name, row->class_name) == 0 &&
         g_strcmp0(past->link, row->link) == 0 && past->is_volatile == row->is_volatile;
}

static KeyRow *make_row(const PastKey *past) {
  KeyRow *row = g_new0(KeyRow, 1);
  row->id = past->id;
  row->parent = past->parent;
  row->name = g_strdup(past->name);
  row->class_name = g_strdup(past->class_name);
  row->link = g_strdup(past->link);
  row->link_by_administrator = past->link_by_administrator;
  row->is_volatile = past->is_volatile;
  return row;
}

/* Puts a key back that is gone; below one that is volatile now it is so too. */
static gboolean revive(Edit *edit, PastKey *past, gint64 above, const char *parent, KeyRow **row,
                       GError **error) {
  *row = make_row(past);
  g_autoptr(KeyRow) gone = NULL;
  g_autoptr(KeyRow) holder = NULL;
  if (!store_get_key(edit->store, past->id, &gone, error) ||
      !store_get_key(edit->store, past->parent, &holder, error))
    return FALSE;
  (*row)->is_volatile |= holder->is_volatile;
  AccessLevel needed = past->own != NULL ? ACCESS_CONTROL : ACCESS_WRITE;
  if (!resolve_is_gone_branch(gone, edit->who) && !edit_require(edit, above, parent, needed, error))
    return FALSE;
  if (past->own != NULL && !store_intern_acl(edit->store, past->own, &(*row)->acl, error))
    return FALSE;
  return edit_insert(edit, *row, above, error);
}

static gboolean restore_key(Edit *edit, PastTree *tree, gint64 id, gint64 above, const char *parent,
                            GError **error);

/* A key that is there and was not. */
static gboolean remove_new(Edit *edit, PastTree *tree, const KeyRow *row, gint64 above,
                           GError **error) {
  const PastKey *past = past_tree_get_key(tree, row->id, error);
  return past != NULL && (past->present || edit_delete_tree(edit, row, above, error));
}

static gboolean restore_children(Edit *edit, PastTree *tree, gint64 id, gint64 acl,
                                 const char *path, GError **error) {
  g_autoptr(GPtrArray) now = store_list_children(edit->store, id, NULL, error);
  g_autoptr(GPtrArray) then = now != NULL ? past_tree_list_children(tree, id, error) : NULL;
  if (then == NULL)
    return FALSE;
  for (guint i = 0; i < now->len; i++)
    if (!remove_new(edit, tree, g_ptr_array_index(now, i), acl, error))
      return FALSE;
  for (guint i = 0; i < then->len; i++)
    if (!restore_key(edit, tree, ((PastKey *)g_ptr_array_index(then, i))->id, acl, path, error))
      return FALSE;
  return TRUE;
}

static gboolean restore_contents(Edit *edit, PastTree *tree, PastKey *past, KeyRow *row,
                                 gint64 above, GError **error) {
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gint64 acl = edit_deciding(row, above);
  gboolean done = edit_require(edit, acl, path, ACCESS_WRITE, error) &&
                  restore_list(edit, past, row, above, path, error) &&
                  (past->link != NULL ||
                   (restore_values(edit, tree, past, row, edit_deciding(row, above), path, error) &&
                    restore_children(edit, tree, row->id, edit_deciding(row, above), path, error)));
  g_ref_string_release(path);
  return done;
}

/* A key that is there and was there, but as another: link, class, spelling. */
static gboolean replace(Edit *edit, PastTree *tree, PastKey *past, KeyRow *row, gint64 above,
                        const char *parent, KeyRow **made, GError **error) {
  return past_tree_bury(tree, past, error) && edit_delete_tree(edit, row, above, error) &&
         revive(edit, past, above, parent, made, error);
}

static gboolean restore_key(Edit *edit, PastTree *tree, gint64 id, gint64 above, const char *parent,
                            GError **error) {
  if (!past_tree_is_touched(tree, id))
    return TRUE;
  PastKey *past = past_tree_get_key(tree, id, error);
  g_autoptr(KeyRow) row = NULL;
  if (past == NULL || !store_get_key(edit->store, id, &row, error))
    return FALSE;
  if (!past->present)
    return !row->live || edit_delete_tree(edit, row, above, error);
  g_autoptr(KeyRow) made = NULL;
  if (!row->live && !revive(edit, past, above, parent, &made, error))
    return FALSE;
  if (row->live && !same_attributes(past, row) &&
      !replace(edit, tree, past, row, above, parent, &made, error))
    return FALSE;
  return restore_contents(edit, tree, past, made != NULL ? made : row, above, error);
}

/* ---- keys that are gone, and keys above them ---- */

/* The dead rows of what @place misses, the last one that of the key itself. */
static GArray *find_gone(Edit *edit, const Place *place, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 above = place->key->id;
  for (guint i = 0; i < place->missing->len; i++) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, i));
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_child(edit->store, above, fold, FALSE, &dead, error))
      return NULL;
    if (dead == NULL) {
      error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND,
                "%s: there is no such key, nor was there one that history knows of", place->path);
      return NULL;
    }
    above = dead->id;
    g_array_append_val(rows, above);
  }
  return g_steal_pointer(&rows);
}

/* What was above the key is made again without its values, but with its access
 * lists: nothing gets readable by having its shelter left out. */
static gboolean restore_gone(Edit *edit, const Place *place, guint64 revision, GError **error) {
  g_autoptr(GArray) rows = find_gone(edit, place, error);
  if (rows == NULL)
    return FALSE;
  gint64 id = g_array_index(rows, gint64, rows->len - 1);
  g_autoptr(PastTree) tree =
      past_tree_new(edit->store, g_array_index(rows, gint64, 0), revision, error);
  const PastKey *past = tree != NULL ? past_tree_get_key(tree, id, error) : NULL;
  if (past == NULL || !past->present)
    return past != NULL;
  GRefString *parent = store_get_path(edit->store, place->key->id, error);
  gint64 above = place->acl_id;
  for (guint i = 0; parent != NULL && i + 1 < rows->len; i++) {
    g_autoptr(KeyRow) made = NULL;
    PastKey *shelter = past_tree_get_key(tree, g_array_index(rows, gint64, i), error);
    gboolean revived = shelter != NULL && revive(edit, shelter, above, parent, &made, error);
    g_ref_string_release(parent);
    parent = revived ? store_get_path(edit->store, made->id, error) : NULL;
    above = revived ? edit_deciding(made, above) : above;
  }
  gboolean done = parent != NULL && restore_key(edit, tree, id, above, parent, error);
  g_clear_pointer(&parent, g_ref_string_release);
  return done;
}

static gboolean restore_present(Edit *edit, const Place *place, guint64 revision, GError **error) {
  gint64 above = 0;
  g_autoptr(PastTree) tree = past_tree_new(edit->store, place->key->id, revision, error);
  g_autofree char *parent = path_dup_parent(place->path);
  return tree != NULL && edit_find_above(edit, place->key, &above, error) &&
         restore_key(edit, tree, place->key->id, above, parent, error);
}

/* ---- the operation ---- */

static gboolean check_reach(Edit *edit, const Place *place, guint64 revision, GError **error) {
  guint64 horizon = 0;
  if (revision >= edit->revision)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: revision %" G_GUINT64_FORMAT " is still to come", place->path, revision);
  if (!retention_get_horizon(edit->store, edit->settings, place->path, edit->now, &horizon, error))
    return FALSE;
  return revision >= horizon || error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                                          "%s: history reaches back to revision %" G_GUINT64_FORMAT
                                          ", not to %" G_GUINT64_FORMAT,
                                          place->path, horizon, revision);
}

gboolean apply_rollback(Edit *edit, const Operation *operation, GError **error) {
  gboolean no_follow = (operation->flags & OPERATION_NO_FOLLOW) != 0;
  g_autoptr(Place) place = resolve(edit->store, edit->who, operation->key,
                                   no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW, error);
  if (place == NULL || !place_require(place, edit->who, ACCESS_READ, error) ||
      !check_reach(edit, place, operation->revision, error))
    return FALSE;
  edit_forget_place(edit);
  return (place_exists(place) ? restore_present : restore_gone)(edit, place, operation->revision,
                                                                error);
}

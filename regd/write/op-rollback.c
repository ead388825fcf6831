/* SPDX-License-Identifier: MIT */
/* Brings a branch back to its state at a revision: the past is compared with what is stored,
 * and each difference is made as its owner would make it by hand, with the same rights,
 * schemas and limits. */
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
static gboolean delete_values(Edit *edit, const KeyAt *at, const GPtrArray *rows, GHashTable *left,
                              GError **error) {
  for (guint i = 0; i < rows->len && g_hash_table_size(left) > 0; i++) {
    ValueRow *row = g_ptr_array_index(rows, i);
    g_autofree char *fold = path_fold(row->name);
    if (g_hash_table_remove(left, fold) && !edit_delete_row(edit, at, row, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_as_it_was(const ValueRow *now, const PastValue *then) {
  return now != NULL && registry_value_equal(now->value, then->value) &&
         now->position == then->position && g_str_equal(now->name, then->name);
}

static gboolean restore_value(Edit *edit, const KeyAt *at, const PastValue *then, GError **error) {
  const NewValue old = {.name = then->name, .value = then->value, .position = then->position};
  return edit_check_value(edit, at->path, then->name, then->value, error) &&
         edit_put_back(edit, at, old, error);
}

/* The branch that is restored. */
typedef struct {
  Edit *edit;
  PastTree *tree;
} Rollback;

static gboolean restore_values(const Rollback *rollback, PastKey *past, const KeyAt *at,
                               GError **error) {
  Edit *edit = rollback->edit;
  g_autoptr(GPtrArray) then = past_tree_list_values(rollback->tree, past, error);
  g_autoptr(GPtrArray) rows = then != NULL ? store_list_values(edit->store, at->id, error) : NULL;
  if (rows == NULL)
    return FALSE;
  g_autoptr(GHashTable) now = index_values(rows);
  for (guint i = 0; i < then->len; i++) {
    const PastValue *value = g_ptr_array_index(then, i);
    g_autofree char *fold = path_fold(value->name);
    if (value->value == NULL)
      return error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                       "%s: %s: its old data has been forgotten on purpose", at->path, value->name);
    if (!is_as_it_was(g_hash_table_lookup(now, fold), value) &&
        !restore_value(edit, at, value, error))
      return FALSE;
    g_hash_table_remove(now, fold);
  }
  return delete_values(edit, at, rows, now, error);
}

/* ---- keys ---- */

static gboolean same_list(Edit *edit, gint64 id, const Acl *own, gboolean *same, GError **error) {
  Acl *now = NULL;
  if (!store_load_acl(edit->store, id, &now, error))
    return FALSE;
  *same = now == own || (now != NULL && own != NULL && acl_equal(now, own));
  return TRUE;
}

static gboolean require_control(Edit *edit, const KeyRow *row, gint64 above, GError **error) {
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gboolean allowed = edit_require(edit, edit_deciding(row, above), path, ACCESS_CONTROL, error);
  g_ref_string_release(path);
  return allowed;
}

static gboolean restore_list(Edit *edit, PastKey *past, KeyRow *row, gint64 above, GError **error) {
  gboolean same = FALSE;
  gint64 id = 0;
  if (!same_list(edit, row->acl, past->own, &same, error))
    return FALSE;
  return same || (require_control(edit, row, above, error) &&
                  store_intern_acl(edit->store, past->own, &id, error) &&
                  edit_set_list(edit, row, above, id, error));
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

/* Puts a deleted key back below @parent. Below a volatile key it becomes volatile too. */
static KeyRow *revive(Edit *edit, PastKey *past, const KeyAt *parent, GError **error) {
  g_autoptr(KeyRow) row = make_row(past);
  g_autoptr(KeyRow) gone = NULL;
  g_autoptr(KeyRow) holder = NULL;
  if (!store_get_key(edit->store, past->id, &gone, error) ||
      !store_get_key(edit->store, past->parent, &holder, error))
    return NULL;
  row->is_volatile |= holder->is_volatile;
  AccessLevel needed = past->own != NULL ? ACCESS_CONTROL : ACCESS_WRITE;
  if (!resolve_is_gone_branch(gone, edit->who) &&
      !edit_require(edit, parent->acl, parent->path, needed, error))
    return NULL;
  if (past->own != NULL && !store_intern_acl(edit->store, past->own, &row->acl, error))
    return NULL;
  return edit_insert(edit, row, parent->acl, error) ? g_steal_pointer(&row) : NULL;
}

static gboolean restore_key(const Rollback *rollback, gint64 id, const KeyAt *parent,
                            GError **error);

/* Deletes a key that exists now and did not exist then. */
static gboolean remove_new(const Rollback *rollback, const KeyRow *row, gint64 above,
                           GError **error) {
  const PastKey *past = past_tree_get_key(rollback->tree, row->id, error);
  return past != NULL && (past->present || edit_delete_tree(rollback->edit, row, above, error));
}

static gboolean restore_children(const Rollback *rollback, const KeyAt *at, GError **error) {
  g_autoptr(GPtrArray) now = store_list_children(rollback->edit->store, at->id, NULL, error);
  g_autoptr(GPtrArray) then =
      now != NULL ? past_tree_list_children(rollback->tree, at->id, error) : NULL;
  if (then == NULL)
    return FALSE;
  for (guint i = 0; i < now->len; i++)
    if (!remove_new(rollback, g_ptr_array_index(now, i), at->acl, error))
      return FALSE;
  for (guint i = 0; i < then->len; i++)
    if (!restore_key(rollback, ((PastKey *)g_ptr_array_index(then, i))->id, at, error))
      return FALSE;
  return TRUE;
}

static gboolean restore_contents(const Rollback *rollback, PastKey *past, KeyRow *row, gint64 above,
                                 GError **error) {
  Edit *edit = rollback->edit;
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  KeyAt at = {row->id, edit_deciding(row, above), path};
  gboolean done = edit_require(edit, at.acl, path, ACCESS_WRITE, error) &&
                  restore_list(edit, past, row, above, error);
  at.acl = edit_deciding(row, above);
  done = done && (past->link != NULL || (restore_values(rollback, past, &at, error) &&
                                         restore_children(rollback, &at, error)));
  g_ref_string_release(path);
  return done;
}

/* Makes a key again that had another class, link or spelling. */
static KeyRow *replace(const Rollback *rollback, PastKey *past, const KeyRow *row,
                       const KeyAt *parent, GError **error) {
  return past_tree_bury(rollback->tree, past, error) &&
                 edit_delete_tree(rollback->edit, row, parent->acl, error)
             ? revive(rollback->edit, past, parent, error)
             : NULL;
}

static gboolean restore_key(const Rollback *rollback, gint64 id, const KeyAt *parent,
                            GError **error) {
  if (!past_tree_is_touched(rollback->tree, id))
    return TRUE;
  PastKey *past = past_tree_get_key(rollback->tree, id, error);
  g_autoptr(KeyRow) row = NULL;
  if (past == NULL || !store_get_key(rollback->edit->store, id, &row, error))
    return FALSE;
  if (!past->present)
    return !row->live || edit_delete_tree(rollback->edit, row, parent->acl, error);
  if (row->live && same_attributes(past, row))
    return restore_contents(rollback, past, row, parent->acl, error);
  g_autoptr(KeyRow) made = row->live ? replace(rollback, past, row, parent, error)
                                     : revive(rollback->edit, past, parent, error);
  return made != NULL && restore_contents(rollback, past, made, parent->acl, error);
}

/* ---- keys that are gone, and keys above them ---- */

/* The dead rows of the missing part of @place; the last one is that of the key itself. */
static GArray *find_gone(Edit *edit, const Place *place, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 above = place->key->id;
  for (guint i = 0; i < place->missing->len; i++) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, i));
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_dead_child(edit->store, above, fold, &dead, error))
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

/* Makes the keys above the last of @rows again, then restores that one. They come back
 * without their values, but with their access lists: else what these keep from readers
 * would be readable. */
static gboolean restore_rows(const Rollback *rollback, const GArray *rows, guint next,
                             const KeyAt *parent, GError **error) {
  gint64 id = g_array_index(rows, gint64, next);
  if (next + 1 == rows->len)
    return restore_key(rollback, id, parent, error);
  PastKey *past = past_tree_get_key(rollback->tree, id, error);
  g_autoptr(KeyRow) made = past != NULL ? revive(rollback->edit, past, parent, error) : NULL;
  GRefString *path = made != NULL ? store_get_path(rollback->edit->store, made->id, error) : NULL;
  if (path == NULL)
    return FALSE;
  const KeyAt at = {made->id, edit_deciding(made, parent->acl), path};
  gboolean done = restore_rows(rollback, rows, next + 1, &at, error);
  g_ref_string_release(path);
  return done;
}

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
  GRefString *path = store_get_path(edit->store, place->key->id, error);
  if (path == NULL)
    return FALSE;
  const KeyAt parent = {place->key->id, place->acl_id, path};
  gboolean done = restore_rows(&(Rollback){edit, tree}, rows, 0, &parent, error);
  g_ref_string_release(path);
  return done;
}

static gboolean restore_present(Edit *edit, const Place *place, guint64 revision, GError **error) {
  g_autoptr(PastTree) tree = past_tree_new(edit->store, place->key->id, revision, error);
  g_autofree char *path = path_dup_parent(place->path);
  KeyAt parent = {.id = place->key->parent, .path = path};
  return tree != NULL && edit_find_above(edit, place->key, &parent.acl, error) &&
         restore_key(&(Rollback){edit, tree}, place->key->id, &parent, error);
}

/* ---- the operation ---- */

static gboolean check_reach(Edit *edit, const Place *place, guint64 revision, GError **error) {
  guint64 horizon = 0;
  if (revision >= edit->revision)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: revision %" G_GUINT64_FORMAT " is still to come", place->path, revision);
  const Retention retention = {edit->store, edit->settings, edit->now};
  if (!retention_get_horizon(&retention, place->path, &horizon, error))
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

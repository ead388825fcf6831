/* SPDX-License-Identifier: MIT */
/* Making a branch again what it was at a revision (see edit.h): the past
 * is compared with what is there, and each difference is made as its owner
 * would make it by hand, with the same rights, schemas and limits. */
#include "client/base/error.h"
#include "regd/history/past-tree.h"
#include "regd/write/edit.h"

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
static gboolean delete_values(Application *application, const GPtrArray *rows, GHashTable *left,
                              const KeyRow *key, gint64 acl, const char *path, GError **error) {
  for (guint i = 0; i < rows->len && g_hash_table_size(left) > 0; i++) {
    ValueRow *row = g_ptr_array_index(rows, i);
    g_autofree char *fold = path_fold(row->name);
    if (g_hash_table_remove(left, fold) &&
        !application_delete_row(application, key->id, acl, path, row, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_as_it_was(const ValueRow *now, const PastValue *then) {
  return now != NULL && registry_value_equal(now->value, then->value) &&
         now->position == then->position && g_str_equal(now->name, then->name);
}

static gboolean restore_values(Application *application, PastTree *tree, PastKey *past,
                               const KeyRow *row, gint64 acl, const char *path, GError **error) {
  g_autoptr(GPtrArray) then = past_tree_list_values(tree, past, error);
  g_autoptr(GPtrArray) rows =
      then != NULL ? store_list_values(application->store, row->id, error) : NULL;
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
        (!application_check_value(application, path, value->name, value->value, error) ||
         !application_put_back(application, row->id, acl, path, value->name, value->value,
                               value->position, error)))
      return FALSE;
    g_hash_table_remove(now, fold);
  }
  return delete_values(application, rows, now, row, acl, path, error);
}

/* ---- keys ---- */

static gboolean same_list(Application *application, gint64 id, const Acl *own, gboolean *same,
                          GError **error) {
  Acl *now = NULL;
  if (!store_load_acl(application->store, id, &now, error))
    return FALSE;
  *same = now == own || (now != NULL && own != NULL && acl_equal(now, own));
  return TRUE;
}

static gboolean restore_list(Application *application, PastKey *past, KeyRow *row, gint64 above,
                             const char *path, GError **error) {
  gboolean same = FALSE;
  gint64 id = 0;
  if (!same_list(application, row->acl, past->own, &same, error))
    return FALSE;
  if (same)
    return TRUE;
  return application_require(application, application_deciding(row, above), path, ACCESS_CONTROL,
                             error) &&
         store_intern_acl(application->store, past->own, &id, error) &&
         application_set_list(application, row, above, id, error);
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
static gboolean revive(Application *application, PastKey *past, gint64 above, const char *parent,
                       KeyRow **row, GError **error) {
  *row = make_row(past);
  g_autoptr(KeyRow) gone = NULL;
  g_autoptr(KeyRow) holder = NULL;
  if (!store_get_key(application->store, past->id, &gone, error) ||
      !store_get_key(application->store, past->parent, &holder, error))
    return FALSE;
  (*row)->is_volatile |= holder->is_volatile;
  AccessLevel needed = past->own != NULL ? ACCESS_CONTROL : ACCESS_WRITE;
  if (!resolve_is_gone_branch(gone, application->who) &&
      !application_require(application, above, parent, needed, error))
    return FALSE;
  if (past->own != NULL && !store_intern_acl(application->store, past->own, &(*row)->acl, error))
    return FALSE;
  return application_insert(application, *row, above, error);
}

static gboolean restore_key(Application *application, PastTree *tree, gint64 id, gint64 above,
                            const char *parent, GError **error);

/* A key that is there and was not. */
static gboolean remove_new(Application *application, PastTree *tree, const KeyRow *row,
                           gint64 above, GError **error) {
  const PastKey *past = past_tree_get_key(tree, row->id, error);
  return past != NULL && (past->present || application_delete_tree(application, row, above, error));
}

static gboolean restore_children(Application *application, PastTree *tree, gint64 id, gint64 acl,
                                 const char *path, GError **error) {
  g_autoptr(GPtrArray) now = store_list_children(application->store, id, NULL, error);
  g_autoptr(GPtrArray) then = now != NULL ? past_tree_list_children(tree, id, error) : NULL;
  if (then == NULL)
    return FALSE;
  for (guint i = 0; i < now->len; i++)
    if (!remove_new(application, tree, g_ptr_array_index(now, i), acl, error))
      return FALSE;
  for (guint i = 0; i < then->len; i++)
    if (!restore_key(application, tree, ((PastKey *)g_ptr_array_index(then, i))->id, acl, path,
                     error))
      return FALSE;
  return TRUE;
}

static gboolean restore_contents(Application *application, PastTree *tree, PastKey *past,
                                 KeyRow *row, gint64 above, GError **error) {
  GRefString *path = store_get_path(application->store, row->id, error);
  if (path == NULL)
    return FALSE;
  gint64 acl = application_deciding(row, above);
  gboolean done =
      application_require(application, acl, path, ACCESS_WRITE, error) &&
      restore_list(application, past, row, above, path, error) &&
      (past->link != NULL || (restore_values(application, tree, past, row,
                                             application_deciding(row, above), path, error) &&
                              restore_children(application, tree, row->id,
                                               application_deciding(row, above), path, error)));
  g_ref_string_release(path);
  return done;
}

/* A key that is there and was there, but as another: link, class, spelling. */
static gboolean replace(Application *application, PastTree *tree, PastKey *past, KeyRow *row,
                        gint64 above, const char *parent, KeyRow **made, GError **error) {
  return past_tree_bury(tree, past, error) &&
         application_delete_tree(application, row, above, error) &&
         revive(application, past, above, parent, made, error);
}

static gboolean restore_key(Application *application, PastTree *tree, gint64 id, gint64 above,
                            const char *parent, GError **error) {
  if (!past_tree_is_touched(tree, id))
    return TRUE;
  PastKey *past = past_tree_get_key(tree, id, error);
  g_autoptr(KeyRow) row = NULL;
  if (past == NULL || !store_get_key(application->store, id, &row, error))
    return FALSE;
  if (!past->present)
    return !row->live || application_delete_tree(application, row, above, error);
  g_autoptr(KeyRow) made = NULL;
  if (!row->live && !revive(application, past, above, parent, &made, error))
    return FALSE;
  if (row->live && !same_attributes(past, row) &&
      !replace(application, tree, past, row, above, parent, &made, error))
    return FALSE;
  return restore_contents(application, tree, past, made != NULL ? made : row, above, error);
}

/* ---- keys that are gone, and keys above them ---- */

/* The dead rows of what @place misses, the last one that of the key itself. */
static GArray *find_gone(Application *application, const Place *place, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 above = place->key->id;
  for (guint i = 0; i < place->missing->len; i++) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, i));
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_child(application->store, above, fold, FALSE, &dead, error))
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
static gboolean restore_gone(Application *application, const Place *place, guint64 revision,
                             GError **error) {
  g_autoptr(GArray) rows = find_gone(application, place, error);
  if (rows == NULL)
    return FALSE;
  gint64 id = g_array_index(rows, gint64, rows->len - 1);
  g_autoptr(PastTree) tree =
      past_tree_new(application->store, g_array_index(rows, gint64, 0), revision, error);
  const PastKey *past = tree != NULL ? past_tree_get_key(tree, id, error) : NULL;
  if (past == NULL || !past->present)
    return past != NULL;
  GRefString *parent = store_get_path(application->store, place->key->id, error);
  gint64 above = place->acl_id;
  for (guint i = 0; parent != NULL && i + 1 < rows->len; i++) {
    g_autoptr(KeyRow) made = NULL;
    PastKey *shelter = past_tree_get_key(tree, g_array_index(rows, gint64, i), error);
    gboolean revived = shelter != NULL && revive(application, shelter, above, parent, &made, error);
    g_ref_string_release(parent);
    parent = revived ? store_get_path(application->store, made->id, error) : NULL;
    above = revived ? application_deciding(made, above) : above;
  }
  gboolean done = parent != NULL && restore_key(application, tree, id, above, parent, error);
  g_clear_pointer(&parent, g_ref_string_release);
  return done;
}

static gboolean restore_present(Application *application, const Place *place, guint64 revision,
                                GError **error) {
  gint64 above = 0;
  g_autoptr(PastTree) tree = past_tree_new(application->store, place->key->id, revision, error);
  g_autofree char *parent = path_dup_parent(place->path);
  return tree != NULL && application_find_above(application, place->key, &above, error) &&
         restore_key(application, tree, place->key->id, above, parent, error);
}

/* ---- the operation ---- */

static gboolean check_reach(Application *application, const Place *place, guint64 revision,
                            GError **error) {
  guint64 horizon = 0;
  if (revision >= application->revision)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: revision %" G_GUINT64_FORMAT " is still to come", place->path, revision);
  if (!retention_get_horizon(application->store, application->settings, place->path,
                             application->now, &horizon, error))
    return FALSE;
  return revision >= horizon || error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                                          "%s: history reaches back to revision %" G_GUINT64_FORMAT
                                          ", not to %" G_GUINT64_FORMAT,
                                          place->path, horizon, revision);
}

gboolean apply_rollback(Application *application, const Operation *operation, GError **error) {
  gboolean no_follow = (operation->flags & OPERATION_NO_FOLLOW) != 0;
  g_autoptr(Place) place = resolve(application->store, application->who, operation->key,
                                   no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW, error);
  if (place == NULL || !place_require(place, application->who, ACCESS_READ, error) ||
      !check_reach(application, place, operation->revision, error))
    return FALSE;
  application_forget_place(application);
  return (place_exists(place) ? restore_present : restore_gone)(application, place,
                                                                operation->revision, error);
}

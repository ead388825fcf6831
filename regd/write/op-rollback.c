/* SPDX-License-Identifier: MIT */
/* Brings a branch back to its state at a revision: the past is compared with what is stored,
 * and each difference is made as its owner would make it by hand, with the same rights,
 * schemas and limits. Makes history forget old data, too. */
#include "client/base/error.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/history/past-tree.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* The branch that is restored. */
typedef struct {
  Edit *edit;
  PastTree *tree;
  SightPaths *paths; /* what keys are called in refusals */
} Rollback;

static gboolean same_attributes(const PastKey *past, const KeyRow *row) {
  return g_str_equal(past->name, row->name) && g_strcmp0(past->class_name, row->class_name) == 0 &&
         g_strcmp0(past->link, row->link) == 0 && past->is_volatile == row->is_volatile;
}

/* ---- what the caller may bring back ---- */

/* A key before anything is restored. */
typedef struct {
  Acl *today, *then; /* the lists that decide there, and decided */
  const char *path;
  gboolean all; /* it is deleted and made again, with all that is in it */
} PastScene;

static gboolean judge(const Rollback *rollback, const PastScene *scene, const PastValue *value,
                      GError **error) {
  const PastThing thing = {.schemas = rollback->edit->schemas,
                           .today = scene->today,
                           .then = scene->then,
                           .path = scene->path,
                           .name = value != NULL ? value->name : NULL,
                           .was_secret = value != NULL && value->secret};
  if (sight_judge(&thing, rollback->edit->who) == SIGHT_SHOWN)
    return TRUE;
  if (value == NULL)
    return access_refuse(scene->path, ACCESS_READ, error);
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: %s: the value is secret, or was: an entry for you or your group with the "
                   "right \"read\" is needed to bring it back, everyone's does not count",
                   scene->path, value->name);
}

/* A value that has changed since counts as another, even if it is the same again: what is refused
 * must not tell that. */
static gboolean judge_values(const Rollback *rollback, PastKey *past, const PastScene *scene,
                             GError **error) {
  if (past->link != NULL)
    return TRUE;
  g_autoptr(GPtrArray) values = past_tree_list_values(rollback->tree, past, error);
  for (guint i = 0; values != NULL && i < values->len; i++) {
    const PastValue *value = g_ptr_array_index(values, i);
    if ((scene->all || value->touched) && !judge(rollback, scene, value, error))
      return FALSE;
  }
  return values != NULL;
}

static gboolean judge_key(const Rollback *rollback, PastKey *past, const PastScene *above,
                          GError **error);

static gboolean judge_children(const Rollback *rollback, const PastKey *past,
                               const PastScene *scene, GError **error) {
  if (past->link != NULL)
    return TRUE;
  g_autoptr(GPtrArray) children = past_tree_list_children(rollback->tree, past->id, error);
  for (guint i = 0; children != NULL && i < children->len; i++)
    if (!judge_key(rollback, g_ptr_array_index(children, i), scene, error))
      return FALSE;
  return children != NULL;
}

static gboolean enter_scene(const Rollback *rollback, const PastKey *past, const KeyRow *row,
                            PastScene *scene, GError **error) {
  Edit *edit = rollback->edit;
  if (past->own != NULL)
    scene->then = past->own;
  scene->all |= row->live && !same_attributes(past, row);
  return !row->live || row->acl == 0 || store_load_acl(edit->store, row->acl, &scene->today, error);
}

/* Everything that differs at or below the key must be seen by the caller; asked before anything is
 * restored, because that changes lists. */
static gboolean judge_key(const Rollback *rollback, PastKey *past, const PastScene *above,
                          GError **error) {
  Edit *edit = rollback->edit;
  if (!above->all && !past_tree_is_touched(rollback->tree, past->id))
    return TRUE;
  g_autoptr(KeyRow) row = NULL;
  PastScene scene = *above;
  if (!store_get_key(edit->store, past->id, &row, error) ||
      !enter_scene(rollback, past, row, &scene, error))
    return FALSE;
  GRefString *path = sight_paths_get(rollback->paths, past->id, error);
  if (path == NULL)
    return FALSE;
  scene.path = path;
  gboolean seen = judge(rollback, &scene, NULL, error) &&
                  judge_values(rollback, past, &scene, error) &&
                  judge_children(rollback, past, &scene, error);
  g_ref_string_release(path);
  return seen;
}

/* Whether there was such a key then is told only to those who could read it, or what was around
 * it. */
static gboolean require_around(const Rollback *rollback, const Place *place, gint64 id,
                               GError **error) {
  const Identity *who = rollback->edit->who;
  Acl *then = NULL;
  if (!past_tree_get_acl_around(rollback->tree, id, &then, error))
    return FALSE;
  return acl_get_level(then, place->path, who) >= ACCESS_READ ||
         access_refuse(place->asked, ACCESS_READ, error);
}

/* The same for a key that was there, and for those above it that come back with it. */
static gboolean require_way(const Rollback *rollback, const Place *place, const PastKey *past,
                            GError **error) {
  while (require_around(rollback, place, past->id, error)) {
    if (place_exists(place) || past->parent == place->key->id)
      return TRUE;
    past = past_tree_get_key(rollback->tree, past->parent, error);
    if (past == NULL)
      return FALSE;
  }
  return FALSE;
}

static gboolean judge_branch(const Rollback *rollback, const Place *place, gint64 id,
                             GError **error) {
  PastKey *past = past_tree_get_key(rollback->tree, id, error);
  PastScene above = {.today = place->acl};
  if (past == NULL || !require_way(rollback, place, past, error) ||
      !past_tree_get_acl(rollback->tree, id, &above.then, error))
    return FALSE;
  return rollback->edit->who->administrator || !past->present ||
         judge_key(rollback, past, &above, error);
}

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
  const NewValue old = {
      .name = then->name, .value = then->value, .position = then->position, .secret = then->secret};
  return edit_check_value(edit, at->path, then->name, then->value, error) &&
         edit_put_back(edit, at, old, error);
}

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

/* The dead rows of the missing part of @place, as far down as there are any. */
static GArray *find_gone(Edit *edit, const Place *place, GError **error) {
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 above = place->key->id;
  for (guint i = 0; i < place->missing->len; i++) {
    g_autofree char *fold = path_fold(g_ptr_array_index(place->missing, i));
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_dead_child(edit->store, above, fold, &dead, error))
      return NULL;
    if (dead == NULL)
      break;
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

/* The key was not there then either: nothing is done, if it may be told that there was one at
 * another time. */
static gboolean require_known(const Rollback *rollback, const Place *place, gint64 id,
                              GError **error) {
  Edit *edit = rollback->edit;
  gboolean known = edit->who->administrator;
  const PastThing today = {.schemas = edit->schemas, .today = place->acl, .path = place->path};
  if (!known && !sight_is_known(edit->store, edit->who, id, &today, &known, error))
    return FALSE;
  return known || place_refuse_unknown(place, error);
}

static gboolean restore_found(const Rollback *rollback, const Place *place, const GArray *rows,
                              GError **error) {
  Edit *edit = rollback->edit;
  GRefString *path = store_get_path(edit->store, place->key->id, error);
  if (path == NULL)
    return FALSE;
  const KeyAt parent = {place->key->id, place->acl_id, path};
  gboolean done = restore_rows(rollback, rows, 0, &parent, error);
  g_ref_string_release(path);
  return done;
}

static gboolean restore_gone(Edit *edit, const Place *place, guint64 revision, GError **error) {
  g_autoptr(GArray) rows = find_gone(edit, place, error);
  if (rows == NULL)
    return FALSE;
  gboolean complete = rows->len == place->missing->len;
  gint64 first = rows->len > 0 ? g_array_index(rows, gint64, 0) : place->key->id;
  gint64 id = rows->len > 0 ? g_array_index(rows, gint64, rows->len - 1) : place->key->id;
  g_autoptr(PastTree) tree = past_tree_new(edit->store, first, revision, error);
  g_autoptr(SightPaths) paths = sight_paths_new(edit->store, edit->who);
  const PastKey *past = tree != NULL ? past_tree_get_key(tree, id, error) : NULL;
  const Rollback rollback = {edit, tree, paths};
  if (past == NULL)
    return FALSE;
  if (!complete)
    return require_around(&rollback, place, id, error) && place_refuse_unknown(place, error);
  if (!judge_branch(&rollback, place, id, error))
    return FALSE;
  return past->present ? restore_found(&rollback, place, rows, error)
                       : require_known(&rollback, place, id, error);
}

static gboolean restore_present(Edit *edit, const Place *place, guint64 revision, GError **error) {
  g_autoptr(PastTree) tree = past_tree_new(edit->store, place->key->id, revision, error);
  g_autoptr(SightPaths) paths = sight_paths_new(edit->store, edit->who);
  const Rollback rollback = {edit, tree, paths};
  g_autofree char *path = path_dup_parent(place->path);
  KeyAt parent = {.id = place->key->parent, .path = path};
  return tree != NULL && judge_branch(&rollback, place, place->key->id, error) &&
         edit_find_above(edit, place->key, &parent.acl, error) &&
         restore_key(&rollback, place->key->id, &parent, error);
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

/* ---- purge ---- */

static gboolean purge_branch(Edit *edit, gint64 key, const Operation *operation, GError **error) {
  gboolean recursive = (operation->flags & OPERATION_RECURSIVE) != 0;
  if (!recursive)
    return history_purge(edit->store, key, operation->name, error);
  g_autoptr(GArray) keys = history_list_branch(edit->store, key, G_MAXUINT, error);
  for (guint i = 0; keys != NULL && i < keys->len; i++)
    if (!history_purge(edit->store, g_array_index(keys, gint64, i), NULL, error))
      return FALSE;
  return keys != NULL;
}

gboolean apply_purge(Edit *edit, const Operation *operation, GError **error) {
  if (!edit->who->administrator)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                     "%s: only an administrator can make history forget", operation->key);
  gboolean no_follow = (operation->flags & OPERATION_NO_FOLLOW) != 0;
  g_autoptr(Place) place = resolve(edit->store, edit->who, operation->key,
                                   no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW, error);
  gint64 id = 0;
  if (place == NULL || !place_require_row(edit->store, place, &id, error))
    return FALSE;
  edit->writes_anyway = TRUE;
  edit->result->purged = TRUE;
  return purge_branch(edit, id, operation, error);
}

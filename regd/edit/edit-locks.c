/* SPDX-License-Identifier: MIT */
/* See edit-locks.h. */
#include "regd/edit/edit-locks.h"

#include "regd/declare/declared.h"
#include "regd/tree/place.h"

/* Whether the owner may change what is locked: it had declared it, and the caller has control. */
static gboolean is_exempt(Edit *edit, const KeyAt *at, const char *name, gboolean *exempt,
                          GError **error) {
  Acl *list = NULL;
  *exempt = FALSE;
  if (edit->owner == NULL)
    return TRUE;
  if (!edit->who->administrator && !store_load_acl(edit->store, at->acl, &list, error))
    return FALSE;
  return acl_get_level(list, at->path, edit->who) < ACCESS_CONTROL ||
         declared_is_by(edit->store, edit->owner, at->path, name, exempt, error);
}

static gboolean pass(Edit *edit, const Lock *lock, const KeyAt *at, const char *name,
                     GError **error) {
  gboolean exempt = FALSE;
  return lock == NULL || (is_exempt(edit, at, name, &exempt, error) &&
                          (exempt || lock_refuse(lock, at->path, name, error)));
}

gboolean edit_pass_value(Edit *edit, const KeyAt *at, const char *name, GError **error) {
  const Lock *lock = edit->over_locks ? NULL : lock_set_find_value(edit->locks, at->path, name);
  return pass(edit, lock, at, name, error);
}

static gboolean find_list(Edit *edit, gint64 key, gint64 *acl, GError **error) {
  g_autoptr(KeyRow) row = NULL;
  gint64 above = 0;
  if (!store_get_key(edit->store, key, &row, error) || !edit_find_above(edit, row, &above, error))
    return FALSE;
  *acl = edit_deciding(row, above);
  return TRUE;
}

gboolean edit_pass_key(Edit *edit, gint64 key, GError **error) {
  if (edit->over_locks || edit->locks == NULL)
    return TRUE;
  GRefString *path = store_get_path(edit->store, key, error);
  if (path == NULL)
    return FALSE;
  KeyAt at = {.id = key, .path = path};
  const Lock *lock = lock_set_find_key(edit->locks, path);
  gboolean passes =
      lock == NULL || (find_list(edit, key, &at.acl, error) && pass(edit, lock, &at, NULL, error));
  g_ref_string_release(path);
  return passes;
}

gboolean edit_pass_link(Edit *edit, gint64 key, GError **error) {
  if (!edit_pass_key(edit, key, error))
    return FALSE;
  if (edit->over_locks || edit->locks == NULL)
    return TRUE;
  GRefString *path = store_get_path(edit->store, key, error);
  if (path == NULL)
    return FALSE;
  const Lock *lock = lock_set_find_inside(edit->locks, path, NULL, NULL);
  gboolean passes = lock == NULL || lock_refuse(lock, lock->key, lock->name, error);
  g_ref_string_release(path);
  return passes;
}

/* The others are in keys for which the branch is refused without a word of them. */
static gboolean may_be_told(const Lock *lock, gpointer data) {
  Edit *edit = data;
  g_autoptr(Place) place = edit->who->administrator ? NULL
                                                    : resolve(edit->store, edit->who, lock->key,
                                                              RESOLVE_CANONICAL, NULL);
  return place == NULL || place_get_level(place, edit->who) >= ACCESS_READ;
}

gboolean edit_pass_branch(Edit *edit, const KeyAt *at, GError **error) {
  if (edit->over_locks)
    return TRUE;
  if (edit->is_pruning)
    return pass(edit, lock_set_find_key(edit->locks, at->path), at, NULL, error);
  const Lock *lock = lock_set_find_key(edit->locks, at->path);
  if (lock == NULL)
    lock = lock_set_find_inside(edit->locks, at->path, may_be_told, edit);
  return lock == NULL || lock_refuse(lock, lock->key, lock->name, error);
}

const Lock *edit_find_undo_lock(const Edit *edit, const Difference *difference, const char *path) {
  gboolean of_value =
      difference->kind == CHANGE_VALUE_SET || difference->kind == CHANGE_VALUE_DELETED;
  if (of_value && !difference->reroutes)
    return lock_set_find_value(edit->locks, path, difference->name);
  /* What comes back as a link would lead past what is locked below it. */
  gboolean of_branch = difference->kind == CHANGE_KEY_CREATED || difference->reroutes;
  return of_branch ? lock_set_find_branch(edit->locks, path) : lock_set_find_key(edit->locks, path);
}

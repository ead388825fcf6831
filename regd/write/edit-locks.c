/* SPDX-License-Identifier: MIT */
/* See edit-locks.h. */
#include "regd/write/edit-locks.h"

gboolean edit_pass_value(Edit *edit, const KeyAt *at, const char *name, GError **error) {
  const Lock *lock = edit->over_locks ? NULL : lock_set_find_value(edit->locks, at->path, name);
  return lock == NULL || lock_refuse(lock, at->path, name, error);
}

gboolean edit_pass_key(Edit *edit, gint64 key, GError **error) {
  if (edit->over_locks || edit->locks == NULL)
    return TRUE;
  GRefString *path = store_get_path(edit->store, key, error);
  if (path == NULL)
    return FALSE;
  const Lock *lock = lock_set_find_key(edit->locks, path);
  gboolean passes = lock == NULL || lock_refuse(lock, path, NULL, error);
  g_ref_string_release(path);
  return passes;
}

gboolean edit_pass_branch(Edit *edit, const char *path, GError **error) {
  const Lock *lock = edit->over_locks ? NULL : lock_set_find_branch(edit->locks, path);
  return lock == NULL || lock_refuse(lock, lock->key, lock->name, error);
}

const Lock *edit_find_undo_lock(const Edit *edit, const Difference *difference, const char *path) {
  gboolean of_value =
      difference->kind == CHANGE_VALUE_SET || difference->kind == CHANGE_VALUE_DELETED;
  if (of_value && !difference->reroutes)
    return lock_set_find_value(edit->locks, path, difference->name);
  return difference->kind == CHANGE_KEY_CREATED ? lock_set_find_branch(edit->locks, path)
                                                : lock_set_find_key(edit->locks, path);
}

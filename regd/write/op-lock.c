/* SPDX-License-Identifier: MIT */
/* Locking and unlocking. A lock is history: its reasons before and after are told like data. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

/* History tells of a key by its row, so that a key that is not there needs one too: a dead one, as
 * deleted keys have. */
static gboolean add_dead_rows(Edit *edit, const Place *place, gint64 *id, GError **error) {
  *id = place->key->id;
  for (guint i = 0; i < place->missing->len; i++) {
    const char *name = g_ptr_array_index(place->missing, i);
    g_autofree char *fold = path_fold(name);
    g_autoptr(KeyRow) dead = NULL;
    if (!store_find_dead_child(edit->store, *id, fold, &dead, error))
      return FALSE;
    if (dead == NULL) {
      dead = g_new0(KeyRow, 1);
      dead->parent = *id;
      dead->name = g_strdup(name);
      dead->revision = edit->revision;
      dead->last_write = edit->now;
      if (!store_insert_key(edit->store, dead, fold, error) ||
          !store_bury_key(edit->store, dead->id, edit->revision, error))
        return FALSE;
    }
    *id = dead->id;
  }
  return TRUE;
}

static RegistryValue *new_reason(const Lock *lock, GError **error) {
  return registry_value_new_string(REGISTRY_SZ, lock->reason, error);
}

/* Notes that @new (NULL: none) has taken the place of @old (NULL: of none). */
static gboolean note(Edit *edit, const Place *place, const Lock *old, const Lock *new,
                     GError **error) {
  gint64 key = 0;
  const char *name = new != NULL ? new->name : old->name;
  if (!add_dead_rows(edit, place, &key, error))
    return FALSE;
  Difference *difference = edit_add(
      edit, &(EditChange){CHANGE_LOCK_CHANGED, key, name, place->acl_id, place->acl_id}, error);
  if (difference == NULL)
    return FALSE;
  if (old != NULL && (difference->old_value = new_reason(old, error)) == NULL)
    return FALSE;
  return new == NULL || (difference->new_value = new_reason(new, error)) != NULL;
}

static gboolean charge(Edit *edit, const char *path, const Lock *old, const Lock *new,
                       GError **error) {
  gint64 before = old != NULL ? lock_get_cost(old) : 0;
  gint64 after = new != NULL ? lock_get_cost(new) : 0;
  return edit_charge(edit, path, after - before, error);
}

/* Places resolved before may lack the rows that are made here. */
static Place *find_place(Edit *edit, const Operation *operation, GError **error) {
  gboolean no_follow = (operation->flags & OPERATION_NO_FOLLOW) != 0;
  g_autoptr(Place) place = resolve(edit->store, edit->who, operation->key,
                                   no_follow ? RESOLVE_NO_FOLLOW : RESOLVE_FOLLOW, error);
  if (place == NULL || !place_require(place, edit->who, ACCESS_CONTROL, error) ||
      !resolve_check_value_name(place->path, operation->name, error))
    return NULL;
  edit_forget_place(edit);
  return g_steal_pointer(&place);
}

static const char *get_name(const Operation *operation) {
  return (operation->flags & OPERATION_RECURSIVE) != 0 ? NULL : operation->name;
}

/* Each dry run reads all locks. */
static gboolean check_number(const Edit *edit, const Place *place, const Lock *old,
                             GError **error) {
  guint32 most = edit->settings->locks_per_user;
  if (edit->who->administrator || (old != NULL && old->uid == edit->who->uid) ||
      lock_set_count(edit->locks, edit->who->uid) < most)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: you have %u locks, and may have no more (Locks Per User): unlock what need "
                   "not be locked, or lock whole keys (recursive)",
                   place->path, most);
}

gboolean edit_lock(Edit *edit, const Place *place, const char *name, const char *reason,
                   GError **error) {
  const Lock *old = lock_set_get(edit->locks, place->path, name);
  if (old != NULL && g_str_equal(old->reason, reason))
    return TRUE;
  g_autoptr(Lock) lock = g_new0(Lock, 1);
  lock->key = g_strdup(place->path);
  lock->name = g_strdup(name);
  lock->reason = g_strdup(reason);
  lock->uid = edit->who->uid;
  lock->time = edit->now;
  if (!check_number(edit, place, old, error) || !note(edit, place, old, lock, error) ||
      !charge(edit, place->path, old, lock, error) || !lock_store(edit->store, lock, error))
    return FALSE;
  lock_set_add(edit->locks, g_steal_pointer(&lock));
  return TRUE;
}

gboolean apply_lock(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Place) place = find_place(edit, operation, error);
  return place != NULL && lock_check_reason(place->path, operation->target, error) &&
         edit_lock(edit, place, get_name(operation), operation->target, error);
}

static gboolean refuse_unlocked(Edit *edit, const Place *place, const char *name, GError **error) {
  const Lock *other = name != NULL ? lock_set_find_value(edit->locks, place->path, name)
                                   : lock_set_find_key(edit->locks, place->path);
  gboolean whole = other != NULL && other->name == NULL;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s%s%s: it is not locked%s%s%s",
                   place->path, name != NULL ? ": " : "",
                   name == NULL    ? ""
                   : *name != '\0' ? name
                                   : "(default)",
                   whole ? " by itself: unlock " : "", whole ? other->key : "",
                   whole ? " with the option recursive (regctl unlock -r)" : "");
}

gboolean apply_unlock(Edit *edit, const Operation *operation, GError **error) {
  g_autoptr(Place) place = find_place(edit, operation, error);
  const char *name = get_name(operation);
  if (place == NULL)
    return FALSE;
  const Lock *old = lock_set_get(edit->locks, place->path, name);
  if (old == NULL)
    return refuse_unlocked(edit, place, name, error);
  if (!note(edit, place, old, NULL, error) || !charge(edit, place->path, old, NULL, error) ||
      !lock_remove(edit->store, place->path, name, error))
    return FALSE;
  lock_set_remove(edit->locks, place->path, name);
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* See undo.h. */
#include "regd/write/undo.h"

#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-locks.h"
#include "regd/edit/edit-values.h"
#include "regd/history/trials.h"
#include "regd/write/later-changes.h"
#include "regd/write/trial-rights.h"

/* What has been changed since. */
typedef struct {
  TrialRights rights;
  LaterChanges *later;
  const KeyChanges *now;    /* of the key that is being undone */
  gint64 below, list_above; /* the list that decides above the key `below`; 0: not known */
  gboolean is_locked;       /* what is being undone */
} ChangedSince;

static void leave_out(Edit *edit, gint64 key) {
  edit->left_out++;
  edit->left_out_at = key;
}

/* Whether a lock keeps it that would be undone now; to be asked last, since that is counted. */
static gboolean is_held(const ChangedSince *since, gint64 key) {
  if (!since->is_locked)
    return FALSE;
  since->rights.edit->left_locked++;
  since->rights.edit->left_out_at = key;
  return TRUE;
}

static gboolean undo_value(const ChangedSince *since, const Difference *difference, KeyRow *row,
                           const KeyAt *at, GError **error) {
  Edit *edit = since->rights.edit;
  if (difference->reroutes) {
    g_autofree char *target =
        difference->old_value != NULL ? registry_value_dup_string(difference->old_value) : NULL;
    return target == NULL || row->link == NULL || is_held(since, row->id) ||
           edit_point_link(edit, row, at->acl, target, error);
  }
  const NewValue old = {.name = difference->name,
                        .value = difference->old_value,
                        .position = difference->old_position,
                        .secret = difference->secret || difference->old_secret};
  if (old.value != NULL)
    return is_held(since, row->id) || edit_put_back(edit, at, old, error);
  g_autofree char *fold = path_fold(difference->name);
  g_autoptr(ValueRow) now = NULL;
  if (!store_find_value(edit->store, row->id, fold, &now, error))
    return FALSE;
  return now == NULL || is_held(since, row->id) || edit_delete_row(edit, at, now, error);
}

static gboolean undo_creation(const ChangedSince *since, const KeyRow *row, gint64 above,
                              GError **error) {
  Edit *edit = since->rights.edit;
  gboolean has_children = FALSE;
  guint32 values = 0;
  if (!store_has_children(edit->store, row->id, &has_children, error) ||
      !store_count_values(edit->store, row->id, &values, error))
    return FALSE;
  return has_children || values > 0 || is_held(since, row->id) ||
         edit_delete_tree(edit, row, above, error);
}

static gboolean undo_deletion(const ChangedSince *since, const Difference *difference,
                              const KeyRow *dead, gint64 above, GError **error) {
  Edit *edit = since->rights.edit;
  g_autoptr(KeyRow) parent = NULL;
  gboolean may = FALSE;
  gboolean withheld = FALSE;
  if (!store_get_key(edit->store, dead->parent, &parent, error))
    return FALSE;
  if (!parent->live || parent->link != NULL || difference->old_state == NULL)
    return TRUE;
  g_autoptr(KeyRow) row = g_new0(KeyRow, 1);
  g_autoptr(Acl) own = NULL;
  row->parent = dead->parent;
  if (!history_decode_key(difference->old_state, row, &own, error))
    return FALSE;
  row->is_volatile |= parent->is_volatile;
  const KeyAt at = {.id = dead->id, .acl = above};
  if (!store_intern_acl(edit->store, own, &row->acl, error) ||
      !trial_withholds_key(&since->rights, difference, edit_deciding(row, above), &withheld,
                           error) ||
      !trial_may_regain(&since->rights, &at, edit_deciding(row, above), &may, error))
    return FALSE;
  if (may && !withheld)
    return is_held(since, dead->id) || edit_insert(edit, row, above, error);
  leave_out(edit, dead->id);
  return TRUE;
}

static gboolean add_deleted(Edit *edit, const KeyRow *row, gint64 above, Acl *own, GError **error) {
  Difference *difference = edit_add(
      edit, &(EditChange){CHANGE_KEY_DELETED, row->id, NULL, edit_deciding(row, above), 0}, error);
  if (difference != NULL)
    difference->old_state = history_encode_key(row, own);
  return difference != NULL;
}

static gboolean add_created(Edit *edit, const KeyRow *row, gint64 above, GError **error) {
  return edit_add(edit,
                  &(EditChange){CHANGE_KEY_CREATED, row->id, NULL, 0, edit_deciding(row, above)},
                  error) != NULL;
}

static gboolean is_same_key(const KeyRow *a, const KeyRow *b) {
  return g_str_equal(a->name, b->name) && g_strcmp0(a->class_name, b->class_name) == 0 &&
         a->is_volatile == b->is_volatile && a->acl == b->acl;
}

/* A lasting key can become volatile again if all that is below it is volatile. */
static gboolean may_be_volatile(Edit *edit, const KeyRow *row, gboolean *may, GError **error) {
  g_autoptr(GPtrArray) children = store_list_children(edit->store, row->id, NULL, error);
  *may = TRUE;
  for (guint i = 0; children != NULL && i < children->len; i++)
    *may &= ((const KeyRow *)g_ptr_array_index(children, i))->is_volatile;
  return children != NULL;
}

/* A key was deleted and made again as another, and has sub-keys now: it gets its spelling,
 * class and list back in place, which history records as deleted and created. A key that is
 * lasting, with lasting sub-keys, stays so. */
static gboolean undo_replacement(const ChangedSince *since, const Difference *difference,
                                 KeyRow *row, gint64 above, GError **error) {
  Edit *edit = since->rights.edit;
  g_autoptr(KeyRow) old = g_new0(KeyRow, 1);
  g_autoptr(Acl) own = NULL;
  Acl *now = NULL;
  if (difference->old_state == NULL)
    return TRUE;
  if (!history_decode_key(difference->old_state, old, &own, error) ||
      !store_intern_acl(edit->store, own, &old->acl, error))
    return FALSE;
  const KeyAt at = {.id = row->id, .acl = edit_deciding(row, above)};
  gboolean may = TRUE;
  gboolean withheld = FALSE;
  if (!since->now->list &&
      !trial_may_regain(&since->rights, &at, edit_deciding(old, above), &may, error))
    return FALSE;
  if (since->now->list || !may)
    old->acl = row->acl;
  if (!trial_withholds_key(&since->rights, difference, edit_deciding(old, above), &withheld, error))
    return FALSE;
  if (withheld || (!may && !since->is_locked))
    leave_out(edit, row->id);
  gboolean may_vanish = row->is_volatile;
  if (old->is_volatile && !may_vanish && !may_be_volatile(edit, row, &may_vanish, error))
    return FALSE;
  old->is_volatile = old->is_volatile && may_vanish;
  if (withheld || old->link != NULL || row->link != NULL || is_same_key(old, row) ||
      is_held(since, row->id))
    return TRUE;
  if (!store_load_acl(edit->store, row->acl, &now, error) ||
      !add_deleted(edit, row, above, now, error))
    return FALSE;
  gint64 cost = 0;
  if (!edit_get_cost(edit, row, &cost, error))
    return FALSE;
  edit->has_deleted = TRUE;
  g_free(row->name);
  g_free(row->class_name);
  row->name = g_steal_pointer(&old->name);
  row->class_name = g_steal_pointer(&old->class_name);
  row->is_volatile = old->is_volatile;
  row->acl = old->acl;
  row->revision = edit->revision;
  row->last_write = edit->now;
  if (!edit_update(edit, row, cost, error))
    return FALSE;
  store_forget_paths(edit->store);
  return add_created(edit, row, above, error);
}

static gboolean undo_list(const ChangedSince *since, const Difference *difference, KeyRow *row,
                          gint64 above, GError **error) {
  Edit *edit = since->rights.edit;
  g_autoptr(Acl) own = NULL;
  gint64 id = 0;
  gboolean may = FALSE;
  const KeyAt at = {.id = row->id, .acl = edit_deciding(row, above)};
  if (difference->old_state == NULL)
    return TRUE;
  if (!history_decode_acl(difference->old_state, &own, error) ||
      !store_intern_acl(edit->store, own, &id, error))
    return FALSE;
  if (id == row->acl)
    return TRUE;
  if (!trial_may_regain(&since->rights, &at, id != 0 ? id : above, &may, error))
    return FALSE;
  if (may)
    return is_held(since, row->id) || edit_set_list(edit, row, above, id, error);
  leave_out(edit, row->id);
  return TRUE;
}

static gboolean undo_live(const ChangedSince *since, const Difference *difference, KeyRow *row,
                          gint64 above, GError **error) {
  Edit *edit = since->rights.edit;
  if (difference->kind == CHANGE_KEY_CREATED)
    return undo_creation(since, row, above, error);
  if (difference->kind == CHANGE_KEY_DELETED)
    return undo_replacement(since, difference, row, above, error);
  if (difference->kind == CHANGE_ACL_CHANGED)
    return undo_list(since, difference, row, above, error);
  /* A key that was made a link since then holds no values. */
  if (difference->name == NULL || (row->link != NULL && !difference->reroutes))
    return TRUE;
  GRefString *path = store_get_path(edit->store, row->id, error);
  if (path == NULL)
    return FALSE;
  const KeyAt at = {row->id, edit_deciding(row, above), path};
  gboolean withheld = FALSE;
  gboolean fits = TRUE;
  gboolean done = trial_withholds(&since->rights, difference, &at, &withheld, error) &&
                  trial_has_room(&since->rights, difference, path, &fits, error);
  if (done && (withheld || !fits))
    leave_out(edit, row->id);
  else
    done = done && undo_value(since, difference, row, &at, error);
  g_ref_string_release(path);
  return done;
}

/* Values of one key usually follow each other, and do not change the list above it. */
static gboolean find_above(ChangedSince *since, const KeyRow *row, const Difference *difference,
                           gint64 *above, GError **error) {
  gboolean is_known = since->below == row->id && difference->name != NULL;
  if (!is_known && !edit_find_above(since->rights.edit, row, &since->list_above, error))
    return FALSE;
  *above = since->list_above;
  since->below = difference->name != NULL ? row->id : 0;
  return TRUE;
}

static gboolean find_lock(Edit *edit, const Difference *difference, gboolean *is_locked,
                          GError **error) {
  GRefString *path = store_get_path(edit->store, difference->key, error);
  if (path == NULL)
    return FALSE;
  *is_locked = !edit->over_locks && edit_find_undo_lock(edit, difference, path) != NULL;
  g_ref_string_release(path);
  return TRUE;
}

static gboolean undo(ChangedSince *since, const Difference *difference, GError **error) {
  Edit *edit = since->rights.edit;
  since->now = later_changes_get(since->later, difference->key, error);
  if (since->now == NULL)
    return FALSE;
  if (difference->kind == CHANGE_LOCK_CHANGED || key_changes_have(since->now, difference) ||
      difference->old_purged)
    return TRUE;
  if (!find_lock(edit, difference, &since->is_locked, error))
    return FALSE;
  g_autoptr(KeyRow) row = NULL;
  gint64 above = 0;
  if (!store_get_key(edit->store, difference->key, &row, error) ||
      !find_above(since, row, difference, &above, error))
    return FALSE;
  if (row->live)
    return undo_live(since, difference, row, above, error);
  return difference->kind != CHANGE_KEY_DELETED ||
         undo_deletion(since, difference, row, above, error);
}

gboolean undo_revision(Edit *edit, guint64 revision, GError **error) {
  g_autoptr(GPtrArray) differences = undo_list_differences(edit->store, revision, error);
  if (differences == NULL)
    return FALSE;
  edit_forget_place(edit);
  g_autoptr(LaterChanges) later = later_changes_new(edit->store, revision);
  g_autoptr(Identity) maker = trials_get_maker(edit->store, revision, error);
  if (maker == NULL)
    return FALSE;
  ChangedSince since = {.rights = {edit, revision, maker}, .later = later};
  for (guint i = differences->len; i > 0; i--)
    if (!undo(&since, g_ptr_array_index(differences, i - 1), error))
      return FALSE;
  return TRUE;
}

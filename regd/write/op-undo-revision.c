/* SPDX-License-Identifier: MIT */
/* Undoes what one revision changed, for a caller: with the same rights, schemas, limits and locks
 * as if they made the opposite changes by hand. What was changed since stays as it is, and what
 * they may not see of the revision is passed over, as GetHistory does. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/write/later-changes.h"
#include "regd/write/operations.h"

typedef struct {
  Edit *edit;
  guint64 revision;
  LaterChanges *later;
  SightPaths *paths; /* what keys are called in refusals */
  gboolean has_seen; /* something of the revision that the caller may see */
} Undoing;

/* A key on the way; the path is looked up once for it. */
typedef struct {
  const Difference *difference;
  KeyRow *row;  /* live or dead */
  gint64 above; /* the list that decides above it */
  KeyAt at;
} UndoneKey;

static gboolean require(const Undoing *undoing, const KeyAt *at, AccessLevel level,
                        GError **error) {
  return edit_require(undoing->edit, at->acl, at->path, level, error);
}

/* ---- values ---- */

static gboolean is_as_it_was(const ValueRow *now, const Difference *then) {
  return now != NULL && registry_value_equal(now->value, then->old_value) &&
         now->position == then->old_position && g_str_equal(now->name, then->name);
}

static gboolean put_back(const Undoing *undoing, const UndoneKey *key, const ValueRow *now,
                         GError **error) {
  const Difference *then = key->difference;
  const NewValue old = {.name = then->name,
                        .value = then->old_value,
                        .position = then->old_position,
                        .secret = then->secret || then->old_secret};
  return is_as_it_was(now, then) ||
         (edit_check_value(undoing->edit, key->at.path, then->name, then->old_value, error) &&
          edit_put_back(undoing->edit, &key->at, old, error));
}

/* A key that is a link by now, or is gone, holds no values. */
static gboolean undo_value(const Undoing *undoing, const UndoneKey *key, GError **error) {
  const Difference *then = key->difference;
  if (!key->row->live || key->row->link != NULL)
    return TRUE;
  g_autofree char *fold = path_fold(then->name);
  g_autoptr(ValueRow) now = NULL;
  if (!require(undoing, &key->at, ACCESS_WRITE, error) ||
      !store_find_value(undoing->edit->store, key->row->id, fold, &now, error))
    return FALSE;
  if (then->old_purged)
    return error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                     "%s: %s: its old data has been forgotten on purpose", key->at.path,
                     then->name);
  if (then->old_value != NULL)
    return put_back(undoing, key, now, error);
  return now == NULL || edit_delete_row(undoing->edit, &key->at, now, error);
}

static gboolean may_lead(const Undoing *undoing, const UndoneKey *key, const char *target,
                         GError **error) {
  g_autofree char *checked = edit_check_target(undoing->edit, key->at.path, target, error);
  return checked != NULL;
}

static gboolean undo_target(const Undoing *undoing, const UndoneKey *key, GError **error) {
  const Difference *then = key->difference;
  if (!key->row->live || key->row->link == NULL || then->old_value == NULL)
    return TRUE;
  g_autofree char *target = registry_value_dup_string(then->old_value);
  return require(undoing, &key->at, ACCESS_WRITE, error) && may_lead(undoing, key, target, error) &&
         edit_point_link(undoing->edit, key->row, key->at.acl, target, error);
}

/* ---- keys ---- */

/* A key that holds something by now stays. */
static gboolean undo_creation(const Undoing *undoing, const UndoneKey *key, GError **error) {
  Store *store = undoing->edit->store;
  gboolean has_children = FALSE;
  guint32 values = 0;
  if (!key->row->live)
    return TRUE;
  if (!require(undoing, &key->at, ACCESS_WRITE, error) ||
      !store_has_children(store, key->row->id, &has_children, error) ||
      !store_count_values(store, key->row->id, &values, error))
    return FALSE;
  return has_children || values > 0 || edit_delete_tree(undoing->edit, key->row, key->above, error);
}

/* Needs what creating the key, and giving it a list of its own, needs above it. */
static gboolean insert(const Undoing *undoing, const KeyRow *parent, KeyRow *row, Acl *own,
                       GError **error) {
  Edit *edit = undoing->edit;
  gint64 above = 0;
  GRefString *path = store_get_path(edit->store, parent->id, error);
  if (path == NULL)
    return FALSE;
  gboolean done = edit_find_above(edit, parent, &above, error);
  const KeyAt at = {parent->id, edit_deciding(parent, above), path};
  done = done && require(undoing, &at, own != NULL ? ACCESS_CONTROL : ACCESS_WRITE, error) &&
         store_intern_acl(edit->store, own, &row->acl, error) &&
         edit_insert(edit, row, at.acl, error);
  g_ref_string_release(path);
  return done;
}

/* A key that is there again stays as it is. Below a volatile key it becomes volatile too. */
static gboolean undo_deletion(const Undoing *undoing, const UndoneKey *key, GError **error) {
  g_autoptr(KeyRow) parent = NULL;
  g_autoptr(KeyRow) old = g_new0(KeyRow, 1);
  g_autoptr(Acl) own = NULL;
  if (key->row->live)
    return TRUE;
  if (!store_get_key(undoing->edit->store, key->row->parent, &parent, error))
    return FALSE;
  if (!parent->live || parent->link != NULL)
    return TRUE;
  old->parent = parent->id;
  if (!history_decode_key(key->difference->old_state, old, &own, error))
    return FALSE;
  old->is_volatile |= parent->is_volatile;
  return insert(undoing, parent, old, own, error);
}

static gboolean undo_list(const Undoing *undoing, const UndoneKey *key, GError **error) {
  g_autoptr(Acl) own = NULL;
  gint64 id = 0;
  if (!key->row->live)
    return TRUE;
  if (!require(undoing, &key->at, ACCESS_CONTROL, error) ||
      !history_decode_acl(key->difference->old_state, &own, error) ||
      !store_intern_acl(undoing->edit->store, own, &id, error))
    return FALSE;
  return id == key->row->acl || edit_set_list(undoing->edit, key->row, key->above, id, error);
}

/* ---- one after the other ---- */

typedef gboolean (*UndoOne)(const Undoing *undoing, const UndoneKey *key, GError **error);

static UndoOne find_way(const Difference *difference) {
  if (difference->name != NULL)
    return difference->reroutes ? undo_target : undo_value;
  switch (difference->kind) {
  case CHANGE_KEY_CREATED:
    return undo_creation;
  case CHANGE_KEY_DELETED:
    return undo_deletion;
  case CHANGE_ACL_CHANGED:
    return undo_list;
  default:
    return NULL; /* locks are no change of what they lock */
  }
}

/* Whether the caller may see it; if so, and not what it was, it is refused. */
static gboolean judge(Undoing *undoing, const UndoneKey *key, gboolean *seen, GError **error) {
  Edit *edit = undoing->edit;
  const Difference *difference = key->difference;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  Acl *today = NULL;
  if (!sight_find_today(edit->store, difference->key, &today, error))
    return FALSE;
  const PastThing thing = {.schemas = edit->schemas, .today = today, .path = key->at.path};
  if (!sight_judge_difference(edit->store, edit->who, difference, &thing, &sight, error))
    return FALSE;
  *seen = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN;
  undoing->has_seen |= *seen;
  if (!*seen || difference->old_value == NULL || sight.of_old == SIGHT_SHOWN)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: %s: the value is secret, or was: an entry for you or your group with the "
                   "right \"read\" is needed to bring it back, everyone's does not count",
                   key->at.path, difference->name);
}

static gboolean is_kept(const Undoing *undoing, const char *path, GError **error) {
  guint64 past = 0;
  const Retention retention = {undoing->edit->store, undoing->edit->settings, undoing->edit->now};
  return retention_get_limit(&retention, path, &past, error) && undoing->revision > past;
}

typedef struct {
  const Undoing *undoing;
  const Difference *undone;
  PastThing today;
  gboolean found;
} LaterSearch;

static gboolean is_of_same(const Difference *one, const Difference *other) {
  if (one->name == NULL || other->name == NULL)
    return one->name == other->name;
  return path_compare_names(one->name, other->name) == 0;
}

static gboolean find_visible(const Difference *difference, G_GNUC_UNUSED guint64 revision,
                             gpointer data, GError **error) {
  LaterSearch *search = data;
  const Edit *edit = search->undoing->edit;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  if (difference->kind == CHANGE_LOCK_CHANGED || !is_of_same(difference, search->undone))
    return TRUE;
  if (!sight_judge_difference(edit->store, edit->who, difference, &search->today, &sight, error))
    return FALSE;
  search->found = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN;
  return !search->found;
}

static gboolean is_gone(const Undoing *undoing, const UndoneKey *key, gboolean *gone,
                        GError **error) {
  const Difference *then = key->difference;
  g_autoptr(ValueRow) row = NULL;
  *gone = !key->row->live;
  if (*gone || then->name == NULL || then->reroutes)
    return TRUE;
  g_autofree char *fold = path_fold(then->name);
  gboolean done = store_find_value(undoing->edit->store, key->row->id, fold, &row, error);
  *gone = row == NULL;
  return done;
}

/* Of what is gone now, only changes count that the caller may see: that it was there again
 * meanwhile, and closed, must not be told by what stays. */
static gboolean find_later(Undoing *undoing, const UndoneKey *key, gboolean *changed,
                           GError **error) {
  Edit *edit = undoing->edit;
  const KeyChanges *later = later_changes_get(undoing->later, key->row->id, error);
  gboolean gone = FALSE;
  Acl *today = NULL;
  if (later == NULL)
    return FALSE;
  *changed = key_changes_have(later, key->difference);
  if (!*changed || edit->who->administrator || key->difference->kind == CHANGE_ACL_CHANGED)
    return TRUE;
  if (!is_gone(undoing, key, &gone, error))
    return FALSE;
  if (!gone)
    return TRUE;
  if (!sight_find_today(edit->store, key->row->id, &today, error))
    return FALSE;
  LaterSearch search = {.undoing = undoing,
                        .undone = key->difference,
                        .today = {.schemas = edit->schemas, .today = today, .path = key->at.path}};
  gboolean done = history_visit_key(edit->store, key->row->id, undoing->revision,
                                    &(HistoryVisitor){find_visible, &search}, error);
  *changed = search.found;
  return done;
}

static gboolean undo_at(Undoing *undoing, UndoneKey *key, GError **error) {
  GError *failure = NULL;
  gboolean seen = FALSE;
  gboolean changed = FALSE;
  UndoOne undo = find_way(key->difference);
  if (undo == NULL || !is_kept(undoing, key->at.path, &failure)) {
    if (failure != NULL)
      g_propagate_error(error, failure);
    return failure == NULL;
  }
  if (!judge(undoing, key, &seen, error))
    return FALSE;
  if (!seen)
    return TRUE;
  return find_later(undoing, key, &changed, error) && (changed || undo(undoing, key, error));
}

static gboolean undo_difference(Undoing *undoing, const Difference *difference, GError **error) {
  Store *store = undoing->edit->store;
  g_autoptr(KeyRow) row = NULL;
  UndoneKey key = {.difference = difference};
  GRefString *path = sight_paths_get(undoing->paths, difference->key, error);
  gboolean done = path != NULL && store_get_key(store, difference->key, &row, error) &&
                  edit_find_above(undoing->edit, row, &key.above, error);
  key.row = row;
  if (done) {
    key.at = (KeyAt){row->id, edit_deciding(row, key.above), path};
    done = undo_at(undoing, &key, error);
  }
  g_clear_pointer(&path, g_ref_string_release);
  return done;
}

gboolean apply_undo_revision(Edit *edit, const Operation *operation, GError **error) {
  guint64 revision = operation->revision;
  g_autoptr(GPtrArray) differences = undo_list_differences(edit->store, revision, error);
  g_autoptr(LaterChanges) later = later_changes_new(edit->store, revision);
  g_autoptr(SightPaths) paths = sight_paths_new(edit->store, edit->who);
  Undoing undoing = {.edit = edit, .revision = revision, .later = later, .paths = paths};
  edit_forget_place(edit);
  for (guint i = differences != NULL ? differences->len : 0; i > 0; i--)
    if (!undo_difference(&undoing, g_ptr_array_index(differences, i - 1), error))
      return FALSE;
  if (differences == NULL)
    return FALSE;
  return undoing.has_seen ||
         error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                   "history has nothing of revision %" G_GUINT64_FORMAT " that you may see",
                   revision);
}

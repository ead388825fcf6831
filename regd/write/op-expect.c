/* SPDX-License-Identifier: MIT */
/* Preconditions: a commit is refused unless they hold. */
#include "client/base/error.h"
#include "regd/edit/edit-keys.h"
#include "regd/edit/edit-values.h"
#include "regd/history/retention.h"
#include "regd/history/sight.h"
#include "regd/tree/place.h"
#include "regd/write/operations.h"

static gboolean conflict(const char *path, const char *name, const char *what, GError **error) {
  return error_set(error, REGISTRY_ERROR_CONFLICT, "%s: %s%s%s", path, name,
                   *name != '\0' ? ": " : "", what);
}

/* A value that a schema calls secret needs more rights. */
static gboolean require_value(Edit *edit, const Place *place, const char *name, GError **error) {
  if (!place_require(place, edit->who, ACCESS_READ, error) ||
      !resolve_check_value_name(place->path, name, error))
    return FALSE;
  return !edit_is_secret(edit, place->path, name) ||
         place_get_secret_level(place, edit->who) >= ACCESS_READ ||
         access_refuse(place->asked, ACCESS_READ, error);
}

static gboolean find(Edit *edit, const Place *place, const char *name, ValueRow **row,
                     GError **error) {
  *row = NULL;
  if (!place_exists(place))
    return TRUE;
  g_autofree char *fold = path_fold(name);
  return store_find_value(edit->store, place->key->id, fold, row, error);
}

gboolean apply_expect_value(Edit *edit, const Operation *operation, GError **error) {
  Place *place = edit_resolve(edit, operation->key, error);
  g_autoptr(ValueRow) row = NULL;
  if (place == NULL || !require_value(edit, place, operation->name, error) ||
      !find(edit, place, operation->name, &row, error))
    return FALSE;
  if (row == NULL)
    return conflict(place->path, operation->name, "the value that is expected is not there", error);
  return registry_value_equal(row->value, operation->value) ||
         conflict(place->path, operation->name, "the value is another than is expected", error);
}

gboolean apply_expect_absent(Edit *edit, const Operation *operation, GError **error) {
  Place *place = edit_resolve(edit, operation->key, error);
  if (place == NULL || !place_require(place, edit->who, ACCESS_READ, error))
    return FALSE;
  if ((operation->flags & OPERATION_KEY_ABSENT) != 0)
    return !place_exists(place) ||
           conflict(place->path, "", "the key is there, and is expected not to be", error);
  g_autoptr(ValueRow) row = NULL;
  if (!require_value(edit, place, operation->name, error) ||
      !find(edit, place, operation->name, &row, error))
    return FALSE;
  return row == NULL || conflict(place->path, operation->name,
                                 "the value is there, and is expected not to be", error);
}

static gboolean check_since(const Edit *edit, const Operation *operation, const Place *place,
                            GError **error) {
  return operation->revision < edit->revision ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: revision %" G_GUINT64_FORMAT " is still to come", place->path,
                   operation->revision);
}

/* ---- what has changed: only what the caller may see of it counts ---- */

typedef struct {
  Edit *edit;
  PastThing today;
  gboolean seen;
} Changes;

/* That a list has changed concerns those, too, who may read no longer. */
static gboolean was_open(const Changes *changes, gint64 list, gboolean *open, GError **error) {
  Acl *acl = NULL;
  const Identity *who = changes->edit->who;
  if (!store_load_acl(changes->edit->store, list, &acl, error))
    return FALSE;
  *open = acl_get_level(acl, changes->today.path, who) >= ACCESS_READ;
  return TRUE;
}

static gboolean look_at_list(Changes *changes, const Difference *difference, GError **error) {
  gboolean before = FALSE;
  gboolean after = FALSE;
  if (!was_open(changes, difference->before_acl, &before, error) ||
      !was_open(changes, difference->after_acl, &after, error))
    return FALSE;
  changes->seen = before || after;
  return !changes->seen;
}

static gboolean look(const Difference *difference, G_GNUC_UNUSED guint64 revision, gpointer data,
                     GError **error) {
  Changes *changes = data;
  Edit *edit = changes->edit;
  DifferenceSight sight = {SIGHT_HIDDEN, SIGHT_HIDDEN};
  if (difference->kind == CHANGE_ACL_CHANGED)
    return look_at_list(changes, difference, error);
  if (!sight_judge_difference(edit->store, edit->who, difference, &changes->today, &sight, error))
    return FALSE;
  changes->seen = MAX(sight.of_old, sight.of_new) > SIGHT_HIDDEN;
  return !changes->seen;
}

static gboolean look_at_key(Changes *changes, gint64 key, guint64 since, GError **error) {
  Store *store = changes->edit->store;
  Acl *today = NULL;
  const HistoryVisitor visitor = {look, changes};
  GRefString *path = store_get_path(store, key, error);
  if (path == NULL)
    return FALSE;
  gboolean done = sight_find_today(store, key, &today, error);
  changes->today = (PastThing){.today = today, .path = path};
  done = done && history_visit_key(store, key, since, &visitor, error);
  g_ref_string_release(path);
  return done;
}

static gboolean has_history_changed(Edit *edit, gint64 key, guint64 since, gboolean *changed,
                                    GError **error) {
  g_autoptr(GArray) keys = history_list_changed(edit->store, key, since, error);
  Changes changes = {.edit = edit};
  for (guint i = 0; keys != NULL && i < keys->len && !changes.seen; i++)
    if (!look_at_key(&changes, g_array_index(keys, gint64, i), since, error))
      return FALSE;
  *changed = changes.seen;
  return keys != NULL;
}

/* If history does not reach back: the keys themselves store when they last changed, and when
 * direct sub-keys last came or went. */
static gboolean has_row_changed(Edit *edit, const KeyRow *row, const KeyAt *at, guint64 since,
                                gboolean *changed, GError **error) {
  Acl *list = NULL;
  if (!store_load_acl(edit->store, at->acl, &list, error))
    return FALSE;
  *changed = acl_get_level(list, at->path, edit->who) >= ACCESS_READ &&
             (row->revision > since || row->children_revision > since);
  if (*changed || row->link != NULL)
    return TRUE;
  g_autoptr(GPtrArray) children = store_list_children(edit->store, row->id, NULL, error);
  for (guint i = 0; children != NULL && i < children->len && !*changed; i++) {
    const KeyRow *child = g_ptr_array_index(children, i);
    g_autofree char *path = g_strconcat(at->path, "\\", child->name, NULL);
    const KeyAt below = {child->id, edit_deciding(child, at->acl), path};
    if (!has_row_changed(edit, child, &below, since, changed, error))
      return FALSE;
  }
  return children != NULL;
}

static gboolean has_changed(Edit *edit, const Place *place, guint64 since, gboolean *changed,
                            GError **error) {
  guint64 horizon = 0;
  gint64 id = 0;
  const Retention retention = {edit->store, edit->settings, edit->now};
  if (!retention_get_horizon(&retention, place->path, &horizon, error))
    return FALSE;
  if (since >= horizon)
    return place_find_row(edit->store, place, &id, error) &&
           (id == 0 || has_history_changed(edit, id, since, changed, error));
  /* The place's own row may be of an older state: values have been set since. */
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(edit->store, place->key->id, &row, error))
    return FALSE;
  const KeyAt at = {row->id, edit_deciding(row, place->acl_id), place->path};
  if (place_exists(place))
    return has_row_changed(edit, row, &at, since, changed, error);
  *changed = row->children_revision > since;
  return TRUE;
}

gboolean apply_expect_revision(Edit *edit, const Operation *operation, GError **error) {
  Place *place = edit_resolve(edit, operation->key, error);
  gboolean changed = FALSE;
  if (place == NULL || !place_require(place, edit->who, ACCESS_READ, error) ||
      !check_since(edit, operation, place, error) ||
      !has_changed(edit, place, operation->revision, &changed, error))
    return FALSE;
  return !changed || conflict(place->path, "",
                              "something at or below the key has changed since the revision that "
                              "is expected",
                              error);
}

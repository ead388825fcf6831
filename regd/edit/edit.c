/* SPDX-License-Identifier: MIT */
/* See edit.h. */
#include "regd/edit/edit.h"

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/tree/place.h"

/* ---- places ---- */

static void drop_last_place(Edit *edit) {
  g_clear_pointer(&edit->last_key, g_ref_string_release);
  g_clear_pointer(&edit->last_place, place_free);
}

/* From the cache, or resolved and cached. */
static Place *find_walked(Edit *edit, const char *key, GError **error) {
  guint32 uid = edit->who->uid;
  Place *place = place_cache_find(edit->places, uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  place = resolve(edit->store, edit->who, key, RESOLVE_FOLLOW, error);
  if (place != NULL)
    place_cache_add(edit->places, edit->who, key, RESOLVE_FOLLOW, place);
  return place;
}

/* Changes often name many keys below the same one, whose place is cached. NULL without @error:
 * @key must be resolved from the root. */
static Place *find_below(Edit *edit, const char *key, GError **error) {
  const char *leaf = path_get_leaf(key);
  if (leaf == key)
    return NULL;
  g_autofree char *parent = path_dup_parent(key);
  g_autoptr(Place) above = find_walked(edit, parent, NULL);
  Place *place = NULL;
  if (above != NULL && resolve_child(edit->store, above, key, &place, error) && place != NULL)
    place_cache_add(edit->places, edit->who, key, RESOLVE_FOLLOW, place);
  return place;
}

static Place *find_place(Edit *edit, const char *key, GError **error) {
  Place *place = place_cache_find(edit->places, edit->who->uid, key, RESOLVE_FOLLOW);
  if (place != NULL)
    return place;
  GError *failure = NULL;
  place = find_below(edit, key, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return place != NULL || failure != NULL ? place : find_walked(edit, key, error);
}

Place *edit_resolve(Edit *edit, GRefString *key, GError **error) {
  if (edit->last_place != NULL && edit->last_key == key)
    return edit->last_place;
  drop_last_place(edit);
  edit->last_place = find_place(edit, key, error);
  if (edit->last_place != NULL)
    edit->last_key = g_ref_string_acquire(key);
  return edit->last_place;
}

void edit_note_place(Edit *edit) {
  place_cache_add(edit->places, edit->who, edit->last_key, RESOLVE_FOLLOW, edit->last_place);
}

void edit_forget_place(Edit *edit) {
  drop_last_place(edit);
  place_cache_clear(edit->places);
  edit->touched_children = 0;
}

/* ---- which list decides ---- */

gint64 edit_deciding(const KeyRow *row, gint64 above) {
  return row->acl != 0 ? row->acl : above;
}

gboolean edit_find_above(Edit *edit, const KeyRow *row, gint64 *acl, GError **error) {
  gint64 parent = row->parent;
  *acl = 0;
  while (parent != 0 && *acl == 0) {
    g_autoptr(KeyRow) above = NULL;
    if (!store_get_key(edit->store, parent, &above, error))
      return FALSE;
    *acl = above->acl;
    parent = above->parent;
  }
  return TRUE;
}

/* ---- what has become different ---- */

static gboolean get_list(Edit *edit, gint64 id, Acl **list, GError **error) {
  Acl *borrowed = NULL;
  if (!store_load_acl(edit->store, id, &borrowed, error))
    return FALSE;
  *list = borrowed != NULL ? acl_ref(borrowed) : NULL;
  return TRUE;
}

Difference *edit_add(Edit *edit, const EditChange *change, GError **error) {
  Difference *difference = g_new0(Difference, 1);
  difference->kind = change->kind;
  difference->key = change->key;
  difference->name = g_strdup(change->name);
  difference->before_acl = change->before;
  difference->after_acl = change->after;
  difference->path = store_get_path(edit->store, change->key, error);
  if (difference->path == NULL || !get_list(edit, change->before, &difference->before, error) ||
      !get_list(edit, change->after, &difference->after, error)) {
    difference_free(difference);
    return NULL;
  }
  g_ptr_array_add(edit->differences, difference);
  return difference;
}

gboolean edit_touch(Edit *edit, gint64 key, GError **error) {
  if (edit->touched == key)
    return TRUE;
  edit->touched = key;
  return store_touch_key(edit->store, key, edit->revision, edit->now, error);
}

/* ---- bytes of users ---- */

static UserUsage *load_usage(Edit *edit, guint32 uid, GError **error) {
  UserUsage *usage = g_hash_table_lookup(edit->usage, GUINT_TO_POINTER(uid));
  if (usage != NULL)
    return usage;
  gint64 before = 0;
  if (!store_load_usage(edit->store, uid, &before, error))
    return NULL;
  usage = g_new0(UserUsage, 1);
  usage->before = before;
  g_hash_table_insert(edit->usage, GUINT_TO_POINTER(uid), usage);
  return usage;
}

static gboolean check_usage(const Edit *edit, guint32 uid, const UserUsage *usage, gint64 times,
                            GError **error) {
  gint64 limit = edit->settings->stored_bytes_per_user;
  gint64 bytes = usage->before + usage->delta;
  if (edit->who->administrator || usage->delta <= 0 || bytes <= limit * times)
    return TRUE;
  /* How much others hold is not told. */
  if (uid != edit->who->uid)
    return error_set(
        error, REGISTRY_ERROR_LIMIT_EXCEEDED,
        "HKEY_USERS\\%u: this change would make it hold more than the %" G_GINT64_FORMAT
        " bytes that are allowed (Stored Bytes Per User)",
        uid, limit);
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "HKEY_USERS\\%u: this change would make it hold %" G_GINT64_FORMAT
                   " bytes; at most %" G_GINT64_FORMAT " are allowed (Stored Bytes Per User)",
                   uid, bytes, limit);
}

gboolean edit_charge(Edit *edit, const char *path, gint64 delta, GError **error) {
  guint32 uid = 0;
  if (delta == 0 || !resolve_get_branch(path, &uid))
    return TRUE;
  UserUsage *usage = load_usage(edit, uid, error);
  if (usage == NULL)
    return FALSE;
  usage->delta += delta;
  return delta < 0 || check_usage(edit, uid, usage, LIMIT_STORED_BYTES_WITHIN_CHANGE, error);
}

gboolean edit_has_room(Edit *edit, const char *path, gint64 bytes, gboolean *fits, GError **error) {
  guint32 uid = 0;
  *fits = TRUE;
  if (!resolve_get_branch(path, &uid))
    return TRUE;
  const UserUsage *usage = load_usage(edit, uid, error);
  if (usage == NULL)
    return FALSE;
  *fits = usage->before + usage->delta + bytes <= (gint64)edit->settings->stored_bytes_per_user;
  return TRUE;
}

gboolean edit_settle(Edit *edit, gboolean hold, GError **error) {
  GHashTableIter iter;
  gpointer uid = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, edit->usage);
  while (g_hash_table_iter_next(&iter, &uid, &value)) {
    UserUsage *usage = value;
    if (hold && GPOINTER_TO_UINT(uid) == edit->who->uid && usage->delta < 0) {
      edit->held = -usage->delta;
      usage->delta = 0;
    }
    if (!check_usage(edit, GPOINTER_TO_UINT(uid), usage, 1, error) ||
        !store_add_usage(edit->store, GPOINTER_TO_UINT(uid), usage->delta, error))
      return FALSE;
  }
  return TRUE;
}

void edit_clear_recorded(Edit *edit) {
  effective_free(edit->recorded.effective);
  g_clear_pointer(&edit->recorded.scopes, g_array_unref);
  edit->recorded = (Recorded){0};
}

void edit_clear(Edit *edit) {
  drop_last_place(edit);
  edit_clear_recorded(edit);
  g_ptr_array_unref(edit->differences);
  g_hash_table_unref(edit->usage);
  g_free(edit->described_key);
  g_clear_pointer(&edit->undoer, identity_unref);
}

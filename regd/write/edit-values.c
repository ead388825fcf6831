/* SPDX-License-Identifier: MIT */
/* See edit-values.h. */
#include "regd/write/edit-values.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"

/* What one value counts for in a user's quota. */
static gint64 get_cost(const char *name, const RegistryValue *value) {
  gsize size = 0;
  registry_value_get_bytes(value, &size);
  return (gint64)(strlen(name) + size);
}

/* Whether any schema describes the key; asked once for the values of a key that
 * come one after the other. */
static gboolean is_described(Edit *edit, const char *path) {
  if (edit->schemas == NULL)
    return FALSE;
  if (g_strcmp0(edit->judged, path) == 0)
    return edit->is_described;
  g_free(edit->judged);
  edit->judged = g_strdup(path);
  edit->is_described = schema_set_find_key(edit->schemas, path) != NULL;
  return edit->is_described;
}

gboolean edit_is_secret(Edit *edit, const char *path, const char *name) {
  return is_described(edit, path) && schema_set_is_secret(edit->schemas, path, name);
}

gboolean edit_check_value(Edit *edit, const char *path, const char *name,
                          const RegistryValue *value, GError **error) {
  gsize size = 0;
  registry_value_get_bytes(value, &size);
  if (size > edit->settings->maximum_value_size)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%s: %s: the data has %zu bytes; at most %u are allowed (Maximum Value Size)",
                     path, name, size, edit->settings->maximum_value_size);
  return !is_described(edit, path) || schema_set_check(edit->schemas, path, name, value, error);
}

/* Notes that @value has taken the place of @old (NULL: of nothing). */
static gboolean note_set(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                         const RegistryValue *value, ValueRow *old, GError **error) {
  edit_count_bytes(edit, path,
                   get_cost(name, value) - (old != NULL ? get_cost(old->name, old->value) : 0));
  Difference *difference = edit_add(edit, CHANGE_VALUE_SET, key, name, acl, acl, error);
  if (difference == NULL)
    return FALSE;
  difference->new_value = registry_value_ref(value);
  if (old != NULL) {
    difference->old_value = g_steal_pointer(&old->value);
    difference->old_position = old->position;
  }
  difference->secret = edit_is_secret(edit, path, name);
  edit->result->values_set++;
  return TRUE;
}

/* In the place of what is there under that name. */
static gboolean replace_value(Edit *edit, gint64 key, gint64 acl, const char *path,
                              const char *fold, const RegistryValue *value, GError **error) {
  g_autoptr(ValueRow) old = NULL;
  if (!store_find_value(edit->store, key, fold, &old, error))
    return FALSE;
  if (old == NULL)
    return db_fail_damaged(store_get_db(edit->store), "a value can't be found", error);
  if (registry_value_equal(old->value, value)) {
    edit->result->values_unchanged++;
    return TRUE;
  }
  if (edit->has_deleted || old->revision == edit->revision)
    edit->has_revisited = TRUE;
  return store_put_value(edit->store, key, fold, old->name, value, old->position, edit->revision,
                         error) &&
         edit_touch(edit, key, error) &&
         note_set(edit, key, acl, path, old->name, value, old, error);
}

gboolean edit_store_value(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                          const RegistryValue *value, gint64 position, GError **error) {
  g_autofree char *fold = path_fold(name);
  gboolean added = FALSE;
  if (!store_add_value(edit->store, key, fold, name, value, position, edit->revision, &added,
                       error))
    return FALSE;
  if (!added)
    return replace_value(edit, key, acl, path, fold, value, error);
  if (edit->has_deleted)
    edit->has_revisited = TRUE;
  return edit_touch(edit, key, error) && note_set(edit, key, acl, path, name, value, NULL, error);
}

gboolean edit_delete_row(Edit *edit, gint64 key, gint64 acl, const char *path, ValueRow *row,
                         GError **error) {
  g_autofree char *fold = path_fold(row->name);
  if (!store_delete_value(edit->store, key, fold, error))
    return FALSE;
  edit->has_deleted = TRUE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  edit_count_bytes(edit, path, -get_cost(row->name, row->value));
  Difference *difference = edit_add(edit, CHANGE_VALUE_DELETED, key, row->name, acl, acl, error);
  if (difference == NULL)
    return FALSE;
  difference->old_value = g_steal_pointer(&row->value);
  difference->old_position = row->position;
  difference->secret = edit_is_secret(edit, path, row->name);
  edit->result->values_deleted++;
  return TRUE;
}

gboolean edit_delete_values(Edit *edit, const KeyRow *row, gint64 acl, const char *path,
                            GError **error) {
  g_autoptr(GPtrArray) values = store_list_values(edit->store, row->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    if (!edit_delete_row(edit, row->id, acl, path, g_ptr_array_index(values, i), error))
      return FALSE;
  return TRUE;
}

static void mark_moved(Edit *edit) {
  Difference *last = edit->differences->pdata[edit->differences->len - 1];
  last->moved = TRUE;
}

/* History keeps one spelling and place a row: where they change, the value goes
 * and comes. */
static gboolean make_way(Edit *edit, gint64 key, gint64 acl, const char *path, ValueRow *old,
                         GError **error) {
  if (!edit_delete_row(edit, key, acl, path, old, error))
    return FALSE;
  mark_moved(edit);
  return TRUE;
}

gboolean edit_put_back(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                       const RegistryValue *value, gint64 position, GError **error) {
  g_autofree char *fold = path_fold(name);
  g_autoptr(ValueRow) old = NULL;
  if (!store_find_value(edit->store, key, fold, &old, error))
    return FALSE;
  gboolean moves = old != NULL && (old->position != position || !g_str_equal(old->name, name));
  if (moves && !make_way(edit, key, acl, path, old, error))
    return FALSE;
  if (!store_put_value(edit->store, key, fold, name, value, position, edit->revision, error) ||
      !edit_touch(edit, key, error) ||
      !note_set(edit, key, acl, path, name, value, moves ? NULL : old, error))
    return FALSE;
  if (moves)
    mark_moved(edit);
  return TRUE;
}

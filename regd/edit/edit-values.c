/* SPDX-License-Identifier: MIT */
/* See edit-values.h. */
#include "regd/edit/edit-values.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/declare/declared.h"
#include "regd/edit/edit-locks.h"

/* The cost of a value in a user's quota. */
static gint64 get_cost(const char *name, const RegistryValue *value) {
  gsize size = 0;
  registry_value_get_bytes(value, &size);
  return (gint64)(strlen(name) + size);
}

/* Whether any schema describes the key; looked up once for consecutive values of the same key. */
static gboolean is_described(Edit *edit, const char *path) {
  if (edit->schemas == NULL)
    return FALSE;
  if (g_strcmp0(edit->described_key, path) == 0)
    return edit->is_described;
  g_free(edit->described_key);
  edit->described_key = g_strdup(path);
  edit->is_described = schema_set_find_key(edit->schemas, path) != NULL;
  return edit->is_described;
}

gboolean edit_is_secret(Edit *edit, const char *path, const char *name) {
  return is_described(edit, path) && schema_set_is_secret(edit->schemas, path, name);
}

gboolean edit_check_value(Edit *edit, const char *path, const char *name,
                          const RegistryValue *value, GError **error) {
  gsize size = 0;
  if (edit->is_fleets) /* it was checked where it was made */
    return TRUE;
  registry_value_get_bytes(value, &size);
  if (size > edit->settings->maximum_value_size)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%s: %s: the data has %zu bytes; at most %u are allowed (Maximum Value Size)",
                     path, name, size, edit->settings->maximum_value_size);
  return !is_described(edit, path) || schema_set_check(edit->schemas, path, name, value, error);
}

/* Whether the caller must not be told what the value holds. Then they must not learn either if it
 * is what they write: each write of theirs counts as a change. */
static gboolean is_blind(Edit *edit, const KeyAt *at, const char *name, gboolean *blind,
                         GError **error) {
  Acl *list = NULL;
  *blind = FALSE;
  if (!edit_is_secret(edit, at->path, name))
    return TRUE;
  if (!store_load_acl(edit->store, at->acl, &list, error))
    return FALSE;
  /* What a trial did blindly is undone as blindly. */
  *blind = edit->undone != 0 || edit->every_secret_counts ||
           acl_get_secret_level(list, at->path, edit->who) < ACCESS_READ;
  return TRUE;
}

/* What @difference tells of secrecy, about @row (NULL: nothing was there). */
static gboolean note_secrecy(Edit *edit, const KeyAt *at, const ValueRow *row,
                             Difference *difference, GError **error) {
  difference->secret = edit_is_secret(edit, at->path, difference->name);
  if (!is_blind(edit, at, difference->name, &difference->blind, error))
    return FALSE;
  return row == NULL ||
         history_was_secret(edit->store, at->id, row, &difference->old_secret, error);
}

/* Notes that @new has taken the place of @old (NULL: of nothing). */
static gboolean note_set(Edit *edit, const KeyAt *at, const NewValue *new, ValueRow *old,
                         GError **error) {
  if (!edit_pass_value(edit, at, new->name, error))
    return FALSE;
  gint64 old_cost = old != NULL ? get_cost(old->name, old->value) : 0;
  if (!edit_charge(edit, at->path, get_cost(new->name, new->value) - old_cost, error))
    return FALSE;
  Difference *difference =
      edit_add(edit, &(EditChange){CHANGE_VALUE_SET, at->id, new->name, at->acl, at->acl}, error);
  if (difference == NULL)
    return FALSE;
  difference->new_value = registry_value_ref(new->value);
  if (old != NULL) {
    difference->old_value = g_steal_pointer(&old->value);
    difference->old_position = old->position;
  }
  edit->result->values_set++;
  return note_secrecy(edit, at, old, difference, error);
}

/* Replaces the value of that name, whose spelling and position stay. */
static gboolean replace_value(Edit *edit, const KeyAt *at, NewValue new, GError **error) {
  g_autoptr(ValueRow) old = NULL;
  if (!store_find_value(edit->store, at->id, new.fold, &old, error))
    return FALSE;
  if (old == NULL)
    return db_fail_damaged(store_get_db(edit->store), "a value can't be found", error);
  gboolean blind = FALSE;
  gboolean same = registry_value_equal(old->value, new.value);
  if (same && !is_blind(edit, at, old->name, &blind, error))
    return FALSE;
  if (same && !blind) {
    edit->result->values_unchanged++;
    return TRUE;
  }
  if (edit->has_deleted || old->revision == edit->revision)
    edit->has_revisited = TRUE;
  new.name = old->name;
  new.position = old->position;
  return store_put_value(edit->store, at->id, &new, error) && edit_touch(edit, at->id, error) &&
         note_set(edit, at, &new, old, error);
}

gboolean edit_store_value(Edit *edit, const KeyAt *at, NewValue new, GError **error) {
  g_autofree char *fold = path_fold(new.name);
  gboolean added = FALSE;
  new.fold = fold;
  new.revision = edit->revision;
  new.secret |= edit_is_secret(edit, at->path, new.name);
  if (!store_add_value(edit->store, at->id, &new, &added, error))
    return FALSE;
  if (!added)
    return replace_value(edit, at, new, error);
  if (edit->has_deleted)
    edit->has_revisited = TRUE;
  return edit_touch(edit, at->id, error) && note_set(edit, at, &new, NULL, error);
}

/* A value that an owner declares may be set again by the same change. */
static void note_gone(Edit *edit, const KeyAt *at, const ValueRow *row) {
  if (edit->gone == NULL)
    return;
  g_autofree char *path = path_fold(at->path);
  g_autofree char *thing = declared_make_thing(path, row->name);
  if (!g_hash_table_contains(edit->gone, thing))
    g_hash_table_insert(edit->gone, g_steal_pointer(&thing), registry_value_ref(row->value));
}

gboolean edit_delete_row(Edit *edit, const KeyAt *at, ValueRow *row, GError **error) {
  g_autofree char *fold = path_fold(row->name);
  if (!edit_pass_value(edit, at, row->name, error) ||
      !store_delete_value(edit->store, at->id, fold, error))
    return FALSE;
  note_gone(edit, at, row);
  edit->has_deleted = TRUE;
  if (row->revision == edit->revision)
    edit->has_revisited = TRUE;
  if (!edit_charge(edit, at->path, -get_cost(row->name, row->value), error))
    return FALSE;
  Difference *difference = edit_add(
      edit, &(EditChange){CHANGE_VALUE_DELETED, at->id, row->name, at->acl, at->acl}, error);
  if (difference == NULL)
    return FALSE;
  difference->old_value = g_steal_pointer(&row->value);
  difference->old_position = row->position;
  edit->result->values_deleted++;
  return note_secrecy(edit, at, row, difference, error);
}

gboolean edit_delete_values(Edit *edit, const KeyAt *at, GError **error) {
  g_autoptr(GPtrArray) values = store_list_values(edit->store, at->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    if (!edit_delete_row(edit, at, g_ptr_array_index(values, i), error))
      return FALSE;
  return TRUE;
}

static void mark_moved(Edit *edit) {
  Difference *last = edit->differences->pdata[edit->differences->len - 1];
  last->moved = TRUE;
}

/* A row of history has one spelling and position: a value that changes them is deleted
 * and set again. */
static gboolean make_way(Edit *edit, const KeyAt *at, ValueRow *row, GError **error) {
  if (!edit_delete_row(edit, at, row, error))
    return FALSE;
  mark_moved(edit);
  return TRUE;
}

gboolean edit_put_back(Edit *edit, const KeyAt *at, NewValue old, GError **error) {
  g_autofree char *fold = path_fold(old.name);
  g_autoptr(ValueRow) now = NULL;
  old.fold = fold;
  old.revision = edit->revision;
  old.secret |= edit_is_secret(edit, at->path, old.name);
  if (!store_find_value(edit->store, at->id, fold, &now, error))
    return FALSE;
  gboolean moves =
      now != NULL && (now->position != old.position || !g_str_equal(now->name, old.name));
  if (moves && !make_way(edit, at, now, error))
    return FALSE;
  if (!store_put_value(edit->store, at->id, &old, error) || !edit_touch(edit, at->id, error) ||
      !note_set(edit, at, &old, moves ? NULL : now, error))
    return FALSE;
  if (moves)
    mark_moved(edit);
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* See later-changes.h. */
#include "regd/write/later-changes.h"

#include "client/base/path.h"
#include "regd/history/trials.h"

static gboolean collect(const Difference *difference, G_GNUC_UNUSED guint64 revision, gpointer data,
                        G_GNUC_UNUSED GError **error) {
  Difference *copy = g_new0(Difference, 1);
  *copy = *difference;
  copy->path = NULL;
  copy->name = g_strdup(difference->name);
  copy->old_value =
      difference->old_value != NULL ? registry_value_ref(difference->old_value) : NULL;
  copy->new_value = NULL;
  copy->old_state = difference->old_state != NULL ? g_bytes_ref(difference->old_state) : NULL;
  copy->before = copy->after = NULL;
  g_ptr_array_add(data, copy);
  return TRUE;
}

GPtrArray *undo_list_differences(Store *store, guint64 revision, GError **error) {
  g_autoptr(GPtrArray) differences =
      g_ptr_array_new_with_free_func((GDestroyNotify)difference_free);
  const HistoryVisitor visitor = {collect, differences};
  return history_visit_revision(store, revision, &visitor, error) ? g_steal_pointer(&differences)
                                                                  : NULL;
}

static KeyChanges *key_changes_new(void) {
  KeyChanges *changes = g_new0(KeyChanges, 1);
  changes->names = g_hash_table_new_full(path_hash_name, path_equal_names, g_free, NULL);
  return changes;
}

static void key_changes_free(gpointer data) {
  KeyChanges *changes = data;
  g_hash_table_unref(changes->names);
  g_free(changes);
}

gboolean key_changes_have(const KeyChanges *changes, const Difference *difference) {
  if (difference->name != NULL)
    return g_hash_table_contains(changes->names, difference->name);
  return difference->kind == CHANGE_ACL_CHANGED ? changes->list : changes->itself;
}

struct LaterChanges {
  Store *store;
  guint64 revision;
  GHashTable *keys;     /* id -> KeyChanges */
  KeyChanges *now;      /* of the key that is looked at */
  guint64 looked_up;    /* the last revision that was */
  gboolean is_of_ended; /* what was found of it */
};

LaterChanges *later_changes_new(Store *store, guint64 revision) {
  LaterChanges *later = g_new0(LaterChanges, 1);
  later->store = store;
  later->revision = revision;
  later->keys = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, key_changes_free);
  return later;
}

void later_changes_free(LaterChanges *later) {
  if (later == NULL)
    return;
  g_hash_table_unref(later->keys);
  g_free(later);
}

static gboolean note_change(const Difference *difference, guint64 revision, gpointer data,
                            GError **error) {
  LaterChanges *later = data;
  if (difference->kind == CHANGE_LOCK_CHANGED)
    return TRUE; /* what is locked is left, or refused, by other rules */
  if (later->looked_up != revision &&
      !trials_is_ended(later->store, revision, &later->is_of_ended, error))
    return FALSE;
  later->looked_up = revision;
  if (later->is_of_ended)
    return TRUE;
  if (difference->name != NULL)
    g_hash_table_add(later->now->names, g_strdup(difference->name));
  else if (difference->kind == CHANGE_ACL_CHANGED)
    later->now->list = TRUE;
  else
    later->now->itself = TRUE;
  return TRUE;
}

const KeyChanges *later_changes_get(LaterChanges *later, gint64 key, GError **error) {
  later->now = g_hash_table_lookup(later->keys, &key);
  if (later->now != NULL)
    return later->now;
  later->now = key_changes_new();
  g_hash_table_insert(later->keys, g_memdup2(&key, sizeof key), later->now);
  return history_visit_key(later->store, key, later->revision,
                           &(HistoryVisitor){note_change, later}, error)
             ? later->now
             : NULL;
}

/* SPDX-License-Identifier: MIT */
/* See recording.h. */
#include "regd/edit/recording.h"

#include "client/base/error.h"
#include "regd/history/retention.h"

gboolean edit_differs(const Edit *edit) {
  return edit->differences->len > 0 || edit->recorded.effective != NULL;
}

/* Nothing needs a difference afterwards: each is freed at once, because those of a large change
 * take much memory. */
static void move_into(Effective *effective, GPtrArray *differences) {
  for (guint i = 0; i < differences->len; i++) {
    const Difference *difference = g_ptr_array_index(differences, i);
    effective_add(effective, difference->kind, difference->path,
                  difference->name != NULL ? difference->name : "", difference->before,
                  difference->after)
        ->reroutes = difference->reroutes;
    g_clear_pointer(&differences->pdata[i], difference_free);
  }
  g_ptr_array_set_size(differences, 0);
}

Effective *edit_make_effective(Edit *edit) {
  Effective *effective = effective_new(edit->revision);
  move_into(effective, edit->differences);
  return effective;
}

static void count_bytes(GArray *scopes, gint64 scope, gsize bytes) {
  ScopeBytes *last = scopes->len > 0 ? &g_array_index(scopes, ScopeBytes, scopes->len - 1) : NULL;
  if (last != NULL && last->scope == scope) {
    last->bytes += (gint64)bytes;
    return;
  }
  const ScopeBytes first = {scope, (gint64)bytes};
  g_array_append_val(scopes, first);
}

/* By scopes of history. */
static void count_all_bytes(GArray *scopes, const GPtrArray *differences) {
  const char *last = NULL;
  gint64 scope = 0;
  for (guint i = 0; i < differences->len; i++) {
    const Difference *difference = g_ptr_array_index(differences, i);
    if (difference->path != last)
      scope = retention_get_scope(difference->path);
    last = difference->path;
    count_bytes(scopes, scope, difference_get_size(difference));
  }
}

gboolean edit_record(Edit *edit, const RevisionRow *head, GError **error) {
  Recorded *recorded = &edit->recorded;
  if (!history_record(edit->store, head, edit->differences, &recorded->rows, error))
    return FALSE;
  if (recorded->effective == NULL) {
    recorded->effective = effective_new(edit->revision);
    recorded->scopes = g_array_new(FALSE, FALSE, sizeof(ScopeBytes));
  }
  count_all_bytes(recorded->scopes, edit->differences);
  move_into(recorded->effective, edit->differences);
  return TRUE;
}

/* ---- back again ---- */

/* @row is of history, which does not hold the path and the lists; watchers would have heard
 * @entry of it. */
static Difference *recall(const Difference *row, const EffectiveEntry *entry) {
  Difference *difference = g_memdup2(row, sizeof *row);
  difference->path = g_ref_string_acquire(entry->key);
  difference->name = g_strdup(row->name);
  difference->old_value = row->old_value != NULL ? registry_value_ref(row->old_value) : NULL;
  difference->new_value = row->new_value != NULL ? registry_value_ref(row->new_value) : NULL;
  difference->old_state = row->old_state != NULL ? g_bytes_ref(row->old_state) : NULL;
  difference->before = entry->before != NULL ? acl_ref(entry->before) : NULL;
  difference->after = entry->after != NULL ? acl_ref(entry->after) : NULL;
  return difference;
}

static gboolean refuse_history(GError **error) {
  return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                   "history does not hold what was just written to it");
}

static gboolean on_row(const Difference *row, G_GNUC_UNUSED guint64 revision, gpointer data,
                       GError **error) {
  Edit *edit = data;
  const GPtrArray *entries = edit->recorded.effective->entries;
  guint index = edit->differences->len;
  if (index >= entries->len)
    return refuse_history(error);
  g_ptr_array_add(edit->differences, recall(row, g_ptr_array_index(entries, index)));
  return TRUE;
}

gboolean edit_recall(Edit *edit, GError **error) {
  Recorded *recorded = &edit->recorded;
  if (recorded->effective == NULL)
    return TRUE;
  g_autoptr(GPtrArray) later = edit->differences;
  edit->differences = g_ptr_array_new_with_free_func((GDestroyNotify)difference_free);
  const HistoryVisitor visitor = {on_row, edit};
  if (!history_visit_revision(edit->store, edit->revision, &visitor, error))
    return FALSE;
  if (edit->differences->len < recorded->effective->entries->len)
    return refuse_history(error);
  if (!history_take_back(edit->store, edit->revision, error))
    return FALSE;
  g_ptr_array_extend_and_steal(edit->differences, g_steal_pointer(&later));
  edit_clear_recorded(edit);
  return TRUE;
}

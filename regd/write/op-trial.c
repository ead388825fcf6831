/* SPDX-License-Identifier: MIT */
/* Undoing one revision that was on trial, confirming one, and ending its trial early. */
#include "client/base/error.h"
#include "regd/edit/edit-keys.h"
#include "regd/history/trials.h"
#include "regd/write/fleet-hook.h"
#include "regd/write/operations.h"
#include "regd/write/undo.h"

/* What this trial changed again of others' that have ended meanwhile was left as
 * it was then, and has come back now: it goes too. */
static gboolean undo_others(Edit *edit, guint64 revision, GError **error) {
  g_autoptr(GArray) ended = trials_list_ended(edit->store, revision, error);
  for (guint i = 0; ended != NULL && i < ended->len; i++) {
    edit->has_revisited = TRUE;
    if (!undo_revision(edit, g_array_index(ended, guint64, i), error))
      return FALSE;
  }
  return ended != NULL;
}

gboolean apply_undo(Edit *edit, const Operation *operation, GError **error) {
  gboolean is_on_trial = FALSE;
  edit->result->trials_changed = TRUE;
  if (!trials_find(edit->store, operation->revision, &is_on_trial, error))
    return FALSE;
  /* It may have been confirmed while its undoing waited for its turn. */
  if (!is_on_trial)
    return TRUE;
  edit->undone = operation->revision;
  if (!trials_get_fleet(edit->store, operation->revision, &edit->undone_fleet, error))
    return FALSE;
  /* One host undoes it for all, and its locks are its own. */
  edit->over_locks = edit->over_locks || edit->undone_fleet != 0;
  return trials_release(edit->store, operation->revision, error) &&
         undo_revision(edit, operation->revision, error) &&
         trials_end(edit->store, operation->revision, edit->revision, error) &&
         undo_others(edit, operation->revision, error) && trials_forget_ended(edit->store, error);
}

gboolean edit_end_trial(Edit *edit, guint64 revision, GError **error) {
  return trials_release(edit->store, revision, error) &&
         trials_end(edit->store, revision, edit->revision, error) &&
         trials_forget_ended(edit->store, error);
}

gboolean edit_note_left_out(Edit *edit, GError **error) {
  gint64 key = edit->left_out + edit->left_locked > 0 ? edit->left_out_at : 0;
  g_autoptr(KeyRow) row = NULL;
  while (key != 0 && (row == NULL || !row->live)) {
    g_clear_pointer(&row, key_row_free);
    if (!store_get_key(edit->store, key, &row, error))
      return FALSE;
    key = row->parent;
  }
  gint64 above = 0;
  edit->over_locks = TRUE; /* the list stays what it is */
  return row == NULL || (edit_find_above(edit, row, &above, error) &&
                         edit_set_list(edit, row, above, row->acl, error));
}

char *edit_get_comment(const Edit *edit, const char *comment) {
  GString *text = g_string_new(comment);
  if (edit->left_out > 0)
    g_string_append_printf(text,
                           "; %u of its changes stay, because its maker may not see, or no longer "
                           "holds, what would come back, or has no room for it",
                           edit->left_out);
  if (edit->left_locked > 0)
    g_string_append_printf(text, "; %u of its changes stay, because they are locked",
                           edit->left_locked);
  return g_string_free(text, comment == NULL && text->len == 0);
}

/* ---- confirming, and ending early ---- */

/* Whether the caller may be told if the revision is on trial: it is theirs, or none yet. */
static gboolean may_ask_of(Edit *edit, guint64 revision, gboolean *may, GError **error) {
  *may = edit->who->administrator || revision == 0 || revision >= edit->revision;
  if (*may)
    return TRUE;
  g_autoptr(RevisionRow) row = NULL;
  if (!history_get_revision(edit->store, revision, &row, error))
    return FALSE;
  *may = row != NULL && row->uid == edit->who->uid;
  return *may || trials_is_of(edit->store, revision, edit->who->uid, may, error);
}

/* That the revision is on trial, and the caller's to decide about. Others' revisions are refused
 * alike, whether they are on trial or not. */
static gboolean check_trial(Edit *edit, guint64 revision, GError **error) {
  gboolean may_ask = FALSE;
  gboolean is_on_trial = FALSE;
  if (!may_ask_of(edit, revision, &may_ask, error) ||
      !trials_find(edit->store, revision, &is_on_trial, error))
    return FALSE;
  if (!may_ask)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                     "revision %" G_GUINT64_FORMAT " is not yours: only the user who made a change "
                     "on trial, or an administrator, decides about it",
                     revision);
  return is_on_trial || error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                                  "revision %" G_GUINT64_FORMAT " is not on trial", revision);
}

gboolean apply_confirm(Edit *edit, const Operation *operation, GError **error) {
  if (!check_trial(edit, operation->revision, error) ||
      (edit->fleet != NULL && !edit->fleet->confirm(edit, operation->revision, error)))
    return FALSE;
  if (edit->result->proposal != NULL)
    return TRUE;
  edit->writes_anyway = TRUE;
  edit->result->trials_changed = TRUE;
  return trials_release(edit->store, operation->revision, error) &&
         trials_remove(edit->store, operation->revision, error) &&
         trials_forget_ended(edit->store, error);
}

gboolean apply_end_trial(Edit *edit, const Operation *operation, GError **error) {
  if (!check_trial(edit, operation->revision, error))
    return FALSE;
  /* What comes back is judged by the rights of the trial's maker, as at its deadline. History
   * names who has ended it. */
  edit->undoer = identity_new(edit->who->uid, TRUE, NULL, 0, edit->who->pid, edit->who->program);
  edit->who = edit->undoer;
  return apply_undo(edit, operation, error);
}

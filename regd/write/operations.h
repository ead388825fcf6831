/* SPDX-License-Identifier: MIT */
/* What each operation of a change does: it checks the caller's rights, then edits.
 * For apply.c, whose table names them all. */
#ifndef REGD_WRITE_OPERATIONS_H
#define REGD_WRITE_OPERATIONS_H

#include "regd/edit/edit.h"

/* op-values.c */
gboolean apply_set_value(Edit *edit, const Operation *operation, GError **error);
gboolean apply_delete_value(Edit *edit, const Operation *operation, GError **error);

/* op-keys.c */
gboolean apply_create_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_create_link(Edit *edit, const Operation *operation, GError **error);
gboolean apply_delete_key(Edit *edit, const Operation *operation, GError **error);
/* A link at the canonical path @at may lead to @target, which is absolute, if the caller makes it.
 * The target with the long spelling of its root; owned. */
char *edit_check_target(Edit *edit, const char *at, const char *target, GError **error);
gboolean apply_set_acl(Edit *edit, const Operation *operation, GError **error);

/* op-moves.c */
gboolean apply_rename_key(Edit *edit, const Operation *operation, GError **error);
gboolean apply_copy_key(Edit *edit, const Operation *operation, GError **error);

/* op-expect.c */
gboolean apply_expect_value(Edit *edit, const Operation *operation, GError **error);
gboolean apply_expect_absent(Edit *edit, const Operation *operation, GError **error);
gboolean apply_expect_revision(Edit *edit, const Operation *operation, GError **error);

/* op-rollback.c */
gboolean apply_rollback(Edit *edit, const Operation *operation, GError **error);
gboolean apply_purge(Edit *edit, const Operation *operation, GError **error);

/* op-lock.c */
gboolean apply_lock(Edit *edit, const Operation *operation, GError **error);
gboolean apply_unlock(Edit *edit, const Operation *operation, GError **error);
/* Locks the value @name (NULL: the key and all below it) at @place, there or not. The caller has
 * checked the rights. */
gboolean edit_lock(Edit *edit, const Place *place, const char *name, const char *reason,
                   GError **error);

/* op-declare.c */
gboolean apply_disown(Edit *edit, const Operation *operation, GError **error);

/* op-undo-revision.c */
gboolean apply_undo_revision(Edit *edit, const Operation *operation, GError **error);

/* op-trial.c */
gboolean apply_undo(Edit *edit, const Operation *operation, GError **error);
/* The trial is over, and nothing has to be undone. */
gboolean edit_end_trial(Edit *edit, guint64 revision, GError **error);
/* If all that a trial would give back was left out: history says so at the key, which is marked
 * as if its list had been changed, since no revision is without a change. */
gboolean edit_note_left_out(Edit *edit, GError **error);
/* @comment, and what was left out; or NULL. */
char *edit_get_comment(const Edit *edit, const char *comment);
gboolean apply_confirm(Edit *edit, const Operation *operation, GError **error);
gboolean apply_end_trial(Edit *edit, const Operation *operation, GError **error);

#endif

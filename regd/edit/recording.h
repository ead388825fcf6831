/* SPDX-License-Identifier: MIT */
/* Recording what a change did: its rows of history, and what watchers hear of it. A large change
 * is recorded in parts while it is applied, so that its differences need not all be held. */
#ifndef REGD_EDIT_RECORDING_H
#define REGD_EDIT_RECORDING_H

#include "regd/edit/edit.h"

/* Whether the change has changed anything so far. */
gboolean edit_differs(const Edit *edit);
/* Writes the differences so far, behind those that were recorded before, and frees them. */
gboolean edit_record(Edit *edit, const RevisionRow *head, GError **error);
/* Makes differences again of all that was recorded, and takes it out of history: edit_fold() needs
 * all of a change. */
gboolean edit_recall(Edit *edit, GError **error);
/* What watchers hear of the differences that are not recorded. Frees them. */
Effective *edit_make_effective(Edit *edit);

#endif

/* SPDX-License-Identifier: MIT */
/* Undoing what one revision on trial did, the last difference first. What somebody has changed
 * since stays, and so does what is locked or may not be given back: that is counted in the edit. */
#ifndef REGD_WRITE_UNDO_H
#define REGD_WRITE_UNDO_H

#include "regd/edit/edit.h"

gboolean undo_revision(Edit *edit, guint64 revision, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Folding the differences of one change, so that history and signals hold what really differs. */
#ifndef REGD_EDIT_FOLD_H
#define REGD_EDIT_FOLD_H

#include "regd/edit/edit.h"

/* Folds differences that touch the same thing twice into one, and drops those
 * that end where they began. */
gboolean edit_fold(Edit *edit, GError **error);

#endif

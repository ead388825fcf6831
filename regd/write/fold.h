/* SPDX-License-Identifier: MIT */
/* Folding what one change has made different. */
#ifndef REGD_WRITE_FOLD_H
#define REGD_WRITE_FOLD_H

#include "regd/write/edit.h"

/* Folds differences that touch the same thing twice into one, and drops those
 * that end where they began. */
gboolean edit_fold(Edit *edit, GError **error);

#endif

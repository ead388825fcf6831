/* SPDX-License-Identifier: MIT */
/* A change that declares: what its operations set becomes its owner's declaration, and what the
 * owner declared before and does not any more is taken back. Operations note what they set;
 * everything is written at the end, so that rows are those from before the change until then. */
#ifndef REGD_WRITE_OP_DECLARE_H
#define REGD_WRITE_OP_DECLARE_H

#include "regd/edit/edit.h"

typedef struct Declarer Declarer;
/* NULL if @change has no owner. @change must live as long. */
Declarer *declarer_new(const Change *change);
void declarer_free(Declarer *declarer);

/* Call around an operation that is done. Notes what it declares. FALSE: the caller has not the
 * right to declare it. */
void edit_begin_declaring(Edit *edit);
gboolean edit_declare(Edit *edit, const Operation *operation, GError **error);
/* Writes the declarations, prunes and locks. CONFLICT: another owner declares otherwise. */
gboolean edit_settle_declared(Edit *edit, GError **error);

/* A key is another one now: declarations at and below it go along. */
gboolean edit_carry_declared(Edit *edit, const char *old_path, const char *new_path,
                             GError **error);

#endif

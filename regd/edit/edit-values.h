/* SPDX-License-Identifier: MIT */
/* Changing the values of one key, for operations that have checked the caller's
 * rights. */
#ifndef REGD_EDIT_EDIT_VALUES_H
#define REGD_EDIT_EDIT_VALUES_H

#include "regd/edit/edit.h"

/* Checks one value against schemas and limits for @path. */
gboolean edit_check_value(Edit *edit, const char *path, const char *name,
                          const RegistryValue *value, GError **error);
gboolean edit_is_secret(Edit *edit, const char *path, const char *name);
/* Writes one value into an existing key and notes the difference. A value of the same
 * name keeps its spelling and position. @new's fold and revision are filled in here. */
gboolean edit_store_value(Edit *edit, const KeyAt *at, NewValue new, GError **error);
/* Writes a value as it was: spelling and position too. Its data has been checked. */
gboolean edit_put_back(Edit *edit, const KeyAt *at, NewValue old, GError **error);
/* Deletes one value; takes its data out of @row. */
gboolean edit_delete_row(Edit *edit, const KeyAt *at, ValueRow *row, GError **error);
gboolean edit_delete_values(Edit *edit, const KeyAt *at, GError **error);

#endif

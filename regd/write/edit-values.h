/* SPDX-License-Identifier: MIT */
/* Changing the values of one key, for operations that have checked the caller's
 * rights. */
#ifndef REGD_WRITE_EDIT_VALUES_H
#define REGD_WRITE_EDIT_VALUES_H

#include "regd/write/edit.h"

/* Checks one value against schemas and limits for @path. */
gboolean edit_check_value(Edit *edit, const char *path, const char *name,
                          const RegistryValue *value, GError **error);
gboolean edit_is_secret(Edit *edit, const char *path, const char *name);
/* Writes one value into an existing key and notes the difference. @acl decides
 * there; @position 0: behind the others, unless it is there already. */
gboolean edit_store_value(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                          const RegistryValue *value, gint64 position, GError **error);
/* Writes a value as it was: spelling and position too. Its data has been checked. */
gboolean edit_put_back(Edit *edit, gint64 key, gint64 acl, const char *path, const char *name,
                       const RegistryValue *value, gint64 position, GError **error);
/* Deletes one value; takes its data out of @row. */
gboolean edit_delete_row(Edit *edit, gint64 key, gint64 acl, const char *path, ValueRow *row,
                         GError **error);
gboolean edit_delete_values(Edit *edit, const KeyRow *row, gint64 acl, const char *path,
                            GError **error);

#endif

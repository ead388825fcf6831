/* SPDX-License-Identifier: MIT */
/* What is locked, asked where keys, values, links and lists are really changed: so every way of
 * changing them is held up by one root. Rights are asked before. An owner passes the locks of
 * what it had declared. */
#ifndef REGD_EDIT_EDIT_LOCKS_H
#define REGD_EDIT_EDIT_LOCKS_H

#include "regd/edit/edit.h"

/* LOCKED: the value must stay as it is. */
gboolean edit_pass_value(Edit *edit, const KeyAt *at, const char *name, GError **error);
/* LOCKED: the key, which may be new, its attributes and its list must stay. */
gboolean edit_pass_key(Edit *edit, gint64 key, GError **error);
/* LOCKED: as edit_pass_key(), of a key that becomes a link or leads elsewhere: its values and all
 * below it would be found at the target, locked or not. */
gboolean edit_pass_link(Edit *edit, gint64 key, GError **error);
/* LOCKED: something at or below the key must stay where it is. */
gboolean edit_pass_branch(Edit *edit, const KeyAt *at, GError **error);

/* The lock that holds up undoing @difference at the canonical @path; NULL: there is none. */
const Lock *edit_find_undo_lock(const Edit *edit, const Difference *difference, const char *path);

#endif

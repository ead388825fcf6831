/* SPDX-License-Identifier: MIT */
/* Changing the tree itself: keys, links and access lists. */
#ifndef REGD_EDIT_EDIT_KEYS_H
#define REGD_EDIT_EDIT_KEYS_H

#include "regd/edit/edit.h"

/* Creates the missing part of @place as ordinary keys, the last one with @leaf's class, link
 * and volatility (NULL: ordinary). Afterwards the place exists. The caller has checked the
 * rights. */
gboolean edit_create(Edit *edit, Place *place, const KeyRow *leaf, GError **error);
/* Deletes a key and all below it; @above is the list that decides above it. */
gboolean edit_delete_tree(Edit *edit, const KeyRow *row, gint64 above, GError **error);
/* Writes one new key, which must not exist, and notes the difference; @above is the list that
 * decides above it. Sets the row's id. */
gboolean edit_insert(Edit *edit, KeyRow *row, gint64 above, GError **error);
/* Whether @acl gives the caller @level; else ACCESS_DENIED naming @path. */
gboolean edit_require(Edit *edit, gint64 acl, const char *path, AccessLevel level, GError **error);

/* What the key itself costs its user, in bytes. */
gboolean edit_get_cost(Edit *edit, const KeyRow *row, gint64 *cost, GError **error);
/* Writes the attributes of a key that cost @cost_before, and charges the rest. */
gboolean edit_update(Edit *edit, const KeyRow *row, gint64 cost_before, GError **error);

/* Points the link @row at @target; @acl decides there. */
gboolean edit_point_link(Edit *edit, KeyRow *row, gint64 acl, const char *target, GError **error);
/* Gives @row the list @id of its own (0: none); @above decides without one. */
gboolean edit_set_list(Edit *edit, KeyRow *row, gint64 above, gint64 id, GError **error);

#endif

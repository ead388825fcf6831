/* SPDX-License-Identifier: MIT */
/* The commit that leads from one state of a branch to another, and fails where
 * what it is about has changed meanwhile. Pure. */
#ifndef CLIENT_REGCTL_BRANCH_EDIT_CHANGE_H
#define CLIENT_REGCTL_BRANCH_EDIT_CHANGE_H

#include "client/regctl/branch/branch.h"

/* @before is the branch as it was at @revision. INVALID_VALUE: @after is nothing
 * that this can lead to (a key outside of the branch, a link with values). Owned
 * by the caller. */
Change *edit_change_new(const Branch *before, guint64 revision, const Branch *after,
                        GError **error);

#endif

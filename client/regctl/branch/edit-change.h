/* SPDX-License-Identifier: MIT */
/* The commit that leads from one state of a branch to another. It fails if the keys and
 * values that it changes have changed meanwhile. Pure. */
#ifndef CLIENT_REGCTL_BRANCH_EDIT_CHANGE_H
#define CLIENT_REGCTL_BRANCH_EDIT_CHANGE_H

#include "client/regctl/branch/branch.h"

/* @before is the branch as it was at @revision. INVALID_VALUE: no commit can lead to
 * @after (it has a key outside of the branch, or a link with values). Owned by the caller. */
Change *edit_change_new(const Branch *before, guint64 revision, const Branch *after,
                        GError **error);

#endif

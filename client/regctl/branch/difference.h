/* SPDX-License-Identifier: MIT */
/* Shows the differences between two branches. */
#ifndef CLIENT_REGCTL_BRANCH_DIFFERENCE_H
#define CLIENT_REGCTL_BRANCH_DIFFERENCE_H

#include "client/regctl/branch/branch.h"
#include "client/regctl/session/session.h"

/* Prints what leads from @a to @b, in lines like diff(1)'s or as JSON; nothing (in lines)
 * if they are alike. Returns whether they differ. */
gboolean difference_print(Session *session, const Branch *a, const char *a_name, const Branch *b,
                          const char *b_name);
/* The same as a JSON array. */
gboolean difference_write(Session *session, const Branch *a, const Branch *b);

#endif

/* SPDX-License-Identifier: MIT */
/* The users that roles run as: by name, or as owners of mail folders. It asks the
 * system's user database and the file system, nothing else. */
#ifndef MAILAUTH_PROCESS_ACCOUNT_H
#define MAILAUTH_PROCESS_ACCOUNT_H

#include "mailauth/process/role.h"

/* @name: a user's name, or a uid in digits. @with_groups: with the groups that it is a
 * member of, else only its own. KEY_NOT_FOUND: there is no such user; the message says
 * how to make one. ACCESS_DENIED: it is root. */
gboolean account_find(const char *name, gboolean with_groups, RoleUser *user, GError **error);

/* The owner of the folder @path (absolute, without `..`) and its own group; of a folder
 * that is not there yet, the owner of the one that it would be made in. A
 * symbolic link on the way is followed only where root, or this process's user, has
 * made it, in a folder where nobody else could have: who owns the folder decides
 * whose mail is opened. ACCESS_DENIED: root owns it. */
gboolean account_find_owner(const char *path, RoleUser *user, GError **error);

#endif

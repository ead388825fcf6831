/* SPDX-License-Identifier: MIT */
/* Hives as files that regctl imports and exports. */
#ifndef CLIENT_REGCTL_BRANCH_HIVE_FILE_H
#define CLIENT_REGCTL_BRANCH_HIVE_FILE_H

#include "client/regctl/session/session.h"

/* Whether the file is to be read as a hive: it is one, or --hive says so. */
gboolean hive_file_is_one(const Session *session, int descriptor);
/* The hive as a .reg file without a name, for the key that --at names. What is left out is said on
 * standard error. -1 with @error; INVALID_ARGUMENTS: no --at. The caller closes it. @name is for
 * messages. */
int hive_file_open_as_regfile(Session *session, const char *name, int descriptor, GError **error);
/* Writes what is at and below @key, as one state, as a hive to @descriptor, an empty file.
 * ACCESS_DENIED if something may not be read, unless --skip-unreadable leaves it out. */
gboolean hive_file_write(Session *session, const char *key, const guint64 *at, int descriptor,
                         GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Whose the process is that listens on a Unix socket: a path in a folder that others may write to
 * is bound by whoever comes first, who would be told what is meant for the mail server. */
#ifndef MAILAUTH_BACKEND_SOCKET_OWNER_H
#define MAILAUTH_BACKEND_SOCKET_OWNER_H

#include <glib.h>

/* Whether root, this process's user or the owner of @path's folder listens there. @descriptor: a
 * connection to @path. ACCESS_DENIED. */
gboolean socket_owner_check(int descriptor, const char *path, GError **error);

#endif

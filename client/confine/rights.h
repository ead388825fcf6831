/* SPDX-License-Identifier: MIT */
/* The rights of root's that a process gives up for good (capabilities(7)). */
#ifndef CLIENT_CONFINE_RIGHTS_H
#define CLIENT_CONFINE_RIGHTS_H

#include <glib.h>

/* Keeps those of @kept, a bit each (CAP_...), as far as the process has them, takes all others out
 * of what programs can get, and rules new privileges out (PR_SET_NO_NEW_PRIVS). Call before there
 * are threads. FALSE: they can't be given up. */
gboolean rights_keep(guint64 kept, GError **error);

#endif

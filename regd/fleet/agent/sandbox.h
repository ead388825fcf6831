/* SPDX-License-Identifier: MIT */
/* What regd-fleet gives up before it opens a connection. */
#ifndef REGD_FLEET_AGENT_SANDBOX_H
#define REGD_FLEET_AGENT_SANDBOX_H

#include <glib.h>

/* For good: all rights of root's, writing to files, and system calls that it has no use for; what
 * it holds in memory gets into no file. What the kernel does not know is left out. Call before
 * there are threads. FALSE: the kernel refuses something that it knows. */
gboolean agent_sandbox_enter(GError **error);

#endif

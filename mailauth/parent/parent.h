/* SPDX-License-Identifier: MIT */
/* The parent: starts the other roles, replaces those that die, and opens for them what
 * needs its rights (listeners, certificates and keys, processes as the mail's users). It
 * reads no byte from a client and no value of the registry. */
#ifndef MAILAUTH_PARENT_PARENT_H
#define MAILAUTH_PARENT_PARENT_H

/* Serves until SIGTERM or SIGINT. @bus: what --bus= said, or NULL. Returns the
 * exit code; what is wrong is said on standard error. */
int parent_run(const char *bus);

#endif

/* SPDX-License-Identifier: MIT */
/* Whether a path lies where only this service sees it: systemd gives a unit with
 * PrivateTmp=yes a /tmp and a /var/tmp of its own. Pure but for private_mount_find(). */
#ifndef MAILAUTH_PARENT_PRIVATE_MOUNT_H
#define MAILAUTH_PARENT_PRIVATE_MOUNT_H

#include <glib.h>

/* The mount point below which @path lies, if that mount is private; owned. NULL: others
 * see it, or there is no telling. @mountinfo: the text of /proc/PID/mountinfo (proc(5)),
 * @outside: that of a process outside of the service, or NULL. */
char *private_mount_find_in(const char *mountinfo, const char *outside, const char *path);
/* The same by /proc. */
char *private_mount_find(const char *path);

#endif

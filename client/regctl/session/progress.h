/* SPDX-License-Identifier: MIT */
/* How far a file has been read, told on a terminal while the daemon reads it:
 * the descriptor that was passed shares its offset with ours, so nothing has to
 * come over the wire. */
#ifndef CLIENT_REGCTL_SESSION_PROGRESS_H
#define CLIENT_REGCTL_SESSION_PROGRESS_H

#include <glib.h>

typedef struct Progress Progress;

/* Tells of @file, which @descriptor (borrowed) is open on, from half a second on, until
 * progress_stop(). NULL if there is nothing to show: standard error is no terminal, or the
 * descriptor is no file. */
Progress *progress_start(const char *file, int descriptor);
/* Erases the line. Accepts NULL. */
void progress_stop(Progress *progress);

#endif

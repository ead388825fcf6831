/* SPDX-License-Identifier: MIT */
/* The deadline of work that blocks on sockets, and the means to end that work: the
 * sockets are shut down, so that every call that blocks on them returns. Thread-safe. */
#ifndef MAILAUTH_PACKAGE_DEADLINE_H
#define MAILAUTH_PACKAGE_DEADLINE_H

#include <glib.h>

/* Sockets that one piece of work holds at a time. */
#define MAX_DEADLINE_SOCKETS 2

typedef struct {
  GMutex lock;
  gboolean over;
  gint64 end; /* of g_get_monotonic_time() */
  int sockets[MAX_DEADLINE_SOCKETS];
} Deadline;

void deadline_init(Deadline *deadline, gint64 end);
void deadline_clear(Deadline *deadline);

/* @socket stays the caller's: take it away before closing it. One that is added when it
 * is over is shut down at once. */
void deadline_add(Deadline *deadline, int socket);
void deadline_take_away(Deadline *deadline, int socket);
/* Ends what is under way. */
void deadline_expire(Deadline *deadline);

/* The microseconds that are left; 0 when it is over. */
gint64 deadline_get_rest(Deadline *deadline);

#endif

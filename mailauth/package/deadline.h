/* SPDX-License-Identifier: MIT */
/* How long somebody waits for work that blocks on sockets, and the means to end
 * it: the sockets are shut down, so that whatever blocks on them returns.
 * Thread-safe. */
#ifndef MAILAUTH_PACKAGE_DEADLINE_H
#define MAILAUTH_PACKAGE_DEADLINE_H

#include <glib.h>

/* Sockets that one piece of work holds at a time. */
#define MAX_PATIENCE_SOCKETS 2

typedef struct {
  GMutex lock;
  gboolean over;
  gint64 deadline; /* of g_get_monotonic_time() */
  int sockets[MAX_PATIENCE_SOCKETS];
} Patience;

void patience_init(Patience *patience, gint64 deadline);
void patience_clear(Patience *patience);

/* @socket stays the caller's, who takes it away before he closes it. One that is
 * added when it is over is shut down at once. */
void patience_add(Patience *patience, int socket);
void patience_take_away(Patience *patience, int socket);
/* Ends what is under way. */
void patience_end(Patience *patience);

/* The microseconds that are left; 0 when it is over. */
gint64 patience_get_rest(Patience *patience);

#endif

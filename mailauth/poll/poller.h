/* SPDX-License-Identifier: MIT */
/* The front's loop: epoll, and timers. GLib's loop hands every descriptor to poll() in
 * each turn, which costs too much with ten thousand of them. */
#ifndef MAILAUTH_POLL_POLLER_H
#define MAILAUTH_POLL_POLLER_H

#include "mailauth/poll/timers.h"

typedef struct Watch Watch;
/* Embedded in what it watches for; all zero, but for ready, is one not in use. */
struct Watch {
  int descriptor;
  guint32 events; /* EPOLLIN, EPOLLOUT; 0: not watched */
  guint32 armed;  /* the poller's own: what the system was told; never less than events */
  /* @events: as epoll says; EPOLLHUP and EPOLLERR come unasked. */
  void (*ready)(Watch *watch, guint32 events);
};

typedef struct Poller Poller;

/* FAILED if the system has no more descriptors. */
Poller *poller_new(GError **error);
void poller_free(Poller *poller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Poller, poller_free)

/* Level-triggered. 0 stops watching; Only EPOLLHUP: watches for hang-ups only. Fewer
 * events than before cost nothing: the system is told when one comes that is no longer
 * wanted. FALSE: the system has no room for it; nothing has changed. */
gboolean poller_watch(Poller *poller, Watch *watch, guint32 events);
/* Stops watching a descriptor that the caller closes now: the system forgets it by
 * itself. Only for one that no other process, and no copy, holds open. */
void poller_forget(Watch *watch);
/* For memory that holds a watch: events that were reported together with the
 * current one may still point at it. Calls @destroy before the next wait. */
void poller_free_later(Poller *poller, gpointer memory, GDestroyNotify destroy);

/* In µs after now, as g_get_monotonic_time() counts. */
void poller_set_timer(Poller *poller, Timer *timer, gint64 delay);
void poller_stop_timer(Poller *poller, Timer *timer);

/* Waits for what comes next, and handles all of it. */
void poller_run_once(Poller *poller);

#endif

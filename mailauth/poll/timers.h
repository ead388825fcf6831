/* SPDX-License-Identifier: MIT */
/* Many timers, most of which are stopped before they are due: a binary heap
 * whose members are embedded in what they time. Pure: the caller has the clock. */
#ifndef MAILAUTH_POLL_TIMERS_H
#define MAILAUTH_POLL_TIMERS_H

#include <glib.h>

typedef struct Timer Timer;
/* All zero, but for fire, is a timer that is not set. */
struct Timer {
  gint64 due;  /* in µs of the clock that the caller uses */
  guint place; /* in the heap, from 1; 0: not set */
  /* The timer is not set any more when this is called, which may set it again, or any
   * other. */
  void (*fire)(Timer *timer);
};

typedef struct {
  GPtrArray *heap;
} Timers;

void timers_init(Timers *timers);
void timers_clear(Timers *timers);
/* Sets or moves it. The timer's memory must stay where it is until it is stopped. */
void timers_set(Timers *timers, Timer *timer, gint64 due);
/* Nothing if it is not set. */
void timers_stop(Timers *timers, Timer *timer);
/* When the next one is due; -1 if none is set. */
gint64 timers_get_next(const Timers *timers);
/* Fires all that are due at @now, the earliest first; those that are set again meanwhile
 * wait for the next call even if they are due. */
void timers_run(Timers *timers, gint64 now);

#endif

/* SPDX-License-Identifier: MIT */
/* timers.h: the heap. Place p has its children at 2p and 2p+1. */
#include "mailauth/poll/timers.h"

void timers_init(Timers *timers) {
  timers->heap = g_ptr_array_new();
}

void timers_clear(Timers *timers) {
  g_clear_pointer(&timers->heap, g_ptr_array_unref);
}

static Timer *get(const Timers *timers, guint place) {
  return g_ptr_array_index(timers->heap, place - 1);
}

static void put(Timers *timers, guint place, Timer *timer) {
  g_ptr_array_index(timers->heap, place - 1) = timer;
  timer->place = place;
}

static void move_up(Timers *timers, Timer *timer) {
  guint place = timer->place;
  while (place > 1 && get(timers, place / 2)->due > timer->due) {
    put(timers, place, get(timers, place / 2));
    place /= 2;
  }
  put(timers, place, timer);
}

static void move_down(Timers *timers, Timer *timer) {
  guint place = timer->place;
  guint count = timers->heap->len;
  while (2 * place <= count) {
    guint child = 2 * place;
    if (child < count && get(timers, child + 1)->due < get(timers, child)->due)
      child++;
    if (get(timers, child)->due >= timer->due)
      break;
    put(timers, place, get(timers, child));
    place = child;
  }
  put(timers, place, timer);
}

void timers_set(Timers *timers, Timer *timer, gint64 due) {
  if (timer->place == 0) {
    g_ptr_array_add(timers->heap, timer);
    timer->place = timers->heap->len;
  }
  timer->due = due;
  move_up(timers, timer);
  move_down(timers, timer);
}

void timers_stop(Timers *timers, Timer *timer) {
  if (timer->place == 0)
    return;
  guint place = timer->place;
  Timer *last = get(timers, timers->heap->len);
  g_ptr_array_set_size(timers->heap, (gint)timers->heap->len - 1);
  timer->place = 0;
  if (last == timer)
    return;
  put(timers, place, last);
  move_up(timers, last);
  move_down(timers, last);
}

gint64 timers_get_next(const Timers *timers) {
  return timers->heap->len == 0 ? -1 : get(timers, 1)->due;
}

void timers_run(Timers *timers, gint64 now) {
  /* A timer may set itself again, due at once: only as many are fired as are set now. */
  guint left = timers->heap->len;
  while (left-- > 0 && timers->heap->len > 0 && get(timers, 1)->due <= now) {
    Timer *timer = get(timers, 1);
    timers_stop(timers, timer);
    timer->fire(timer);
  }
}

/* SPDX-License-Identifier: MIT */
/* poller.h: one epoll set and one heap of timers. */
#include "mailauth/poll/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client/base/error.h"

#define EVENTS_AT_ONCE 256
/* Told whatever is asked for. */
#define UNASKED ((guint32)(EPOLLHUP | EPOLLERR))

typedef struct {
  gpointer memory;
  GDestroyNotify destroy;
} Garbage;

struct Poller {
  int epoll;
  Timers timers;
  GArray *garbage;
};

Poller *poller_new(GError **error) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "No epoll set: %s", g_strerror(errno));
    return NULL;
  }
  Poller *poller = g_new0(Poller, 1);
  poller->epoll = epoll;
  timers_init(&poller->timers);
  poller->garbage = g_array_new(FALSE, FALSE, sizeof(Garbage));
  return poller;
}

static void empty_garbage(Poller *poller) {
  for (guint i = 0; i < poller->garbage->len; i++) {
    Garbage garbage = g_array_index(poller->garbage, Garbage, i);
    garbage.destroy(garbage.memory);
  }
  g_array_set_size(poller->garbage, 0);
}

void poller_free(Poller *poller) {
  if (poller == NULL)
    return;
  empty_garbage(poller);
  g_array_unref(poller->garbage);
  timers_clear(&poller->timers);
  close(poller->epoll);
  g_free(poller);
}

static gboolean arm(const Poller *poller, Watch *watch, guint32 events) {
  int operation = events == 0 ? EPOLL_CTL_DEL : watch->armed == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  struct epoll_event event = {.events = events, .data.ptr = watch};
  if (epoll_ctl(poller->epoll, operation, watch->descriptor, &event) < 0)
    return FALSE;
  watch->armed = events;
  return TRUE;
}

gboolean poller_watch(Poller *poller, Watch *watch, guint32 events) {
  gboolean are_fewer = events != 0 && (events & ~(watch->armed | UNASKED)) == 0;
  if (watch->events != events && !(are_fewer && watch->armed != 0) && !arm(poller, watch, events))
    return FALSE;
  watch->events = events;
  return TRUE;
}

void poller_forget(Watch *watch) {
  watch->events = 0;
  watch->armed = 0;
}

void poller_free_later(Poller *poller, gpointer memory, GDestroyNotify destroy) {
  Garbage garbage = {memory, destroy};
  g_array_append_val(poller->garbage, garbage);
}

void poller_set_timer(Poller *poller, Timer *timer, gint64 delay) {
  timers_set(&poller->timers, timer, g_get_monotonic_time() + delay);
}

void poller_stop_timer(Poller *poller, Timer *timer) {
  timers_stop(&poller->timers, timer);
}

/* In ms, rounded up so that the timer is due when the wait ends. */
static int get_timeout(const Poller *poller) {
  gint64 next = timers_get_next(&poller->timers);
  if (next < 0)
    return -1;
  gint64 left = next - g_get_monotonic_time();
  return left <= 0 ? 0 : (int)MIN((left + 999) / 1000, G_MAXINT);
}

/* An event that is not wanted any more would come again and again. */
static void hear(const Poller *poller, Watch *watch, guint32 events) {
  guint32 wanted = events & (watch->events | UNASKED);
  if (watch->events == 0)
    return;
  if (wanted != events)
    (void)arm(poller, watch, watch->events);
  if (wanted != 0)
    watch->ready(watch, wanted);
}

void poller_run_once(Poller *poller) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = epoll_wait(poller->epoll, events, EVENTS_AT_ONCE, get_timeout(poller));
  for (int i = 0; i < count; i++)
    hear(poller, events[i].data.ptr, events[i].events);
  timers_run(&poller->timers, g_get_monotonic_time());
  empty_garbage(poller);
}

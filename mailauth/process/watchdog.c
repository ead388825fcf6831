/* SPDX-License-Identifier: MIT */
/* See watchdog.h. A timer's SIGKILL reaches a process that is stopped, too. */
#include "mailauth/process/watchdog.h"

#include <signal.h>
#include <time.h>

struct Watchdog {
  timer_t timer;
};

Watchdog *watchdog_new(void) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
  g_autofree Watchdog *watchdog = g_new0(Watchdog, 1);
  /* The time that the machine sleeps does not count. */
  return timer_create(CLOCK_MONOTONIC, &event, &watchdog->timer) == 0 ? g_steal_pointer(&watchdog)
                                                                      : NULL;
}

void watchdog_free(Watchdog *watchdog) {
  if (watchdog == NULL)
    return;
  timer_delete(watchdog->timer);
  g_free(watchdog);
}

void watchdog_extend(Watchdog *watchdog, guint seconds) {
  const struct itimerspec deadline = {.it_value.tv_sec = seconds};
  if (watchdog != NULL)
    timer_settime(watchdog->timer, 0, &deadline, NULL);
}

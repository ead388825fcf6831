/* SPDX-License-Identifier: MIT */
/* See durations.h. */
#include "regd/base/durations.h"

void durations_add(Durations *durations, gint64 microseconds) {
  guint64 time = (guint64)MAX(microseconds, 0);
  guint64 bound = DURATIONS_SHORTEST_US;
  guint class = 0;
  while (class < DURATIONS_CLASSES - 1 && time > bound) {
    class ++;
    bound *= 10;
  }
  durations->classes[class]++;
  durations->sum += time;
}

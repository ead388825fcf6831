/* SPDX-License-Identifier: MIT */
/* How long something took, many times over: counts by classes that grow tenfold. Pure. */
#ifndef REGD_BASE_DURATIONS_H
#define REGD_BASE_DURATIONS_H

#include <glib.h>

/* Up to 1 ms, 10 ms, 100 ms, 1 s, 10 s, and longer. */
#define DURATIONS_CLASSES 6U
#define DURATIONS_SHORTEST_US 1000U

typedef struct {
  guint64 sum; /* µs */
  guint64 classes[DURATIONS_CLASSES];
} Durations;

/* @microseconds below 0 count as 0. */
void durations_add(Durations *durations, gint64 microseconds);

#endif

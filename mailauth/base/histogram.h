/* SPDX-License-Identifier: MIT */
/* How long something took, many times over, in memory of a fixed size: counts
 * by classes that grow with the time, eight to each doubling, so that a
 * quantile is at most an eighth above the truth. Pure. */
#ifndef MAILAUTH_BASE_HISTOGRAM_H
#define MAILAUTH_BASE_HISTOGRAM_H

#include <glib.h>

/* To 2^32 µs, over an hour; what takes longer counts as that. */
#define HISTOGRAM_CLASSES 240U

typedef struct {
  guint64 count;
  guint64 sum; /* µs */
  guint64 classes[HISTOGRAM_CLASSES];
} Histogram;

/* @microseconds below 0 count as 0. */
void histogram_add(Histogram *histogram, gint64 microseconds);
/* The time, in µs, that @per_thousand of all stayed at or below; 0 if there is none.
 * Never less than the truth, up to the longest that is told apart. */
guint64 histogram_get_quantile(const Histogram *histogram, guint per_thousand);

#endif

/* SPDX-License-Identifier: MIT */
/* How long something took: see histogram.h. Below eight µs a class is one µs
 * wide; above, the bits after the highest choose among the eight of a doubling. */
#include "mailauth/base/histogram.h"

#define STEP_BITS 3U
#define STEPS (1U << STEP_BITS)
#define MAX_MICROSECONDS G_MAXUINT32

static guint find_class(guint64 microseconds) {
  if (microseconds < STEPS)
    return (guint)microseconds;
  guint highest = g_bit_storage((gulong)microseconds) - 1;
  guint shift = highest - STEP_BITS;
  return (shift + 1) * STEPS + (guint)((microseconds >> shift) & (STEPS - 1));
}

/* The longest time that falls into class @index. */
static guint64 get_longest(guint index) {
  if (index < STEPS)
    return index;
  guint shift = index / STEPS - 1;
  return ((guint64)(STEPS + index % STEPS + 1) << shift) - 1;
}

void histogram_add(Histogram *histogram, gint64 microseconds) {
  guint64 time = (guint64)CLAMP(microseconds, 0, (gint64)MAX_MICROSECONDS);
  histogram->count++;
  histogram->sum += time;
  histogram->classes[find_class(time)]++;
}

guint64 histogram_get_quantile(const Histogram *histogram, guint per_thousand) {
  guint64 seen = 0;
  guint index = 0;
  /* The rank, counted from 1 and rounded up. */
  guint64 rank = (histogram->count / 1000) * per_thousand +
                 ((histogram->count % 1000) * per_thousand + 999) / 1000;
  if (histogram->count == 0)
    return 0;
  while (index < HISTOGRAM_CLASSES - 1 && (seen += histogram->classes[index]) < MAX(rank, 1))
    index++;
  return get_longest(index);
}

/* SPDX-License-Identifier: MIT */
/* How long proofs took: see timings.h. There are few brokers: a list will do. */
#include "mailauth/logins/timings.h"

typedef struct {
  PackageKind kind;
  char *broker;
  Histogram times;
} Timing;

struct Timings {
  GPtrArray *all; /* of Timing */
};

static void timing_free(gpointer data) {
  Timing *timing = data;
  g_free(timing->broker);
  g_free(timing);
}

Timings *timings_new(void) {
  Timings *timings = g_new0(Timings, 1);
  timings->all = g_ptr_array_new_with_free_func(timing_free);
  return timings;
}

void timings_free(Timings *timings) {
  if (timings == NULL)
    return;
  g_ptr_array_unref(timings->all);
  g_free(timings);
}

static Timing *find(const Timings *timings, PackageKind kind, const char *broker) {
  for (guint i = 0; i < timings->all->len; i++) {
    Timing *timing = timings->all->pdata[i];
    if (timing->kind == kind && g_str_equal(timing->broker, broker))
      return timing;
  }
  return NULL;
}

static Timing *get(Timings *timings, PackageKind kind, const char *broker) {
  Timing *timing = find(timings, kind, broker);
  if (timing != NULL)
    return timing;
  timing = g_new0(Timing, 1);
  timing->kind = kind;
  timing->broker = g_strdup(broker);
  g_ptr_array_add(timings->all, timing);
  return timing;
}

void timings_note(Timings *timings, const Decision *decision, gint64 microseconds) {
  PackageKind kind = decision->kind;
  const char *broker = kind == PACKAGE_MEMBERSHIP ? decision->broker : decision->source;
  gboolean full = timings->all->len >= MAX_TIMED_BROKERS && find(timings, kind, broker) == NULL;
  Timing *timing = get(timings, kind, full ? OTHER_BROKERS : broker);
  histogram_add(&timing->times, microseconds);
}

void timings_visit(const Timings *timings, TimingsVisit visit, gpointer data) {
  for (guint i = 0; i < timings->all->len; i++) {
    const Timing *timing = timings->all->pdata[i];
    visit(timing->kind, timing->broker, &timing->times, data);
  }
}

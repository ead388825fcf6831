/* SPDX-License-Identifier: MIT */
/* Whether a thread that may be busy for minutes is alive: it is looked at once in a while,
 * and must have done something since the last time. Pure. */
#ifndef REGD_BASE_PULSE_H
#define REGD_BASE_PULSE_H

#include <glib.h>

/* One step of a commit may take so many times the while between two looks: the disk keeps it
 * waiting, which ending the process would not make any faster, or it is a large one. */
#define PULSE_STEP_LOOKS 20
/* A thread that has used less of a processor between two looks has not worked, in µs. */
#define PULSE_LEAST_WORK_US 1000

typedef enum {
  PULSE_BEATS,
  PULSE_WAITS, /* one step takes longer than from one look to the next */
  PULSE_STOPPED,
} PulseState;

typedef struct {
  guint moved;             /* grows with every step that the thread does */
  gint64 used_us;          /* of a processor, by the thread, since it began */
  gboolean waits_for_disk; /* inside of a commit or the like, which uses no processor */
} PulseSample;

/* All zero before the first look. */
typedef struct {
  gboolean begun;
  guint moved;
  gint64 used_us;
  guint looks; /* since it last moved */
} Pulse;

PulseState pulse_look(Pulse *pulse, const PulseSample *sample);

#endif

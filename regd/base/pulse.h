/* SPDX-License-Identifier: MIT */
/* Whether a thread that may be busy for minutes is alive: it is looked at once in a while,
 * and must have done something since the last time. Pure. */
#ifndef REGD_BASE_PULSE_H
#define REGD_BASE_PULSE_H

#include <glib.h>

/* A disk may keep a commit waiting for so many times the while between two looks; ending
 * the process would not make it any faster. */
#define PULSE_DISK_LOOKS 20

typedef enum {
  PULSE_BEATS,
  PULSE_WAITS, /* for the disk, for longer than from one look to the next */
  PULSE_STOPPED,
} PulseState;

typedef struct {
  guint moved;             /* grows with everything that the thread does */
  gboolean waits_for_disk; /* inside of a commit or the like, which moves nothing */
} PulseSample;

/* All zero before the first look. */
typedef struct {
  gboolean begun;
  guint moved;
  guint looks; /* since it last moved */
} Pulse;

PulseState pulse_look(Pulse *pulse, const PulseSample *sample);

#endif

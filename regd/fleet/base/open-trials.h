/* SPDX-License-Identifier: MIT */
/* Which commits of a fleet are on trial, by their numbers in the chain. Every head says it of the
 * moment after its commit, so that a host that has not seen the commits in between knows what has
 * been decided. Pure. */
#ifndef REGD_FLEET_BASE_OPEN_TRIALS_H
#define REGD_FLEET_BASE_OPEN_TRIALS_H

#include <glib.h>

#include "regd/fleet/base/limits.h"

typedef struct {
  guint64 numbers[FLEET_LIMIT_TRIALS]; /* oldest first */
  guint count;
} OpenTrials;

/* If there is no room for it, the oldest is forgotten: its hosts go on counting it. */
void open_trials_add(OpenTrials *trials, guint64 number);
/* Nothing happens if it is none of them. */
void open_trials_remove(OpenTrials *trials, guint64 number);
/* As text, and back: numbers with a space between; owned. What is no number is left out. */
char *open_trials_write(const OpenTrials *trials);
void open_trials_read(OpenTrials *trials, const char *text);

#endif

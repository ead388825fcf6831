/* SPDX-License-Identifier: MIT */
/* Deletes the parts of commits that were never made: those whose owner is gone and that are not
 * what is pending. */
#ifndef REGD_FLEET_STAGE_SWEEP_H
#define REGD_FLEET_STAGE_SWEEP_H

#include "regd/fleet/etcd/attempt.h"

typedef struct Sweep Sweep;
/* What can't be done now is left to the next sweep. It is freed when @done has been called. */
typedef void (*SweepDone)(gpointer data);
Sweep *sweep_start(Cluster *cluster, const AttemptLimits *limits, SweepDone done, gpointer data);
/* @done is not called. NULL is fine. */
void sweep_cancel(Sweep *sweep);

#endif

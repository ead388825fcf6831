/* SPDX-License-Identifier: MIT */
/* Reads all parts of a commit that is larger than a transaction. */
#ifndef REGD_FLEET_STAGE_PARTS_H
#define REGD_FLEET_STAGE_PARTS_H

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/attempt.h"

typedef struct Parts Parts;
/* @steps: of FleetStep, in order, borrowed; NULL: @end tells why not. It is freed afterwards. */
typedef void (*PartsDone)(const GPtrArray *steps, const TransportEnd *end, gpointer data);
/* As they stood at @revision of etcd. */
Parts *parts_start(Cluster *cluster, const AttemptLimits *limits, const FleetPending *commit,
                   gint64 revision, PartsDone done, gpointer data);
/* @done is not called. NULL is fine. */
void parts_cancel(Parts *parts);

#endif

/* SPDX-License-Identifier: MIT */
/* Puts the parts of a commit that is larger than a transaction beside the layer, where nobody
 * follows them yet. An owner with a lease stands with them: if the host that puts them dies, the
 * owner goes, and somebody sweeps the parts away. */
#ifndef REGD_FLEET_STAGE_STAGING_H
#define REGD_FLEET_STAGE_STAGING_H

#include "regd/fleet/base/part.h"
#include "regd/fleet/etcd/attempt.h"

typedef struct {
  guint8 id[FLEET_ID_BYTES]; /* of the commit */
  GPtrArray *steps;          /* of FleetStep; referenced */
  guint most;                /* steps of a part */
  gsize bytes;               /* of a part, about */
  guint lease_s;             /* how long the owner stays there without a sign of life */
} StagingPlan;

typedef struct Staging Staging;
/* @parts: how many there are; 0: @end tells why they are not there. It is freed afterwards. */
typedef void (*StagingDone)(guint32 parts, const TransportEnd *end, gpointer data);
Staging *staging_start(Cluster *cluster, const AttemptLimits *limits, const StagingPlan *plan,
                       StagingDone done, gpointer data);
/* @done is not called. NULL is fine. */
void staging_cancel(Staging *staging);

#endif

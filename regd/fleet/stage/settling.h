/* SPDX-License-Identifier: MIT */
/* Brings a commit that is larger than a transaction to its places, part by part. Any host that may
 * write can do it, also several at a time: each part counts up the record of what is pending, and
 * that record is the guard of the next part. */
#ifndef REGD_FLEET_STAGE_SETTLING_H
#define REGD_FLEET_STAGE_SETTLING_H

#include "regd/fleet/etcd/attempt.h"

typedef struct Settling Settling;
/* @settled: nothing is pending any more; FALSE: @end tells why not. It is freed afterwards. */
typedef void (*SettlingDone)(gboolean settled, const TransportEnd *end, gpointer data);
Settling *settling_start(Cluster *cluster, const AttemptLimits *limits, SettlingDone done,
                         gpointer data);
/* @done is not called. NULL is fine. */
void settling_cancel(Settling *settling);

#endif

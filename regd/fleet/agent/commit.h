/* SPDX-License-Identifier: MIT */
/* The transactions of a fleet: what a commit and the founding of a fleet are to etcd. Pure, but
 * for the names of keys, which it asks the cluster for. */
#ifndef REGD_FLEET_AGENT_COMMIT_H
#define REGD_FLEET_AGENT_COMMIT_H

#include "regd/fleet/agent/link.h"
#include "regd/fleet/agent/submission.h"
#include "regd/fleet/etcd/cluster.h"

/* Fills in the transaction, the witness and the id of @plan, which are then the caller's to give
 * back. FALSE: the Head record can't be read.
 *
 * A commit: if the head is still the one of revision @modified, the fleet is the one of @info, and
 * no big commit is unsettled, then the operations, this host's record of its newest commit, and
 * last the head: it is the last event of its revision. */
gboolean commit_fill(const Cluster *cluster, const LinkProposal *proposal, GBytes *info,
                     gint64 modified, const char *host, SubmissionPlan *plan);
/* If there is no fleet and no head, then the fleet, its first values, and the first head. */
gboolean commit_fill_init(const Cluster *cluster, const LinkTask *task, SubmissionPlan *plan);

#endif

/* SPDX-License-Identifier: MIT */
/* What a host that may write does for the fleet besides its own commits: it settles large commits
 * that their own host has left unsettled, and deletes the parts of commits that were never made. */
#ifndef REGD_FLEET_STAGE_UPKEEP_H
#define REGD_FLEET_STAGE_UPKEEP_H

#include "regd/fleet/etcd/cluster.h"

typedef struct Upkeep Upkeep;
/* @cluster must outlive it. */
Upkeep *upkeep_new(Cluster *cluster, const AgentConfig *config);
void upkeep_free(Upkeep *upkeep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Upkeep, upkeep_free)

/* @is_pending: a commit that is larger than a transaction is not in its places yet. */
void upkeep_note_pending(Upkeep *upkeep, gboolean is_pending);
gboolean upkeep_has_pending(const Upkeep *upkeep);
/* The pending commit is this host's: begins to settle it at once. */
void upkeep_settle(Upkeep *upkeep);
/* Stops settling: this host's next commit settles what is pending by itself. */
void upkeep_yield(Upkeep *upkeep);
/* There may be parts of commits that will never be made. */
void upkeep_note_leftovers(Upkeep *upkeep);

#endif

/* SPDX-License-Identifier: MIT */
/* Follows the fleet: the driver of follow.h. It compares, watches, hands each revision of etcd to
 * regd as one commit, reads everything when it must, and changes to another member when one is
 * silent. */
#ifndef REGD_FLEET_AGENT_FOLLOWER_H
#define REGD_FLEET_AGENT_FOLLOWER_H

#include "regd/fleet/agent/link.h"
#include "regd/fleet/base/follow.h"
#include "regd/fleet/etcd/cluster.h"

typedef struct Follower Follower;
Follower *follower_new(Link *link);
void follower_free(Follower *follower);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follower, follower_free)

/* Begins anew from what regd holds by @config; it must outlive this, and @cluster too. */
void follower_start(Follower *follower, Cluster *cluster, const AgentConfig *config);
/* Follows nothing any more. @regd_is_gone: no answer will come to what it was handed. */
void follower_stop(Follower *follower, gboolean regd_is_gone);

/* NULL: not live; *@why (borrowed) tells the reason. Else what regd has applied. */
const Follow *follower_get_place(const Follower *follower, const char **why);
/* The Fleet record as it stands in etcd; borrowed, NULL: not known. */
GBytes *follower_get_info(const Follower *follower);
/* The endpoint that it uses now. */
guint follower_get_endpoint(const Follower *follower);

/* This host has made a commit that is larger than a transaction: it is settled now. */
void follower_settle(Follower *follower);
/* Whether such a commit is not settled yet. The caller settles it then. */
gboolean follower_take_over_pending(Follower *follower);

#endif

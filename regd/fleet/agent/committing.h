/* SPDX-License-Identifier: MIT */
/* One commit on its way to the cluster: it settles what another commit has left pending, puts its
 * own parts beside the layer if it is larger than a transaction, and then makes the commit. */
#ifndef REGD_FLEET_AGENT_COMMITTING_H
#define REGD_FLEET_AGENT_COMMITTING_H

#include "regd/fleet/agent/commit.h"
#include "regd/fleet/etcd/config.h"

typedef struct {
  CommitContent content; /* but for `host` and `staged` */
  gboolean is_held_up;   /* another commit is pending */
  guint endpoint;        /* to begin with */
  void (*done)(const SubmissionEnd *end, gpointer data);
  gpointer data;
} CommittingPlan;

typedef struct Committing Committing;
/* Copies what it needs of @config, also the host's name. NULL: the Head record can't be read. */
Committing *committing_start(Cluster *cluster, const AgentConfig *config,
                             const CommittingPlan *plan);
/* As if the time for it were over: `done` is called. */
void committing_abandon(Committing *committing);
/* It is in parts, that are to be settled. */
gboolean committing_is_staged(const Committing *committing);

#endif

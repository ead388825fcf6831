/* SPDX-License-Identifier: MIT */
/* The transaction that makes a commit. Pure, but for the names of keys, which it asks the cluster
 * for. */
#ifndef REGD_FLEET_AGENT_COMMIT_H
#define REGD_FLEET_AGENT_COMMIT_H

#include "regd/fleet/agent/submission.h"
#include "regd/fleet/base/part.h"

typedef struct {
  GBytes *info;     /* the fleet's record */
  gboolean founds;  /* the fleet comes with it: it is the first commit */
  gint64 modified;  /* else: the revision of etcd that wrote the head before */
  const char *host; /* this host's name */
  GBytes *head;     /* the Head record */
  GPtrArray *steps; /* of FleetStep */
  guint32 staged;   /* so many parts that stand beside the layer hold them; 0: none do */
} CommitContent;

/* Fills in the transaction, the witness and the id of @plan, which are then the caller's to give
 * back. FALSE: the Head record can't be read.
 *
 * If the head is still the one of revision @modified, the fleet is the one of @info, and no other
 * large commit is unsettled, then the steps, this host's record of its newest commit, and last the
 * head: it is the last event of its revision. In place of steps that are staged it puts the record
 * that says so, if their owner is still there. */
gboolean commit_fill(const Cluster *cluster, const CommitContent *content, SubmissionPlan *plan);

#endif

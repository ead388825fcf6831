/* SPDX-License-Identifier: MIT */
/* One guarded transaction on its way to the cluster, until it is known how it ended: the driver
 * of propose.h. */
#ifndef REGD_FLEET_AGENT_SUBMISSION_H
#define REGD_FLEET_AGENT_SUBMISSION_H

#include "regd/fleet/base/propose.h"
#include "regd/fleet/etcd/cluster.h"

typedef struct {
  ProposeAction answer; /* PROPOSE_TELL_... */
  gint64 revision;      /* of PROPOSE_TELL_DONE */
  guint32 code;         /* gRPC's, of PROPOSE_TELL_REJECTED */
  const char *text;     /* what the cluster said last; never NULL */
} SubmissionEnd;

typedef struct {
  GBytes *transaction;
  GBytes *witness;          /* the key that tells whose commit was the last */
  gboolean witness_is_head; /* it holds a Head; FALSE: a Last */
  guint8 id[FLEET_ID_BYTES];
  guint endpoint; /* to begin with */
  guint request_timeout_ms, commit_timeout_ms;
  /* The submission is freed afterwards. */
  void (*done)(const SubmissionEnd *end, gpointer data);
  gpointer data;
} SubmissionPlan;

typedef struct Submission Submission;
/* Copies @plan and takes references of its parts. */
Submission *submission_start(Cluster *cluster, const SubmissionPlan *plan);
/* As if the time for it were over: `done` is called. */
void submission_abandon(Submission *submission);

#endif

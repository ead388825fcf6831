/* SPDX-License-Identifier: MIT */
/* A call that may be sent more than once: it goes to one member after the other until one answers
 * or rejects it, or until its time is over. */
#ifndef REGD_FLEET_ETCD_ATTEMPT_H
#define REGD_FLEET_ETCD_ATTEMPT_H

#include "regd/fleet/etcd/cluster.h"

/* How long one call waits for its answer, and all of them together. */
typedef struct {
  guint endpoint; /* to begin with */
  guint request_timeout_ms;
  gint64 deadline; /* g_get_monotonic_time() */
} AttemptLimits;

typedef struct Attempt Attempt;
/* @done is called once, as of cluster_call(), never from in here. @method must be static. */
Attempt *attempt_start(Cluster *cluster, const AttemptLimits *limits, const char *method,
                       GBytes *request, ClusterDone done, gpointer data);
/* @done is not called. NULL is fine. */
void attempt_cancel(Attempt *attempt);

/* Whether this is a final refusal: rights, size, space, or a revision that is compacted. After any
 * other end the request may have been done or not. */
gboolean attempt_is_rejection(const TransportEnd *end);

#endif

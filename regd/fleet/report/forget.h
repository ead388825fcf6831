/* SPDX-License-Identifier: MIT */
/* Deletes what a host that is gone has told of itself, for `regctl fleet forget`: its record at
 * `h/HOST` and its sign of life at `a/HOST`. */
#ifndef REGD_FLEET_REPORT_FORGET_H
#define REGD_FLEET_REPORT_FORGET_H

#include "regd/fleet/etcd/attempt.h"

typedef enum {
  FORGET_DONE,
  FORGET_UNKNOWN, /* no host of this name has told anything */
  FORGET_LIVES,   /* its sign of life is there */
  FORGET_FAILED   /* nobody answers, or it is not allowed */
} ForgetEnd;

typedef struct {
  const char *host;
  gboolean force; /* although its sign of life is there */
  guint endpoint; /* to begin with */
} ForgetPlan;

/* @why: how the call ended, if it has failed. */
typedef void (*ForgetDone)(ForgetEnd end, const TransportEnd *why, gpointer data);
typedef struct Forget Forget;
/* It is freed when @done has been called, which is never from in here. Copies @plan. */
Forget *forget_start(Cluster *cluster, const ForgetPlan *plan, ForgetDone done, gpointer data);
/* @done is not called. NULL is fine. */
void forget_cancel(Forget *forget);

#endif

/* SPDX-License-Identifier: MIT */
/* How one commit is proposed to the cluster: one guarded transaction, sent until it is known how
 * it ended. A state machine without input or output; its rows are (state, event) -> (state,
 * actions).
 *
 * A request without an answer may have been done or not. It is safe to send it again, to any
 * member: its guard lets it pass once. If the guard fails then, somebody has committed, and this
 * host's record of its own newest commit tells whether it was this one. */
#ifndef REGD_FLEET_BASE_PROPOSE_H
#define REGD_FLEET_BASE_PROPOSE_H

#include <glib.h>

typedef enum {
  PROPOSE_IDLE,
  PROPOSE_SENT,   /* for the first time */
  PROPOSE_UNSURE, /* sent again, after no answer came */
  PROPOSE_ASKING, /* the guard failed meanwhile: whose commit was it? */
  N_PROPOSE_STATES
} ProposeState;

typedef enum {
  PROPOSE_START,
  PROPOSE_DONE, /* the guard held */
  PROPOSE_GUARD_FAILED,
  PROPOSE_NO_ANSWER, /* whatever happened to it */
  PROPOSE_NOT_SENT,  /* surely not: no connection was made */
  PROPOSE_REJECTED,  /* surely not done: rights, space, size */
  PROPOSE_WAS_OURS,
  PROPOSE_WAS_ANOTHERS,
  PROPOSE_LATE, /* the time for the commit is over */
  N_PROPOSE_EVENTS
} ProposeEvent;

typedef enum {
  PROPOSE_DO_NOTHING,
  PROPOSE_DO_SEND,      /* the transaction */
  PROPOSE_DO_SEND_NEXT, /* the same, after a pause, to the next endpoint */
  PROPOSE_DO_ASK,       /* reads this host's record of its newest commit */
  PROPOSE_DO_ASK_NEXT,
  /* The answers; the machine is idle again. */
  PROPOSE_TELL_DONE,
  PROPOSE_TELL_BEHIND,
  PROPOSE_TELL_UNAVAILABLE,
  PROPOSE_TELL_UNCERTAIN,
  PROPOSE_TELL_REJECTED, /* as the cluster said */
} ProposeAction;

ProposeAction propose_step(ProposeState *state, ProposeEvent event);

#endif

/* SPDX-License-Identifier: MIT */
/* See propose.h. */
#include "regd/fleet/base/propose.h"

typedef struct {
  ProposeState next;
  ProposeAction action; /* PROPOSE_DO_NOTHING: there is no such row, the event came too late */
} Row;

static const Row table[N_PROPOSE_STATES][N_PROPOSE_EVENTS] = {
    [PROPOSE_IDLE] = {[PROPOSE_START] = {PROPOSE_SENT, PROPOSE_DO_SEND}},
    [PROPOSE_SENT] = {[PROPOSE_DONE] = {PROPOSE_IDLE, PROPOSE_TELL_DONE},
                      [PROPOSE_GUARD_FAILED] = {PROPOSE_IDLE, PROPOSE_TELL_BEHIND},
                      [PROPOSE_NO_ANSWER] = {PROPOSE_UNSURE, PROPOSE_DO_SEND_NEXT},
                      [PROPOSE_NOT_SENT] = {PROPOSE_SENT, PROPOSE_DO_SEND_NEXT},
                      [PROPOSE_REJECTED] = {PROPOSE_IDLE, PROPOSE_TELL_REJECTED},
                      [PROPOSE_LATE] = {PROPOSE_IDLE, PROPOSE_TELL_UNAVAILABLE}},
    /* What is rejected now says nothing of the first time. */
    [PROPOSE_UNSURE] = {[PROPOSE_DONE] = {PROPOSE_IDLE, PROPOSE_TELL_DONE},
                        [PROPOSE_GUARD_FAILED] = {PROPOSE_ASKING, PROPOSE_DO_ASK},
                        [PROPOSE_NO_ANSWER] = {PROPOSE_UNSURE, PROPOSE_DO_SEND_NEXT},
                        [PROPOSE_NOT_SENT] = {PROPOSE_UNSURE, PROPOSE_DO_SEND_NEXT},
                        [PROPOSE_REJECTED] = {PROPOSE_UNSURE, PROPOSE_DO_SEND_NEXT},
                        [PROPOSE_LATE] = {PROPOSE_IDLE, PROPOSE_TELL_UNCERTAIN}},
    [PROPOSE_ASKING] = {[PROPOSE_WAS_OURS] = {PROPOSE_IDLE, PROPOSE_TELL_DONE},
                        [PROPOSE_WAS_ANOTHERS] = {PROPOSE_IDLE, PROPOSE_TELL_BEHIND},
                        [PROPOSE_NO_ANSWER] = {PROPOSE_ASKING, PROPOSE_DO_ASK_NEXT},
                        [PROPOSE_NOT_SENT] = {PROPOSE_ASKING, PROPOSE_DO_ASK_NEXT},
                        [PROPOSE_REJECTED] = {PROPOSE_ASKING, PROPOSE_DO_ASK_NEXT},
                        [PROPOSE_LATE] = {PROPOSE_IDLE, PROPOSE_TELL_UNCERTAIN}},
};

ProposeAction propose_step(ProposeState *state, ProposeEvent event) {
  const Row *row = &table[*state][event];
  if (row->action != PROPOSE_DO_NOTHING)
    *state = row->next;
  return row->action;
}

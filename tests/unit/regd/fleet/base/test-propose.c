/* SPDX-License-Identifier: MIT */
/* How a commit is proposed: every state with every event. */
#include "regd/fleet/base/propose.h"

typedef struct {
  ProposeState next;
  ProposeAction action;
} Cell;

#define SAME(state)                                                                                \
  { PROPOSE_##state, PROPOSE_DO_NOTHING }
#define TO(state, action)                                                                          \
  { PROPOSE_##state, PROPOSE_##action }

/* In the order of the events. */
static const Cell expected[N_PROPOSE_STATES][N_PROPOSE_EVENTS] = {
    {TO(SENT, DO_SEND), SAME(IDLE), SAME(IDLE), SAME(IDLE), SAME(IDLE), SAME(IDLE), SAME(IDLE),
     SAME(IDLE), SAME(IDLE)},
    {SAME(SENT), TO(IDLE, TELL_DONE), TO(IDLE, TELL_BEHIND), TO(UNSURE, DO_SEND_NEXT),
     TO(SENT, DO_SEND_NEXT), TO(IDLE, TELL_REJECTED), SAME(SENT), SAME(SENT),
     TO(IDLE, TELL_UNAVAILABLE)},
    {SAME(UNSURE), TO(IDLE, TELL_DONE), TO(ASKING, DO_ASK), TO(UNSURE, DO_SEND_NEXT),
     TO(UNSURE, DO_SEND_NEXT), TO(UNSURE, DO_SEND_NEXT), SAME(UNSURE), SAME(UNSURE),
     TO(IDLE, TELL_UNCERTAIN)},
    {SAME(ASKING), SAME(ASKING), SAME(ASKING), TO(ASKING, DO_ASK_NEXT), TO(ASKING, DO_ASK_NEXT),
     TO(ASKING, DO_ASK_NEXT), TO(IDLE, TELL_DONE), TO(IDLE, TELL_BEHIND), TO(IDLE, TELL_UNCERTAIN)},
};

static void test_table(void) {
  for (guint state = 0; state < N_PROPOSE_STATES; state++)
    for (guint event = 0; event < N_PROPOSE_EVENTS; event++) {
      ProposeState at = (ProposeState)state;
      ProposeAction action = propose_step(&at, (ProposeEvent)event);
      if (action != expected[state][event].action || at != expected[state][event].next)
        g_error("state %u, event %u: state %d, action %d", state, event, (int)at, (int)action);
    }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/propose/table", test_table);
  return g_test_run();
}

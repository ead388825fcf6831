/* SPDX-License-Identifier: MIT */
/* Waiting for the fleet, for `fleet wait` and for --wait-fleet of the verbs that write. */
#ifndef CLIENT_REGCTL_SESSION_FLEET_WAIT_H
#define CLIENT_REGCTL_SESSION_FLEET_WAIT_H

#include "client/regctl/session/session.h"

typedef struct {
  guint64 commit; /* 0: the newest that this host has */
  guint32 hosts;  /* so many are enough; 0: all */
  guint32 timeout;
} FleetWaitAsk;
/* With --wait-fleet: what a verb has written is to be on all hosts. */
gboolean fleet_wait_after_write(Session *session, GError **error);
/* Waits until the hosts have the commit, and says how many have. FAILED: they are late; the message
 * names those that are missing. */
gboolean fleet_wait_for_hosts(Session *session, const FleetWaitAsk *ask, GError **error);

#endif

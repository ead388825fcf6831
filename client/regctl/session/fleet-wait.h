/* SPDX-License-Identifier: MIT */
/* Waiting for the fleet, for `fleet wait` and for --wait-fleet of the verbs that write. */
#ifndef CLIENT_REGCTL_SESSION_FLEET_WAIT_H
#define CLIENT_REGCTL_SESSION_FLEET_WAIT_H

#include "client/regctl/session/session.h"

typedef struct {
  guint64 commit; /* 0: the newest that this host has */
  FleetShare share;
  guint32 timeout;
} FleetWaitAsk;
/* What a verb that writes checks before it does: INVALID_ARGUMENTS. */
gboolean fleet_wait_check(Session *session, GError **error);
/* With --wait-fleet: what a verb has written is to be on the hosts that it asks for. */
gboolean fleet_wait_after_write(Session *session, GError **error);
/* Waits until the hosts have the commit, and says how many have. FAILED: they are late; the message
 * names those that are missing. */
gboolean fleet_wait_for_hosts(Session *session, const FleetWaitAsk *ask, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* One call of regd, sent again while it is refused because the fleet can't be reached
 * (--wait-fleet). */
#ifndef CLIENT_REGCTL_SESSION_FLEET_CALL_H
#define CLIENT_REGCTL_SESSION_FLEET_CALL_H

#include "client/connection/connection.h"

/* For all calls of one run together. */
typedef struct {
  gboolean repeats; /* FALSE: each call is sent once */
  guint seconds;    /* from the first call on */
  gint64 until;     /* us of the monotonic clock; 0: nothing was sent yet */
  guint refusals;   /* so far */
} FleetPatience;

/* How much time is left, in us; 0: none. */
gint64 fleet_patience_get_left(FleetPatience *patience);
/* connection_call_looping(), repeated for calls of the registry's own interface. */
DBusMessage *fleet_call(RegistryConnection *connection, DBusMessage *call, FleetPatience *patience,
                        GError **error);

#endif

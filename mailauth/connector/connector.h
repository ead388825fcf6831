/* SPDX-License-Identifier: MIT */
/* The connector role: connects to the servers that settings name, and to no others, for
 * the verifier, which has no way to the network of its own. It reads for itself what is
 * set: the `URI` of each broker and the `Backend` of each protocol. Those that were set
 * a moment ago count as well (allowed-servers.h). An intruder who takes over the
 * verifier therefore reaches only those servers, which they could have asked through it
 * anyway.
 *
 * It is asked by MESSAGE_CONNECT with an address as it is set, looks its host's name up,
 * tries its addresses one after the other, and answers by MESSAGE_CONNECTED with the
 * socket. It sends and receives nothing on it. */
#ifndef MAILAUTH_CONNECTOR_CONNECTOR_H
#define MAILAUTH_CONNECTOR_CONNECTOR_H

#include "mailauth/process/role.h"

/* Ends with its channel. */
int connector_run(const RoleStart *start);

#endif

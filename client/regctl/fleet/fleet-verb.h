/* SPDX-License-Identifier: MIT */
/* The verb on the fleet, as verbs.h has the others. */
#ifndef CLIENT_REGCTL_FLEET_FLEET_VERB_H
#define CLIENT_REGCTL_FLEET_FLEET_VERB_H

#include "client/regctl/session/session.h"

gboolean verb_fleet(Session *session, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* This host as a member of a fleet, for its writer: which changes are the fleet's to make, and what
 * the fleet's orders do. */
#ifndef REGD_FLEET_LOCAL_MEMBER_H
#define REGD_FLEET_LOCAL_MEMBER_H

#include "regd/fleet/local/order.h"
#include "regd/write/fleet-hook.h"

typedef struct FleetMember FleetMember;
FleetMember *fleet_member_new(void);
/* The writer's thread must have ended. */
void fleet_member_free(FleetMember *member);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetMember, fleet_member_free)
/* For writer_set_fleet(); borrowed. */
const FleetHook *fleet_member_get_hook(const FleetMember *member);

#endif

/* SPDX-License-Identifier: MIT */
/* From what is stored below the mounts to records of the fleet. */
#ifndef REGD_FLEET_LOCAL_OUTGOING_H
#define REGD_FLEET_LOCAL_OUTGOING_H

#include "regd/edit/edit.h"
#include "regd/fleet/local/state.h"

/* What the differences of @edit, all of which lie below mounts, make of the fleet's records: each
 * key and value that they touch, as it is now. INVALID_VALUE, ACCESS_DENIED, LIMIT_EXCEEDED: the
 * fleet can't hold it. */
Proposal *outgoing_collect(Edit *edit, const FleetState *state, GError **error);
/* Everything below @state's mounts, with the mounts themselves. */
Proposal *outgoing_collect_all(Edit *edit, const FleetState *state, GError **error);
/* The secret values below @state's mounts, each sealed with the first key of the Key File. */
Proposal *outgoing_collect_secrets(Edit *edit, const FleetState *state, GError **error);
/* *@holds: whether there is a value or a sub-key below one of @mounts. */
gboolean outgoing_has_any(Edit *edit, const char *const *mounts, gboolean *holds, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* From records of the fleet to the tree. Every byte of them is a stranger's: a record that can't be
 * used is noted as a problem, and what is stored stays as it is; the others are applied. Rights,
 * schemas and locks of this host do not count: they were checked where the change was made. */
#ifndef REGD_FLEET_LOCAL_INCOMING_H
#define REGD_FLEET_LOCAL_INCOMING_H

#include "regd/edit/edit.h"
#include "regd/fleet/local/order.h"

/* What @order brings (FLEET_ORDER_APPLY): the state that its records name. *@order's n_problems is
 * filled in. */
gboolean incoming_apply(Edit *edit, FleetOrder *order, const FleetState *state, GError **error);
/* The same for FLEET_ORDER_RESYNC, whose records are all there are: what is stored below the mounts
 * and has no record is deleted. Deletes nothing, and sets order->refused, if that is more than half
 * of a mount of more than FLEET_CAREFUL_VALUES and nobody has agreed. */
#define FLEET_CAREFUL_VALUES 100U
gboolean incoming_resync(Edit *edit, FleetOrder *order, const FleetState *state, GError **error);

#endif

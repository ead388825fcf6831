/* SPDX-License-Identifier: MIT */
/* Trials of a fleet, for its member's writer: a commit on trial is one on every host, each of which
 * knows from its own history how to undo it. The commit that ends it, whoever makes it, names it by
 * its number. */
#ifndef REGD_FLEET_LOCAL_MEMBER_TRIALS_H
#define REGD_FLEET_LOCAL_MEMBER_TRIALS_H

#include "regd/edit/edit.h"
#include "regd/fleet/local/order.h"

/* Says in @proposal, of @change, that it is on trial, or which trial it ends. */
void member_trials_note(const Edit *edit, const Change *change, Proposal *proposal);
/* Makes a proposal that ends the trial which is being undone, if it is one of the fleet: there is
 * nothing to undo. */
gboolean member_trials_end(Edit *edit, const FleetState *state, GError **error);
/* Makes a proposal that confirms the trial, if it is one of the fleet. */
gboolean member_trials_confirm(Edit *edit, guint64 revision, const FleetState *state,
                               GError **error);
/* After the records of @order: the commit is on trial from now on, or ends one. */
gboolean member_trials_apply(Edit *edit, const FleetOrder *order, GError **error);
/* Of the fleet's trials only these go on here. @has_jumped: over commits that may have been about
 * them. */
gboolean member_trials_keep(Edit *edit, const OpenTrials *open, gboolean has_jumped,
                            GError **error);

#endif

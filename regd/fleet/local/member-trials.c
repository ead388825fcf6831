/* SPDX-License-Identifier: MIT */
/* See member-trials.h. */
#include "regd/fleet/local/member-trials.h"

#include <string.h>

#include "client/base/protocol.h"
#include "regd/fleet/local/outgoing.h"
#include "regd/write/operations.h"

/* A host that could not use some records of a commit would undo only the rest of it, one that has
 * jumped over later commits can't tell what an undone trial has changed from what somebody has, and
 * one that does not know the maker gives back less where rights have changed. Such a host leaves it
 * to the others for so long, after which less is better than nothing. */
#define LAME_GRACE_US (300 * G_USEC_PER_SEC)

void member_trials_note(const Edit *edit, const Change *change, Proposal *proposal) {
  proposal->trial = change->confirm_within;
  proposal->ends = edit->undone_fleet;
  proposal->undoes = edit->undone_fleet != 0;
  /* What an undo leaves out is told if there is room for it. */
  g_autofree char *comment = edit_get_comment(edit, change->comment);
  if (comment != NULL && strlen(comment) <= LIMIT_COMMENT_BYTES)
    proposal->comment = g_steal_pointer(&comment);
}

/* Proposes a commit that only says how the trial number @fleet ended; 0: none. */
static gboolean propose_end(Edit *edit, guint64 fleet, gboolean undoes, const FleetState *state,
                            GError **error) {
  if (fleet == 0)
    return TRUE;
  g_autoptr(Proposal) proposal = outgoing_collect(edit, state, error);
  if (proposal == NULL)
    return FALSE;
  proposal->path = g_strdup(state->mounts[0]);
  proposal->ends = fleet;
  proposal->undoes = undoes;
  edit->result->proposal = g_steal_pointer(&proposal);
  return TRUE;
}

gboolean member_trials_end(Edit *edit, const FleetState *state, GError **error) {
  return propose_end(edit, edit->undone_fleet, TRUE, state, error);
}

gboolean member_trials_confirm(Edit *edit, guint64 revision, const FleetState *state,
                               GError **error) {
  guint64 fleet = 0;
  return trials_get_fleet(edit->store, revision, &fleet, error) &&
         propose_end(edit, fleet, FALSE, state, error);
}

/* With the uid ACCESS_NOBODY if this host does not know them. A number is somebody else on the next
 * host. */
static Identity *find_maker(const FleetOrder *order) {
  guint32 uid = 0;
  const char *user = order->head->user;
  gboolean is_known = user != NULL && *user != '\0' && (order->is_own || !g_ascii_isdigit(*user)) &&
                      access_find_id(PRINCIPAL_USER, user, access_resolve_with_nss, &uid);
  return access_new_stand_in(is_known ? PRINCIPAL_USER : PRINCIPAL_EVERYONE, uid, FALSE);
}

static gboolean begin(Edit *edit, const FleetOrder *order, GError **error) {
  /* What changes nothing here has nothing that could be undone. */
  if (order->head->trial == 0 || edit->differences->len == 0 ||
      trials_count_fleet(edit->store) >= FLEET_LIMIT_TRIALS)
    return TRUE;
  gint64 time = (gint64)order->head->trial * G_USEC_PER_SEC + order->grace;
  g_autoptr(Identity) maker = find_maker(order);
  if (order->n_unusable > 0 || maker->uid == ACCESS_NOBODY)
    time += LAME_GRACE_US;
  const Trial trial = {.revision = edit->revision,
                       .uid = maker->uid,
                       .deadline = edit->now + time,
                       .fleet = order->head->number,
                       .maker = maker};
  edit->result->trials_changed = TRUE;
  return trials_add(edit->store, &trial, error);
}

/* If an older trial ends later, it must not mistake what this commit undid for somebody's change.
 */
static gboolean end(Edit *edit, const FleetOrder *order, GError **error) {
  guint64 revision = 0;
  if (order->head->ends == 0)
    return TRUE;
  if (!trials_find_fleet(edit->store, order->head->ends, &revision, error))
    return FALSE;
  if (revision == 0)
    return TRUE;
  edit->result->trials_changed = TRUE;
  gboolean done = order->head->undoes ? trials_end(edit->store, revision, edit->revision, error)
                                      : trials_remove(edit->store, revision, error);
  if (done && order->head->undoes && edit->differences->len > 0)
    done = trials_note_end(edit->store, edit->revision, error);
  return done && trials_forget_ended(edit->store, error);
}

gboolean member_trials_apply(Edit *edit, const FleetOrder *order, GError **error) {
  return order->head == NULL || (end(edit, order, error) && begin(edit, order, error));
}

gboolean member_trials_keep(Edit *edit, const OpenTrials *open, gboolean has_jumped,
                            GError **error) {
  edit->result->trials_changed = TRUE;
  return trials_forget_fleet(edit->store, open->numbers, open->count, error) &&
         (!has_jumped || trials_delay_fleet(edit->store, LAME_GRACE_US, error)) &&
         trials_forget_ended(edit->store, error);
}

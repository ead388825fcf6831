/* SPDX-License-Identifier: MIT */
/* See member.h. */
#include "regd/fleet/local/member.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/fleet/local/incoming.h"
#include "regd/fleet/local/member-trials.h"
#include "regd/fleet/local/mount-setting.h"
#include "regd/fleet/local/mounts.h"
#include "regd/fleet/local/outgoing.h"
#include "regd/fleet/seal/key-reader.h"
#include "regd/history/trials.h"
#include "regd/tree/place.h"

struct FleetMember {
  FleetHook hook;
  FleetState *state; /* as it is stored; NULL: this host is in no fleet */
  gboolean is_stale; /* `state` has to be read again */
};

static gboolean refresh(FleetMember *member, Store *store, GError **error) {
  if (!member->is_stale)
    return TRUE;
  g_clear_pointer(&member->state, fleet_state_free);
  member->is_stale = !fleet_state_load(store, &member->state, error);
  return !member->is_stale;
}

static void forget(gpointer data) {
  FleetMember *member = data;
  member->is_stale = TRUE;
}

/* ---- whose a change is ---- */

static gboolean is_fleets(const FleetState *state, const Difference *difference) {
  return difference->kind != CHANGE_LOCK_CHANGED &&
         fleet_mounts_hold((const char *const *)state->mounts, difference->path);
}

/* The first operation that is not for the same side as operation 0; 0: there is none. */
static guint find_other_side(Edit *edit, const Change *change, const FleetState *state) {
  gboolean first = FALSE;
  for (guint i = 0; i < change->operations->len; i++) {
    const Operation *operation = g_ptr_array_index(change->operations, i);
    g_autoptr(Place) place =
        resolve(edit->store, edit->who, operation->key, RESOLVE_NO_FOLLOW, NULL);
    gboolean side =
        place != NULL && fleet_mounts_hold((const char *const *)state->mounts, place->path);
    if (i == 0)
      first = side;
    else if (side != first)
      return i;
  }
  return 0;
}

static gboolean refuse_mixed(Edit *edit, const Change *change, const FleetState *state,
                             GError **error) {
  guint other = find_other_side(edit, change, state);
  const Operation *operation = g_ptr_array_index(change->operations, other);
  const char *word = operation_kind_get_name(operation->kind);
  if (other == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: a commit is for the fleet's keys or for this host's, not both: this one "
                     "changes keys of both",
                     operation->key);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "a commit is for the fleet's keys or for this host's, not both: operation %u "
                   "(%s) %s",
                   other, word != NULL ? word : "", operation->key);
}

/* That it can be undone by one commit. */
static gboolean check_undo(const Edit *edit, const char *path, GError **error) {
  gsize size = 0;
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    gsize new = 0;
    if (difference->new_value != NULL)
      registry_value_get_bytes(difference->new_value, &new);
    size += strlen(difference->path) + difference_get_size(difference) - new;
  }
  return size <= FLEET_LIMIT_COMMIT_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: what it changes holds %zu bytes, and a change of the fleet on trial may "
                   "take away at most %u, since it is undone by one commit: make it in several",
                   path, size, FLEET_LIMIT_COMMIT_BYTES);
}

/* What a fleet can't keep. */
static gboolean check_kind(Edit *edit, const Change *change, const char *path, GError **error) {
  if (change->confirm_within != 0 && !check_undo(edit, path, error))
    return FALSE;
  if (change->confirm_within != 0 && trials_count_fleet(edit->store) >= FLEET_LIMIT_TRIALS)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%s: %u changes of the fleet are on trial already: confirm some of them first",
                     path, FLEET_LIMIT_TRIALS);
  if (change->confirm_within != 0 && !edit->who->administrator &&
      trials_count_fleet_of(edit->store, edit->who->uid) >= LIMIT_TRIALS_PER_USER)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%s: %u changes of yours to the fleet are on trial already: confirm some of "
                     "them first",
                     path, LIMIT_TRIALS_PER_USER);
  if (change->owner != NULL)
    return error_set(error, REGISTRY_ERROR_NOT_SUPPORTED,
                     "%s: the key is the fleet's: it can't be declared on one host (owner); set it "
                     "without an owner",
                     path);
  return TRUE;
}

static gboolean is_member(const Edit *edit) {
  FleetMember *member = edit->fleet->data;
  return !refresh(member, edit->store, NULL) || member->state != NULL;
}

static gboolean judge(Edit *edit, const Change *change, GError **error) {
  FleetMember *member = edit->fleet->data;
  if (edit->is_fleets)
    return TRUE;
  if (!mount_setting_check(edit, error) || !refresh(member, edit->store, error))
    return FALSE;
  guint inside = 0;
  const Difference *first = NULL;
  for (guint i = 0; member->state != NULL && i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    if (!is_fleets(member->state, difference))
      continue;
    first = inside++ == 0 ? difference : first;
  }
  if (inside == 0)
    return member->state == NULL || edit->differences->len > 0 ||
           member_trials_end(edit, member->state, error);
  if (inside < edit->differences->len)
    return refuse_mixed(edit, change, member->state, error);
  if (!check_kind(edit, change, first->path, error))
    return FALSE;
  g_autoptr(Proposal) proposal = outgoing_collect(edit, member->state, error);
  if (proposal == NULL)
    return FALSE;
  member_trials_note(edit, change, proposal);
  edit->result->proposal = g_steal_pointer(&proposal);
  return TRUE;
}

static gboolean confirm(Edit *edit, guint64 revision, GError **error) {
  FleetMember *member = edit->fleet->data;
  return refresh(member, edit->store, error) &&
         (member->state == NULL || member_trials_confirm(edit, revision, member->state, error));
}

/* ---- orders ---- */

static gboolean require_fleet(const FleetMember *member, GError **error) {
  return member->state != NULL ||
         error_set(error, REGISTRY_ERROR_CONFLICT, "this host is in no fleet");
}

static gboolean check_alone(Edit *edit, const FleetMember *member, GError **error) {
  Trial trial = {0};
  if (member->state != NULL)
    return error_set(error, REGISTRY_ERROR_CONFLICT,
                     "this host is in the fleet '%s' already: `regctl fleet leave` first",
                     member->state->fleet);
  if (!trials_get_next(edit->store, FALSE, &trial, error))
    return FALSE;
  return trial.revision == 0 ||
         error_set(error, REGISTRY_ERROR_CONFLICT,
                   "the change %" G_GUINT64_FORMAT " is on trial: confirm it, or wait until it has "
                   "been undone",
                   trial.revision);
}

static gboolean plan(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  gboolean holds = FALSE;
  if (!check_alone(edit, member, error) ||
      !outgoing_has_any(edit, (const char *const *)order->state->mounts, &holds, error))
    return FALSE;
  if (holds && !order->agreed)
    return error_set(error, REGISTRY_ERROR_CONFLICT,
                     "there are keys or values below the mount already: --from-local (init) makes "
                     "them the fleet's, and --replace (join) drops them");
  if (!order->is_init) /* what is here goes: it may be what no fleet takes */
    return TRUE;
  order->proposal = outgoing_collect_all(edit, order->state, error);
  return order->proposal != NULL;
}

static gboolean join(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  edit->writes_anyway = TRUE;
  return check_alone(edit, member, error) && fleet_state_save(edit->store, order->state, error);
}

static gboolean leave(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  if (!require_fleet(member, error))
    return FALSE;
  edit->writes_anyway = TRUE;
  g_autoptr(FleetState) empty = fleet_state_copy(member->state);
  if (order->agreed && !incoming_resync(edit, order, empty, error))
    return FALSE;
  return member_trials_keep(edit, &(OpenTrials){0}, FALSE, error) &&
         fleet_state_delete(edit->store, error);
}

static gboolean is_same_id(GBytes *id, const guint8 *other) {
  gsize size = 0;
  const void *data = g_bytes_get_data(id, &size);
  return size == FLEET_ID_BYTES && memcmp(data, other, size) == 0;
}

/* Whether @head is the one after the newest that this host has. */
static gboolean follows(const FleetState *state, const FleetHead *head) {
  if (state->head == NULL)
    return !head->has_previous;
  return head->has_previous && is_same_id(state->head, head->previous);
}

/* A higher one would be stored, and could not be followed by any. */
static gboolean check_revision(const FleetOrder *order, GError **error) {
  return order->revision <= LIMIT_REVISION ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "the cluster's revision %" G_GUINT64_FORMAT " is out of range", order->revision);
}

static gboolean check_next(const FleetState *state, const FleetOrder *order, GError **error) {
  if (!check_revision(order, error))
    return FALSE;
  if (order->revision <= state->applied)
    return error_set(error, REGISTRY_ERROR_CONFLICT,
                     "not the next: revision %" G_GUINT64_FORMAT " is there already",
                     order->revision);
  return order->head == NULL || follows(state, order->head) ||
         error_set(error, REGISTRY_ERROR_CONFLICT,
                   "not the next: commit %" G_GUINT64_FORMAT " does not follow %" G_GUINT64_FORMAT,
                   order->head->number, state->number);
}

static gboolean store_position(Edit *edit, const FleetMember *member, const FleetOrder *order,
                               GError **error) {
  g_autoptr(FleetState) state = fleet_state_copy(member->state);
  state->applied = order->revision;
  memcpy(state->digest, order->digest, sizeof state->digest);
  if (order->head != NULL) {
    g_clear_pointer(&state->head, g_bytes_unref);
    state->head = g_bytes_new(order->head->id, FLEET_ID_BYTES);
    state->number = order->head->number;
    state->open = order->head->open;
  }
  return fleet_state_save(edit->store, state, error);
}

static gboolean apply_revision(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  if (!require_fleet(member, error) || !check_next(member->state, order, error))
    return FALSE;
  edit->writes_anyway = TRUE;
  return incoming_apply(edit, order, member->state, error) &&
         member_trials_apply(edit, order, error) && store_position(edit, member, order, error);
}

static GPtrArray *list_differences(const Edit *edit) {
  GPtrArray *differences = g_ptr_array_new_with_free_func(fleet_difference_free);
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *from = g_ptr_array_index(edit->differences, i);
    FleetDifference *difference = g_new0(FleetDifference, 1);
    difference->kind = from->kind;
    difference->key = g_strdup(from->path);
    difference->name = g_strdup(from->name != NULL ? from->name : "");
    g_ptr_array_add(differences, difference);
  }
  return differences;
}

static gboolean resync(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  if (!require_fleet(member, error) || !check_revision(order, error) ||
      !incoming_resync(edit, order, member->state, error))
    return FALSE;
  if (order->refused != NULL)
    return TRUE;
  if (order->dry_run)
    order->differences = list_differences(edit);
  edit->writes_anyway = TRUE;
  GBytes *before = member->state->head;
  gboolean has_jumped = before == NULL || !is_same_id(before, order->head->id);
  return member_trials_keep(edit, &order->head->open, has_jumped, error) &&
         store_position(edit, member, order, error);
}

/* The next one is found as with every order. */
static gboolean find_trials(Edit *edit, G_GNUC_UNUSED FleetMember *member, FleetOrder *order,
                            GError **error) {
  if (order->postponed.revision == 0)
    return TRUE;
  edit->writes_anyway = TRUE;
  return trials_postpone(edit->store, order->postponed.revision, order->postponed.deadline, error);
}

static gboolean list_problems(Edit *edit, G_GNUC_UNUSED FleetMember *member, FleetOrder *order,
                              GError **error) {
  order->problems = fleet_problem_list(edit->store, error);
  return order->problems != NULL;
}

static gboolean acknowledge(Edit *edit, G_GNUC_UNUSED FleetMember *member, FleetOrder *order,
                            GError **error) {
  edit->writes_anyway = TRUE;
  return fleet_problem_acknowledge(edit->store, &order->n_acknowledged, error);
}

/* Without a secret value there is nothing to propose. */
static gboolean reseal(Edit *edit, FleetMember *member, FleetOrder *order, GError **error) {
  if (!require_fleet(member, error))
    return FALSE;
  g_autoptr(Proposal) proposal = outgoing_collect_secrets(edit, member->state, error);
  if (proposal == NULL)
    return FALSE;
  order->n_resealed = proposal->operations->len;
  if (order->n_resealed > 0)
    edit->result->proposal = g_steal_pointer(&proposal);
  return TRUE;
}

static gboolean (*const actions[])(Edit *, FleetMember *, FleetOrder *, GError **) = {
    [FLEET_ORDER_PLAN] = plan,
    [FLEET_ORDER_JOIN] = join,
    [FLEET_ORDER_LEAVE] = leave,
    [FLEET_ORDER_APPLY] = apply_revision,
    [FLEET_ORDER_RESYNC] = resync,
    [FLEET_ORDER_PROBLEMS] = list_problems,
    [FLEET_ORDER_RESEAL] = reseal,
    [FLEET_ORDER_TRIALS] = find_trials,
    [FLEET_ORDER_ACKNOWLEDGE] = acknowledge,
};

/* An order may be carried out again, in a commit of its own: what it found before is dropped. */
static void begin(FleetOrder *order) {
  g_clear_pointer(&order->after, fleet_state_free);
  g_clear_pointer(&order->proposal, proposal_unref);
  g_clear_pointer(&order->problems, g_ptr_array_unref);
  g_clear_pointer(&order->refused, g_free);
  g_clear_pointer(&order->differences, g_ptr_array_unref);
  order->n_problems = 0;
  order->n_unusable = 0;
  order->n_acknowledged = 0;
}

static gboolean apply(Edit *edit, const Operation *operation, GError **error) {
  FleetMember *member = edit->fleet->data;
  FleetOrder *order = operation->acl;
  begin(order);
  edit->is_fleets = TRUE;
  edit->over_locks = TRUE;
  if (order->origin.user_at_host != NULL)
    edit->origin = &order->origin;
  if (!refresh(member, edit->store, error))
    return FALSE;
  gboolean done = actions[order->kind](edit, member, order, error);
  if (edit->writes_anyway)
    member->is_stale = TRUE;
  if (!done || !refresh(member, edit->store, error) ||
      !trials_get_next(edit->store, TRUE, &order->next_trial, error))
    return FALSE;
  order->after = fleet_state_copy(member->state);
  if (edit->writes_anyway) /* the change may still be rolled back */
    member->is_stale = TRUE;
  return TRUE;
}

FleetMember *fleet_member_new(void) {
  FleetMember *member = g_new0(FleetMember, 1);
  member->hook =
      (FleetHook){apply, is_member, judge, confirm, forget, member, fleet_key_reader_new()};
  member->is_stale = TRUE;
  return member;
}

void fleet_member_free(FleetMember *member) {
  if (member == NULL)
    return;
  fleet_state_free(member->state);
  fleet_key_reader_free(member->hook.key_reader);
  g_free(member);
}

const FleetHook *fleet_member_get_hook(const FleetMember *member) {
  return &member->hook;
}

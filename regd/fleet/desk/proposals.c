/* SPDX-License-Identifier: MIT */
/* Changes of the fleet's keys, from their proposal to the answer of their caller. One at a time is
 * before the cluster. If another host's commit comes first, the change is judged again on the new
 * state, by the writer, and proposed again. */
#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "client/base/protocol.h"

struct Waiting {
  FleetDesk *desk;
  Proposal *proposal;
  WriteResult counts; /* what the change did when it was judged; holds nothing */
  WriteDone done;
  gpointer data;
  guint32 ticket;
  guint8 id[FLEET_ID_BYTES]; /* of the commit that it would be */
  guint64 committed;         /* the revision of the cluster that has it; 0: not known yet */
  gboolean is_sent;          /* it is before the cluster */
  gboolean is_behind;        /* another commit came first, which is not here yet */
  gboolean is_judged_again;  /* the writer is at it */
  guint timer;
};

static void pump(FleetDesk *desk);

/* Only numbers: the rest belongs to the writer. */
static WriteResult get_counts(const WriteResult *result) {
  WriteResult counts = *result;
  counts.effective = counts.would_do = NULL;
  counts.proposal = NULL;
  counts.error = NULL;
  return counts;
}

static void waiting_free(Waiting *waiting) {
  if (waiting->timer != 0)
    g_source_remove(waiting->timer);
  proposal_unref(waiting->proposal);
  g_free(waiting);
}

/* ---- the answer ---- */

/* Takes @waiting out of the desk and answers its caller. */
static void finish(Waiting *waiting, const WriteResult *result) {
  FleetDesk *desk = waiting->desk;
  if (desk->current == waiting)
    desk->current = NULL;
  waiting->done(result, waiting->data);
  waiting_free(waiting);
  pump(desk);
}

static void fail(Waiting *waiting, GError *error) {
  WriteResult failed = {.error = error};
  finish(waiting, &failed);
  g_error_free(error);
}

/* It is committed here too: @result is that commit's. */
static void succeed(Waiting *waiting, const WriteResult *result) {
  WriteResult done = waiting->counts;
  done.revision = result->revision;
  done.effective = result->effective;
  done.changed = TRUE;
  finish(waiting, &done);
}

static GError *new_unavailable(const FleetDesk *desk, const char *path) {
  GError *error = NULL;
  const char *reason = NULL;
  const char *state = fleet_desk_get_state(desk, &reason);
  error_set(&error, REGISTRY_ERROR_FLEET_UNAVAILABLE,
            "%s: the fleet '%s' can't be reached (%s: %s); reading goes on; nothing was changed",
            path, desk->joined != NULL ? desk->joined->fleet : "", state, reason);
  return error;
}

static GError *new_uncertain(const FleetDesk *desk, const Waiting *waiting) {
  GError *error = NULL;
  error_set(&error, REGISTRY_ERROR_FLEET_UNCERTAIN,
            "%s: no answer came from the fleet '%s'; the change %02x%02x%02x%02x may still be "
            "made: `regctl history` tells",
            waiting->proposal->path, desk->joined != NULL ? desk->joined->fleet : "",
            waiting->id[0], waiting->id[1], waiting->id[2], waiting->id[3]);
  return error;
}

/* ---- sending ---- */

static char *get_comment(const Proposal *proposal) {
  if (proposal->comment != NULL || proposal->change == NULL)
    return proposal->comment;
  return proposal->change->comment;
}

static void fill_open(FleetHead *head, const OpenTrials *before) {
  head->open = *before;
  open_trials_remove(&head->open, head->ends);
  if (head->trial != 0)
    open_trials_add(&head->open, head->number);
}

static GBytes *make_head(Waiting *waiting) {
  FleetDesk *desk = waiting->desk;
  const Proposal *proposal = waiting->proposal;
  FleetHead head = {.number = desk->joined->number + 1,
                    .host = desk->settings->host_name,
                    .user = proposal->user,
                    .program = proposal->who->program,
                    .comment = get_comment(proposal),
                    .time = g_get_real_time(),
                    .operations = proposal->operations->len,
                    .trial = proposal->trial,
                    .ends = proposal->ends,
                    .undoes = proposal->undoes};
  if (getrandom(waiting->id, sizeof waiting->id, 0) != (ssize_t)sizeof waiting->id)
    return NULL;
  memcpy(head.id, waiting->id, sizeof head.id);
  if (proposal->guard != NULL) {
    memcpy(head.previous, g_bytes_get_data(proposal->guard, NULL), sizeof head.previous);
    head.has_previous = TRUE;
  }
  fill_open(&head, &desk->joined->open);
  return fleet_head_encode(&head);
}

static gboolean check_size(const Proposal *proposal, GError **error) {
  gsize size = proposal_get_size(proposal);
  if (proposal->operations->len <= FLEET_LIMIT_OPERATIONS && size <= FLEET_LIMIT_COMMIT_BYTES)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: a commit of the fleet has at most %u keys and values and %u bytes; this "
                   "one has %u and %zu: make it in several",
                   proposal->path, FLEET_LIMIT_OPERATIONS, FLEET_LIMIT_COMMIT_BYTES,
                   proposal->operations->len, size);
}

/* Whether it takes more than one transaction of the cluster, and so about twice the time. */
static gboolean is_large(const FleetDesk *desk, const Proposal *proposal) {
  return proposal->operations->len > desk->settings->transaction_operations ||
         proposal_get_size(proposal) > desk->settings->request_bytes;
}

static void send(Waiting *waiting) {
  FleetDesk *desk = waiting->desk;
  GError *error = NULL;
  if (!check_size(waiting->proposal, &error)) {
    fail(waiting, error);
    return;
  }
  g_autoptr(GBytes) head = make_head(waiting);
  if (head == NULL) {
    fail(waiting, g_error_new_literal(REGISTRY_ERROR, REGISTRY_ERROR_FAILED,
                                      "the system gives no random numbers"));
    return;
  }
  waiting->ticket = ++desk->ticket;
  waiting->is_sent = TRUE;
  waiting->is_behind = FALSE;
  desk->line.propose(waiting->ticket, waiting->proposal->guard, head, waiting->proposal->operations,
                     desk->data);
}

/* The change is made in the meantime, by another host, or can't be made any more. */
static void on_judged_again(const WriteResult *result, gpointer data) {
  Waiting *waiting = data;
  waiting->is_judged_again = FALSE;
  finish(waiting, result);
}

static void judge_again(Waiting *waiting) {
  FleetDesk *desk = waiting->desk;
  const Caller caller = {waiting->proposal->who, NULL};
  Change *change = g_steal_pointer(&waiting->proposal->change);
  waiting->is_sent = FALSE;
  waiting->is_behind = FALSE;
  waiting->is_judged_again = TRUE;
  service_write(desk->service, &caller, change, on_judged_again, waiting);
}

static gboolean is_current(const FleetDesk *desk, const Proposal *proposal) {
  GBytes *head = desk->joined != NULL ? desk->joined->head : NULL;
  if (head == NULL || proposal->guard == NULL)
    return head == proposal->guard;
  return g_bytes_equal(head, proposal->guard);
}

static gboolean on_late(gpointer data) {
  Waiting *waiting = data;
  waiting->timer = 0;
  if (waiting->is_sent) {
    fail(waiting, new_uncertain(waiting->desk, waiting));
    return G_SOURCE_REMOVE;
  }
  if (waiting->is_judged_again) { /* it ends by itself, and is not sent again */
    waiting->is_behind = TRUE;
    return G_SOURCE_REMOVE;
  }
  GError *error = NULL;
  error_set(&error, REGISTRY_ERROR_CONFLICT,
            "%s: too many others write to the fleet; nothing was changed: try again",
            waiting->proposal->path);
  fail(waiting, error);
  return G_SOURCE_REMOVE;
}

static void begin(Waiting *waiting) {
  FleetDesk *desk = waiting->desk;
  desk->current = waiting;
  guint patience = desk->settings->commit_timeout * (is_large(desk, waiting->proposal) ? 2 : 1);
  waiting->timer = g_timeout_add(patience + FLEET_GRACE_MS, on_late, waiting);
  if (is_current(desk, waiting->proposal))
    send(waiting);
  else
    judge_again(waiting);
}

static void pump(FleetDesk *desk) {
  if (desk->current == NULL && !g_queue_is_empty(&desk->waiting))
    begin(g_queue_pop_head(&desk->waiting));
}

static gboolean may_propose(const FleetDesk *desk, const char *path, GError **error) {
  const char *reason = NULL;
  if (desk->stopping || !g_str_equal(fleet_desk_get_state(desk, &reason), "live")) {
    g_propagate_error(error, new_unavailable(desk, path));
    return FALSE;
  }
  return !desk->settings->read_only ||
         error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s: this host may only read the fleet (Read Only)", path);
}

/* ---- what comes ---- */

static void take_again(Waiting *waiting, const WriteResult *result) {
  gboolean is_late = waiting->is_behind;
  proposal_unref(waiting->proposal);
  waiting->proposal = proposal_ref(result->proposal);
  waiting->counts = get_counts(result);
  waiting->is_judged_again = FALSE;
  GError *error = NULL;
  if (is_late)
    (void)on_late(waiting);
  else if (!may_propose(waiting->desk, waiting->proposal->path, &error))
    fail(waiting, error);
  else if (is_current(waiting->desk, waiting->proposal))
    send(waiting);
  else
    judge_again(waiting);
}

void fleet_proposals_take(const WriteResult *result, WriteDone done, gpointer data, gpointer desk) {
  if (done == on_judged_again) {
    take_again(data, result);
    return;
  }
  FleetDesk *own = desk;
  Waiting *waiting = g_new0(Waiting, 1);
  waiting->desk = own;
  waiting->proposal = proposal_ref(result->proposal);
  waiting->counts = get_counts(result);
  waiting->done = done;
  waiting->data = data;
  GError *error = NULL;
  if (!may_propose(own, waiting->proposal->path, &error)) {
    fail(waiting, error);
    return;
  }
  g_queue_push_tail(&own->waiting, waiting);
  pump(own);
}

void fleet_proposals_note_commit(FleetDesk *desk, const FleetHead *head,
                                 const WriteResult *result) {
  Waiting *waiting = desk->current;
  if (waiting == NULL)
    return;
  gboolean is_ours =
      head != NULL && waiting->is_sent && memcmp(head->id, waiting->id, sizeof waiting->id) == 0;
  if (is_ours || (waiting->committed != 0 && desk->joined->applied >= waiting->committed))
    succeed(waiting, result);
  else if (waiting->is_behind && !waiting->is_judged_again)
    judge_again(waiting);
}

gboolean fleet_proposals_note_outcome(FleetDesk *desk, const FleetOutcome *outcome) {
  Waiting *waiting = desk->current;
  if (waiting == NULL || !waiting->is_sent || waiting->ticket != outcome->ticket)
    return FALSE;
  if (g_str_equal(outcome->what, "done")) {
    waiting->committed = outcome->revision;
    if (desk->joined != NULL && desk->joined->applied >= outcome->revision)
      succeed(waiting, &(WriteResult){.revision = service_get_revision(desk->service)});
    return TRUE;
  }
  if (!g_str_equal(outcome->what, "behind")) {
    fail(waiting, fleet_desk_new_error(outcome->what, waiting->proposal->path, outcome->message));
    return TRUE;
  }
  waiting->is_sent = FALSE;
  waiting->is_behind = TRUE;
  if (!is_current(desk, waiting->proposal))
    judge_again(waiting);
  return TRUE;
}

void fleet_proposals_give_up(FleetDesk *desk) {
  GQueue waiting = desk->waiting;
  g_queue_init(&desk->waiting);
  for (Waiting *next; (next = g_queue_pop_head(&waiting)) != NULL;)
    fail(next, new_unavailable(desk, next->proposal->path));
  Waiting *current = desk->current;
  if (current == NULL || current->is_judged_again)
    return; /* the writer has it, which answers soon */
  if (!current->is_sent)
    fail(current, new_unavailable(desk, current->proposal->path));
  else if (!desk->attached || desk->stopping)
    fail(current, new_uncertain(desk, current));
  /* Else the agent still tells how it ended. */
}

/* SPDX-License-Identifier: MIT */
/* See committing.h. */
#include "regd/fleet/agent/committing.h"

#include <string.h>

#include "regd/fleet/etcd/batch.h"
#include "regd/fleet/stage/settling.h"
#include "regd/fleet/stage/staging.h"

/* How much longer than the commit may take the owner of its parts stays there. */
#define LEASE_GRACE_S 15U
/* The commit itself has so long at least. */
#define LEAST_MS 1000U
/* What was put for nothing is deleted in this time, or is left to be swept. */
#define DROP_MS 1000U

struct Committing {
  Cluster *cluster;
  CommittingPlan plan;
  char *host;
  guint request_timeout_ms, commit_timeout_ms, transaction_operations;
  gsize request_bytes;
  gint64 started;
  guint8 id[FLEET_ID_BYTES];
  gboolean is_large, is_abandoned;
  /* Under way, one of them. */
  Settling *settling;
  Staging *staging;
  Submission *submission;
  Attempt *dropping;
  SubmissionEnd end; /* while its parts are dropped */
  char *end_text;
};

static void committing_free(Committing *committing) {
  settling_cancel(committing->settling);
  staging_cancel(committing->staging);
  attempt_cancel(committing->dropping);
  g_bytes_unref(committing->plan.content.info);
  g_bytes_unref(committing->plan.content.head);
  g_ptr_array_unref(committing->plan.content.steps);
  g_free(committing->host);
  g_free(committing->end_text);
  g_free(committing);
}

static void finish(Committing *committing, const SubmissionEnd *end) {
  committing->plan.done(end, committing->plan.data);
  committing_free(committing);
}

gboolean committing_is_staged(const Committing *committing) {
  return committing->plan.content.staged > 0;
}

/* ---- how it ends ---- */

static void on_dropped(G_GNUC_UNUSED GBytes *answer, G_GNUC_UNUSED const TransportEnd *end,
                       gpointer data) {
  Committing *committing = data;
  committing->dropping = NULL;
  finish(committing, &committing->end);
}

/* Parts of a commit that was surely not made are of no use. */
static void drop_parts(Committing *committing, const SubmissionEnd *end) {
  g_autoptr(Batch) batch = batch_new();
  g_autofree char *stage = fleet_key_of_stage(committing->id);
  g_autofree char *prefix = g_strconcat(cluster_get_layer(committing->cluster), stage, NULL);
  const AttemptLimits limits = {.endpoint = committing->plan.endpoint,
                                .request_timeout_ms = DROP_MS,
                                .deadline = g_get_monotonic_time()};
  committing->end_text = g_strdup(end->text);
  committing->end = *end;
  committing->end.text = committing->end_text;
  batch_delete_all(batch, prefix);
  g_autoptr(GBytes) request = batch_encode(batch);
  committing->dropping =
      attempt_start(committing->cluster, &limits, "KV/Txn", request, on_dropped, committing);
}

static void fail(Committing *committing, const TransportEnd *end) {
  const SubmissionEnd told = {.answer = attempt_is_rejection(end) ? PROPOSE_TELL_REJECTED
                                                                  : PROPOSE_TELL_UNAVAILABLE,
                              .code = end->code,
                              .text = end->text};
  finish(committing, &told);
}

static void on_submitted(const SubmissionEnd *end, gpointer data) {
  Committing *committing = data;
  gboolean may_be_made = end->answer == PROPOSE_TELL_DONE || end->answer == PROPOSE_TELL_UNCERTAIN;
  committing->submission = NULL;
  if (committing_is_staged(committing) && !may_be_made && !committing->is_abandoned)
    drop_parts(committing, end);
  else
    finish(committing, end);
}

/* ---- the commit ---- */

/* What is large, and takes steps of its own before, has twice the time. */
static guint get_time_left_ms(const Committing *committing) {
  gint64 spent_ms = (g_get_monotonic_time() - committing->started) / 1000;
  gint64 whole_ms = (gint64)committing->commit_timeout_ms * (committing->is_large ? 2 : 1);
  return (guint)MAX(whole_ms - spent_ms, (gint64)LEAST_MS);
}

static void submit(Committing *committing) {
  SubmissionPlan plan = {.endpoint = committing->plan.endpoint,
                         .request_timeout_ms = committing->request_timeout_ms,
                         .commit_timeout_ms = get_time_left_ms(committing),
                         .done = on_submitted,
                         .data = committing};
  (void)commit_fill(committing->cluster, &committing->plan.content, &plan);
  committing->submission = submission_start(committing->cluster, &plan);
  g_bytes_unref(plan.transaction);
  g_bytes_unref(plan.witness);
}

/* ---- what comes before it ---- */

static AttemptLimits get_limits(const Committing *committing) {
  gint64 time_us = (gint64)committing->commit_timeout_ms * 1000;
  return (AttemptLimits){.endpoint = committing->plan.endpoint,
                         .request_timeout_ms = committing->request_timeout_ms,
                         .deadline = committing->started + time_us};
}

static void on_staged(guint32 parts, const TransportEnd *end, gpointer data) {
  Committing *committing = data;
  committing->staging = NULL;
  if (parts == 0) {
    fail(committing, end);
    return;
  }
  committing->plan.content.staged = parts;
  submit(committing);
}

static void stage(Committing *committing) {
  StagingPlan plan = {.steps = committing->plan.content.steps,
                      .most = committing->transaction_operations,
                      .bytes = committing->request_bytes,
                      .lease_s = 2 * committing->commit_timeout_ms / 1000 + LEASE_GRACE_S};
  const AttemptLimits limits = get_limits(committing);
  memcpy(plan.id, committing->id, FLEET_ID_BYTES);
  committing->staging = staging_start(committing->cluster, &limits, &plan, on_staged, committing);
}

static void go_on(Committing *committing) {
  if (committing->is_large)
    stage(committing);
  else
    submit(committing);
}

static void on_settled(gboolean settled, const TransportEnd *end, gpointer data) {
  Committing *committing = data;
  committing->settling = NULL;
  if (settled)
    go_on(committing);
  else
    fail(committing, end);
}

/* A commit that is one part fits into the transaction. */
static gboolean is_large(const Committing *committing) {
  const GPtrArray *steps = committing->plan.content.steps;
  return steps->len > 0 && fleet_part_find_end(steps, 0, committing->transaction_operations,
                                               committing->request_bytes) < steps->len;
}

Committing *committing_start(Cluster *cluster, const AgentConfig *config,
                             const CommittingPlan *plan) {
  g_autoptr(FleetHead) head = fleet_head_decode(plan->content.head, NULL);
  if (head == NULL)
    return NULL;
  Committing *committing = g_new0(Committing, 1);
  committing->cluster = cluster;
  committing->plan = *plan;
  committing->host = g_strdup(config->host);
  committing->plan.content.host = committing->host;
  g_bytes_ref(plan->content.info);
  g_bytes_ref(plan->content.head);
  g_ptr_array_ref(plan->content.steps);
  committing->request_timeout_ms = config->request_timeout_ms;
  committing->commit_timeout_ms = config->commit_timeout_ms;
  committing->transaction_operations = config->transaction_operations;
  committing->request_bytes = config->request_bytes;
  committing->started = g_get_monotonic_time();
  memcpy(committing->id, head->id, FLEET_ID_BYTES);
  committing->is_large = is_large(committing);
  if (plan->is_held_up) {
    const AttemptLimits limits = get_limits(committing);
    committing->settling = settling_start(cluster, &limits, on_settled, committing);
  } else {
    go_on(committing);
  }
  return committing;
}

void committing_abandon(Committing *committing) {
  static const TransportEnd over = {.code = GRPC_UNAVAILABLE, .text = "the connections are closed"};
  committing->is_abandoned = TRUE;
  if (committing->submission != NULL)
    submission_abandon(committing->submission);
  else if (committing->dropping != NULL)
    finish(committing, &committing->end);
  else
    fail(committing, &over);
}

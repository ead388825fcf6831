/* SPDX-License-Identifier: MIT */
/* See submission.h. */
#include "regd/fleet/agent/submission.h"

#include <string.h>

#include "regd/fleet/etcd/attempt.h"

/* Before the next attempt. */
#define PAUSE_MS 100U

struct Submission {
  Cluster *cluster;
  SubmissionPlan plan;
  ProposeState state;
  guint endpoint;
  ClusterCall *call; /* under way, or NULL */
  guint pause;       /* source */
  guint deadline;    /* source */
  gint64 revision;
  guint32 code;
  char *text;
};

static void step(Submission *submission, ProposeEvent event);

static void stop(Submission *submission) {
  g_clear_pointer(&submission->call, cluster_call_cancel);
  g_clear_handle_id(&submission->pause, g_source_remove);
  g_clear_handle_id(&submission->deadline, g_source_remove);
}

static void submission_free(Submission *submission) {
  stop(submission);
  g_bytes_unref(submission->plan.transaction);
  g_bytes_unref(submission->plan.witness);
  g_free(submission->text);
  g_free(submission);
}

static void keep_end(Submission *submission, const TransportEnd *end) {
  g_free(submission->text);
  submission->text = g_strdup_printf(
      "%s: %s", cluster_get_member(submission->cluster, submission->endpoint), end->text);
  submission->code = end->code;
}

/* ---- what an answer means ---- */

static ProposeEvent classify_end(const TransportEnd *end) {
  if (attempt_is_rejection(end))
    return PROPOSE_REJECTED;
  return end->sent ? PROPOSE_NO_ANSWER : PROPOSE_NOT_SENT;
}

static ProposeEvent read_answer(Submission *submission, GBytes *answer) {
  g_autoptr(EtcdTransaction) transaction = etcd_transaction_decode(answer, NULL);
  if (transaction == NULL)
    return PROPOSE_NO_ANSWER;
  submission->revision = transaction->revision;
  return transaction->succeeded ? PROPOSE_DONE : PROPOSE_GUARD_FAILED;
}

static void on_answer(GBytes *answer, const TransportEnd *end, gpointer data) {
  Submission *submission = data;
  submission->call = NULL;
  keep_end(submission, end);
  step(submission, answer != NULL ? read_answer(submission, answer) : classify_end(end));
}

static gboolean is_ours(const Submission *submission, GBytes *record) {
  FleetLast last;
  if (!submission->plan.witness_is_head)
    return fleet_last_decode(record, &last, NULL) &&
           memcmp(last.id, submission->plan.id, FLEET_ID_BYTES) == 0;
  g_autoptr(FleetHead) head = fleet_head_decode(record, NULL);
  return head != NULL && memcmp(head->id, submission->plan.id, FLEET_ID_BYTES) == 0;
}

static ProposeEvent read_witness(Submission *submission, GBytes *answer) {
  g_autoptr(EtcdRange) range = etcd_range_decode(answer, NULL);
  if (range == NULL)
    return PROPOSE_NO_ANSWER;
  if (range->items->len == 0)
    return PROPOSE_WAS_ANOTHERS;
  const EtcdItem *item = range->items->pdata[0];
  submission->revision = item->modified;
  return is_ours(submission, item->record) ? PROPOSE_WAS_OURS : PROPOSE_WAS_ANOTHERS;
}

static void on_witness(GBytes *answer, const TransportEnd *end, gpointer data) {
  Submission *submission = data;
  submission->call = NULL;
  keep_end(submission, end);
  step(submission, answer != NULL ? read_witness(submission, answer) : classify_end(end));
}

/* ---- actions ---- */

static void send_transaction(Submission *submission) {
  const ClusterQuestion question = {.endpoint = submission->endpoint,
                                    .method = "KV/Txn",
                                    .request = submission->plan.transaction,
                                    .timeout_ms = submission->plan.request_timeout_ms};
  submission->call = cluster_call(submission->cluster, &question, on_answer, submission);
}

static void ask_witness(Submission *submission) {
  const EtcdRangeQuery query = {.key = submission->plan.witness};
  g_autoptr(GBytes) request = etcd_range_encode(&query);
  const ClusterQuestion question = {.endpoint = submission->endpoint,
                                    .method = "KV/Range",
                                    .request = request,
                                    .timeout_ms = submission->plan.request_timeout_ms};
  submission->call = cluster_call(submission->cluster, &question, on_witness, submission);
}

static gboolean on_pause_over(gpointer data) {
  Submission *submission = data;
  submission->pause = 0;
  submission->endpoint++;
  if (submission->state == PROPOSE_ASKING)
    ask_witness(submission);
  else
    send_transaction(submission);
  return G_SOURCE_REMOVE;
}

static void answer(Submission *submission, ProposeAction action) {
  const SubmissionEnd end = {.answer = action,
                             .revision = submission->revision,
                             .code = submission->code,
                             .text = submission->text != NULL ? submission->text : "no answer"};
  stop(submission);
  submission->plan.done(&end, submission->plan.data);
  submission_free(submission);
}

static void step(Submission *submission, ProposeEvent event) {
  ProposeAction action = propose_step(&submission->state, event);
  switch (action) {
  case PROPOSE_DO_NOTHING:
    break;
  case PROPOSE_DO_SEND:
    send_transaction(submission);
    break;
  case PROPOSE_DO_ASK:
    ask_witness(submission);
    break;
  case PROPOSE_DO_SEND_NEXT:
  case PROPOSE_DO_ASK_NEXT:
    submission->pause = g_timeout_add(PAUSE_MS, on_pause_over, submission);
    break;
  default:
    answer(submission, action);
  }
}

void submission_abandon(Submission *submission) {
  /* A request that is under way may have been done. */
  if (submission->call != NULL && submission->state == PROPOSE_SENT)
    submission->state = PROPOSE_UNSURE;
  step(submission, PROPOSE_LATE);
}

static gboolean on_deadline(gpointer data) {
  Submission *submission = data;
  submission->deadline = 0;
  submission_abandon(submission);
  return G_SOURCE_REMOVE;
}

Submission *submission_start(Cluster *cluster, const SubmissionPlan *plan) {
  Submission *submission = g_new0(Submission, 1);
  submission->cluster = cluster;
  submission->plan = *plan;
  submission->endpoint = plan->endpoint;
  g_bytes_ref(plan->transaction);
  g_bytes_ref(plan->witness);
  submission->deadline = g_timeout_add(plan->commit_timeout_ms, on_deadline, submission);
  step(submission, PROPOSE_START);
  return submission;
}

/* SPDX-License-Identifier: MIT */
/* See batch.h. */
#include "regd/base/batch.h"

#include <unistd.h>

#include "client/base/protocol.h"

Request *request_new(Identity *who, Change *change, WriteDone done, gpointer data) {
  Request *request = g_new0(Request, 1);
  request->who = identity_ref(who);
  request->payer = who->uid;
  request->change = change;
  request->done = done;
  request->data = data;
  return request;
}

Request *request_new_own(Change *change, WriteDone done, gpointer data) {
  g_autoptr(Identity) daemon =
      identity_new((guint32)getuid(), TRUE, NULL, 0, (guint32)getpid(), "regd");
  return request_new(daemon, change, done, data);
}

Request *request_new_undo(guint64 revision, guint32 uid, WriteDone done, gpointer data) {
  Change *change = change_new();
  change->comment = g_strdup("not confirmed");
  change_add(change, OPERATION_UNDO, "")->revision = revision;
  Request *request = request_new_own(change, done, data);
  request->payer = uid;
  request->is_undo = TRUE;
  return request;
}

void request_free(Request *request) {
  if (request == NULL)
    return;
  identity_unref(request->who);
  change_free(request->change);
  write_result_clear(&request->result);
  g_free(request);
}

void request_deliver(gpointer data) {
  g_autoptr(Request) request = data;
  if (request->result.proposal != NULL)
    request->result.proposal->change = g_steal_pointer(&request->change);
  if (request->done != NULL)
    request->done(&request->result, request->data);
}

void request_fail(Request *request, const GError *failure) {
  write_result_clear(&request->result);
  request->result.error = g_error_copy(failure);
}

Batch *batch_new(void) {
  Batch *batch = g_new0(Batch, 1);
  batch->requests = g_ptr_array_new_with_free_func((GDestroyNotify)request_free);
  return batch;
}

void batch_free(Batch *batch) {
  if (batch == NULL)
    return;
  g_ptr_array_unref(batch->requests);
  g_free(batch);
}

gboolean batch_takes(const Batch *batch, const Request *next, guint64 last_cost) {
  return batch->requests->len == 0 ||
         (batch->operations + next->change->operations->len <= LIMIT_GROUP_OPERATIONS &&
          batch->steps <= LIMIT_GROUP_STEPS && last_cost <= LIMIT_GROUP_STEPS);
}

gboolean batch_is_own(const Change *change) {
  return change->operations->len > LIMIT_GROUP_OPERATIONS;
}

void batch_add(Batch *batch, Request *request) {
  g_ptr_array_add(batch->requests, request);
  batch->operations += request->change->operations->len;
}

void batch_fail(Batch *batch, const GError *failure) {
  for (guint i = 0; i < batch->requests->len; i++)
    request_fail(g_ptr_array_index(batch->requests, i), failure);
}

BatchOutcome batch_get_outcome(const Batch *batch) {
  BatchOutcome outcome = {0};
  for (guint i = 0; i < batch->requests->len; i++) {
    const Request *request = g_ptr_array_index(batch->requests, i);
    outcome.kept |= request->result.kept;
    outcome.purged |= request->result.purged && request->result.error == NULL;
    outcome.trials_changed |= request->result.trials_changed;
    outcome.undone |= request->is_undo;
    outcome.refused += request->result.error != NULL;
  }
  return outcome;
}

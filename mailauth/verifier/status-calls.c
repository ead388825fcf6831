/* SPDX-License-Identifier: MIT */
/* See status-calls.h. */
#include "mailauth/verifier/status-calls.h"

/* How long an answer to a status call waits, in ms. */
#define STATUS_WAIT_MS 1000

struct StatusCalls {
  GPtrArray *waiting; /* of StatusCall */
  gboolean awaits_counts;
};

typedef struct {
  void (*done)(gpointer call);
  gpointer call;
  guint timer;
} StatusCall;

static void status_call_free(gpointer data) {
  StatusCall *call = data;
  g_source_remove(call->timer);
  g_free(call);
}

StatusCalls *status_calls_new(void) {
  StatusCalls *calls = g_new0(StatusCalls, 1);
  calls->waiting = g_ptr_array_new_with_free_func(status_call_free);
  return calls;
}

void status_calls_answer_all(StatusCalls *calls) {
  g_autoptr(GPtrArray) waiting = g_steal_pointer(&calls->waiting);
  calls->waiting = g_ptr_array_new_with_free_func(status_call_free);
  calls->awaits_counts = FALSE;
  for (guint i = 0; i < waiting->len; i++) {
    const StatusCall *call = waiting->pdata[i];
    call->done(call->call);
  }
}

void status_calls_free(StatusCalls *calls) {
  if (calls == NULL)
    return;
  g_ptr_array_unref(calls->waiting);
  g_free(calls);
}

static gboolean on_late(gpointer data) {
  /* All who wait are answered with what is known: their timers go with them. */
  status_calls_answer_all(data);
  return G_SOURCE_CONTINUE;
}

void status_calls_add(StatusCalls *calls, void (*done)(gpointer call), gpointer call) {
  StatusCall *waiting = g_new0(StatusCall, 1);
  *waiting = (StatusCall){done, call, g_timeout_add(STATUS_WAIT_MS, on_late, calls)};
  g_ptr_array_add(calls->waiting, waiting);
}

void status_calls_await_counts(StatusCalls *calls, gboolean await) {
  calls->awaits_counts = await;
}

void status_calls_settle(StatusCalls *calls, gboolean is_looking) {
  if (!calls->awaits_counts && !is_looking)
    status_calls_answer_all(calls);
}

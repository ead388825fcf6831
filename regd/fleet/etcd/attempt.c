/* SPDX-License-Identifier: MIT */
/* See attempt.h. */
#include "regd/fleet/etcd/attempt.h"

#include <string.h>

/* Before the next member is asked. */
#define PAUSE_MS 100U

struct Attempt {
  Cluster *cluster;
  AttemptLimits limits;
  const char *method;
  GBytes *request;
  ClusterDone done;
  gpointer data;
  ClusterCall *call; /* under way, or NULL */
  guint pause;       /* source */
};

/* The first that fits counts. */
static const struct {
  const char *part; /* of the text; NULL: any */
  guint32 code;
  gboolean is_final;
} refusals[] = {
    {NULL, GRPC_PERMISSION_DENIED, TRUE},
    {NULL, GRPC_UNAUTHENTICATED, TRUE},
    /* Somebody changed etcd's users or roles while the request was on its way. */
    {"auth store is old", GRPC_INVALID_ARGUMENT, FALSE},
    {NULL, GRPC_INVALID_ARGUMENT, TRUE},
    {"compacted", GRPC_OUT_OF_RANGE, TRUE},
    {"space exceeded", GRPC_RESOURCE_EXHAUSTED, TRUE},
};

gboolean attempt_is_rejection(const TransportEnd *end) {
  for (guint i = 0; i < G_N_ELEMENTS(refusals); i++)
    if (refusals[i].code == end->code &&
        (refusals[i].part == NULL || strstr(end->text, refusals[i].part) != NULL))
      return refusals[i].is_final;
  return FALSE;
}

static void attempt_free(Attempt *attempt) {
  cluster_call_cancel(attempt->call);
  g_clear_handle_id(&attempt->pause, g_source_remove);
  g_bytes_unref(attempt->request);
  g_free(attempt);
}

void attempt_cancel(Attempt *attempt) {
  if (attempt != NULL)
    attempt_free(attempt);
}

static void ask(Attempt *attempt);

static gboolean on_pause_over(gpointer data) {
  Attempt *attempt = data;
  attempt->pause = 0;
  attempt->limits.endpoint++;
  ask(attempt);
  return G_SOURCE_REMOVE;
}

static void on_answer(GBytes *answer, const TransportEnd *end, gpointer data) {
  Attempt *attempt = data;
  attempt->call = NULL;
  gboolean over = answer != NULL || end->too_large || attempt_is_rejection(end) ||
                  g_get_monotonic_time() >= attempt->limits.deadline;
  if (!over) {
    attempt->pause = g_timeout_add(PAUSE_MS, on_pause_over, attempt);
    return;
  }
  g_autofree char *text = g_strdup_printf(
      "%s: %s", cluster_get_member(attempt->cluster, attempt->limits.endpoint), end->text);
  TransportEnd told = *end;
  told.text = text;
  attempt->done(answer, &told, attempt->data);
  attempt_free(attempt);
}

static void ask(Attempt *attempt) {
  const ClusterQuestion question = {.endpoint = attempt->limits.endpoint,
                                    .method = attempt->method,
                                    .request = attempt->request,
                                    .timeout_ms = attempt->limits.request_timeout_ms};
  attempt->call = cluster_call(attempt->cluster, &question, on_answer, attempt);
}

Attempt *attempt_start(Cluster *cluster, const AttemptLimits *limits, const char *method,
                       GBytes *request, ClusterDone done, gpointer data) {
  Attempt *attempt = g_new0(Attempt, 1);
  attempt->cluster = cluster;
  attempt->limits = *limits;
  attempt->method = method;
  attempt->request = g_bytes_ref(request);
  attempt->done = done;
  attempt->data = data;
  ask(attempt);
  return attempt;
}

/* SPDX-License-Identifier: MIT */
/* See tasks.h. */
#include "regd/fleet/agent/tasks.h"

#include <string.h>

#include "regd/fleet/agent/committing.h"
#include "regd/fleet/agent/snapshot.h"
#include "regd/fleet/report/forget.h"

/* An administrator waits for it; other members are asked meanwhile. */
#define TASK_REQUEST_TIMEOUT_MS 3000U

struct Tasks {
  Link *link;
  LinkTask *task; /* under way, or NULL */
  Cluster *cluster;
  guint endpoint; /* the first that was asked, and how many since */
  guint asked;
  ClusterCall *call;
  Committing *founding;
  Forget *forgetting;
  Snapshot *snapshot;
  GBytes *head;
  gint64 revision;
  gboolean at_regd; /* which has been handed all of it */
  gboolean pauses;  /* nothing is followed meanwhile */
};

Tasks *tasks_new(Link *link) {
  Tasks *tasks = g_new0(Tasks, 1);
  tasks->link = link;
  return tasks;
}

static void forget(Tasks *tasks) {
  g_clear_pointer(&tasks->call, cluster_call_cancel);
  g_clear_pointer(&tasks->forgetting, forget_cancel);
  g_clear_pointer(&tasks->snapshot, snapshot_cancel);
  g_clear_pointer(&tasks->head, g_bytes_unref);
  g_clear_pointer(&tasks->task, link_task_free);
}

static void tell(Tasks *tasks, const char *what, const char *message) {
  const LinkOutcome outcome = {
      .ticket = tasks->task->ticket, .what = what, .message = message, .revision = tasks->revision};
  link_tell_outcome(tasks->link, &outcome);
  forget(tasks);
  if (tasks->pauses) /* the follower goes on from what regd holds now */
    link_attach(tasks->link);
  tasks->pauses = FALSE;
}

static gboolean is_denied(const TransportEnd *end) {
  return end->code == GRPC_PERMISSION_DENIED || end->code == GRPC_UNAUTHENTICATED;
}

/* ---- how a transaction ended ---- */

/* gRPC's codes of what etcd rejects. */
static const struct {
  guint32 code;
  const char *part; /* of the text; NULL: any */
  const char *what;
  const char *message; /* before what the cluster said */
} rejections[] = {
    {GRPC_PERMISSION_DENIED, NULL, "access-denied", "this host may only read the fleet"},
    {GRPC_UNAUTHENTICATED, NULL, "access-denied", "etcd does not know this host's user"},
    {GRPC_RESOURCE_EXHAUSTED, NULL, "full",
     "the fleet's store is full: compact and defragment it, then etcdctl alarm disarm"},
    {GRPC_INVALID_ARGUMENT, "too large", "too-large", "the commit is larger than etcd takes"},
    {GRPC_INVALID_ARGUMENT, "too many", "too-large", "the commit has more parts than etcd takes"},
};

static void tell_rejection(Link *link, guint32 ticket, const SubmissionEnd *end) {
  const char *what = "failed", *reason = "etcd does not take the commit";
  for (guint i = 0; i < G_N_ELEMENTS(rejections); i++)
    if (rejections[i].code == end->code &&
        (rejections[i].part == NULL || strstr(end->text, rejections[i].part) != NULL)) {
      what = rejections[i].what;
      reason = rejections[i].message;
      break;
    }
  g_autofree char *message = g_strdup_printf("%s (%s)", reason, end->text);
  const LinkOutcome outcome = {.ticket = ticket, .what = what, .message = message};
  link_tell_outcome(link, &outcome);
}

static const char *const answers[] = {
    [PROPOSE_TELL_DONE] = "done",
    [PROPOSE_TELL_BEHIND] = "behind",
    [PROPOSE_TELL_UNAVAILABLE] = "unavailable",
    [PROPOSE_TELL_UNCERTAIN] = "uncertain",
};

void tasks_tell_end(Link *link, guint32 ticket, const SubmissionEnd *end) {
  if (end->answer == PROPOSE_TELL_REJECTED) {
    tell_rejection(link, ticket, end);
    return;
  }
  const LinkOutcome outcome = {.ticket = ticket,
                               .what = answers[end->answer],
                               .message = end->answer == PROPOSE_TELL_DONE ? "" : end->text,
                               .revision = end->revision};
  link_tell_outcome(link, &outcome);
}

/* ---- init ---- */

static void on_founded(const SubmissionEnd *end, gpointer data) {
  Tasks *tasks = data;
  tasks->founding = NULL;
  if (end->answer == PROPOSE_TELL_BEHIND) {
    tell(tasks, "conflict", "there is such a fleet already: regctl fleet join");
    return;
  }
  tasks_tell_end(tasks->link, tasks->task->ticket, end);
  forget(tasks);
}

static void found(Tasks *tasks, const AgentConfig *config) {
  const CommittingPlan plan = {.content = {.founds = TRUE,
                                           .info = tasks->task->info,
                                           .head = tasks->task->head,
                                           .steps = tasks->task->steps},
                               .endpoint = tasks->endpoint,
                               .done = on_founded,
                               .data = tasks};
  tasks->founding = committing_start(tasks->cluster, config, &plan);
  if (tasks->founding == NULL)
    tell(tasks, "failed", "the first head can't be read");
}

/* ---- forget ---- */

static char *describe_forgotten(const char *host, ForgetEnd end, const TransportEnd *why) {
  switch (end) {
  case FORGET_DONE:
    return g_strdup_printf("forgot the host '%s'", host);
  case FORGET_UNKNOWN:
    return g_strdup_printf("no host '%s' has told the fleet of itself: `regctl fleet hosts` lists "
                           "those that have",
                           host);
  case FORGET_LIVES:
    return g_strdup_printf("the host '%s' has given a sign of life, which counts for four times "
                           "its Stale After: wait until `regctl fleet hosts` calls it gone, or use "
                           "--force",
                           host);
  case FORGET_FAILED:
    break;
  }
  return g_strdup(why->text);
}

static void on_forgotten(ForgetEnd end, const TransportEnd *why, gpointer data) {
  static const char *const whats[] = {
      [FORGET_DONE] = "done", [FORGET_UNKNOWN] = "not-found", [FORGET_LIVES] = "conflict"};
  Tasks *tasks = data;
  tasks->forgetting = NULL;
  g_autofree char *text = describe_forgotten(tasks->task->host, end, why);
  if (end != FORGET_FAILED)
    tell(tasks, whats[end], text);
  else
    tell(tasks, is_denied(why) ? "access-denied" : "unavailable", text);
}

static void begin_forgetting(Tasks *tasks) {
  const ForgetPlan plan = {
      .host = tasks->task->host, .force = tasks->task->force, .endpoint = tasks->endpoint};
  tasks->forgetting = forget_start(tasks->cluster, &plan, on_forgotten, tasks);
}

/* ---- join and resync: what stands there? ---- */

static void on_resynced(const GError *error, const char *refused, const char *text, gpointer data) {
  Tasks *tasks = data;
  tasks->at_regd = FALSE;
  if (tasks->task == NULL)
    return;
  if (error != NULL)
    tell(tasks, "failed", error->message);
  else if (refused != NULL)
    tell(tasks, "failed", refused);
  else
    tell(tasks, "done", text);
}

static void on_snapshot(int records, G_GNUC_UNUSED gboolean compacted, const TransportEnd *end,
                        gpointer data) {
  Tasks *tasks = data;
  tasks->snapshot = NULL;
  if (records < 0) {
    tell(tasks, "unavailable", end->text);
    return;
  }
  const LinkSnapshot snapshot = {.revision = tasks->revision,
                                 .head = tasks->head,
                                 .records = records,
                                 .dry_run = tasks->task->dry_run,
                                 .force = tasks->task->force};
  tasks->at_regd = TRUE;
  link_resync(tasks->link, &snapshot, on_resynced, tasks);
}

static void join(Tasks *tasks, GBytes *info) {
  const LinkOutcome outcome = {.ticket = tasks->task->ticket,
                               .what = "done",
                               .message = "",
                               .revision = tasks->revision,
                               .info = info};
  link_tell_outcome(tasks->link, &outcome);
  forget(tasks);
}

static void take_place(Tasks *tasks, const EtcdTransaction *answer) {
  const EtcdItem *info = etcd_transaction_get_item(answer, 0),
                 *head = etcd_transaction_get_item(answer, 1);
  tasks->revision = answer->revision;
  g_autoptr(GError) error = NULL;
  g_autoptr(FleetInfo) fleet = info != NULL ? fleet_info_decode(info->record, &error) : NULL;
  if (info == NULL)
    tell(tasks, "not-found", "there is no such fleet at these endpoints: regctl fleet init");
  else if (fleet == NULL)
    tell(tasks, "failed", error->message);
  else if (head == NULL)
    tell(tasks, "failed", "the fleet is empty: its head is gone");
  else if (tasks->task->kind == LINK_TASK_JOIN)
    join(tasks, info->record);
  else {
    tasks->head = g_bytes_ref(head->record);
    tasks->snapshot =
        snapshot_start(tasks->cluster, tasks->endpoint, tasks->revision, on_snapshot, tasks);
  }
}

static void ask(Tasks *tasks);

/* The next member is asked until all have been. */
static void on_place(GBytes *answer, const TransportEnd *end, gpointer data) {
  Tasks *tasks = data;
  tasks->call = NULL;
  if (answer == NULL) {
    tasks->endpoint++;
    if (++tasks->asked < cluster_count_endpoints(tasks->cluster)) {
      ask(tasks);
      return;
    }
    g_autofree char *text = g_strdup_printf(
        "%s: %s", cluster_get_member(tasks->cluster, tasks->endpoint - 1), end->text);
    tell(tasks, is_denied(end) ? "access-denied" : "unavailable", text);
    return;
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(EtcdTransaction) place = etcd_transaction_decode(answer, &error);
  if (place != NULL && place->ranges->len == 3)
    take_place(tasks, place);
  else
    tell(tasks, "failed", place != NULL ? "half an answer" : error->message);
}

static void ask(Tasks *tasks) {
  tasks->call =
      cluster_read_place(tasks->cluster, tasks->endpoint, TASK_REQUEST_TIMEOUT_MS, on_place, tasks);
}

/* ---- beginning and ending ---- */

void tasks_begin(Tasks *tasks, LinkTask *task, Cluster *cluster, const AgentConfig *config) {
  const char *why = cluster == NULL ? "the fleet is off, or no endpoint is set"
                    : tasks->task != NULL || tasks->at_regd ? "another task is under way"
                                                            : NULL;
  if (why != NULL) {
    const LinkOutcome outcome = {.ticket = task->ticket, .what = "failed", .message = why};
    link_tell_outcome(tasks->link, &outcome);
    link_task_free(task);
    return;
  }
  tasks->task = task;
  tasks->pauses = task->kind == LINK_TASK_RESYNC && !task->dry_run;
  tasks->cluster = cluster;
  tasks->asked = 0;
  tasks->revision = 0;
  if (task->kind == LINK_TASK_INIT)
    found(tasks, config);
  else if (task->kind == LINK_TASK_FORGET)
    begin_forgetting(tasks);
  else
    ask(tasks);
}

gboolean tasks_are_pausing(const Tasks *tasks) {
  return tasks->pauses;
}

void tasks_abandon(Tasks *tasks, gboolean regd_is_gone) {
  tasks->pauses = FALSE;
  if (regd_is_gone)
    tasks->at_regd = FALSE;
  if (tasks->founding != NULL)
    committing_abandon(tasks->founding);
  else if (tasks->task != NULL)
    tell(tasks, "failed", "the fleet's settings have changed meanwhile");
}

void tasks_free(Tasks *tasks) {
  forget(tasks);
  g_free(tasks);
}

/* SPDX-License-Identifier: MIT */
/* What administrators ask for: making a fleet, joining and leaving one, a re-sync, forgetting a
 * host. One at a time. */
#include <string.h>
#include <sys/random.h>

#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"
#include "regd/fleet/local/mounts.h"

/* How long the first re-sync may take until the caller is told that it goes on, in ms. */
#define FIRST_SYNC_MS 20000U

struct RunningTask {
  FleetDesk *desk;
  FleetTask task;
  FleetTaskDone done;
  gpointer data;
  guint32 ticket;       /* that the agent has; 0: none */
  Proposal *proposal;   /* init: what the fleet begins with */
  FleetState *state;    /* that this host is to have */
  gboolean is_settling; /* it is done, and waits until the host is up to date */
  gboolean is_writing;  /* the writer has an order of it */
  gboolean is_over;     /* its caller has been answered */
  guint timer;
};

static void task_free(RunningTask *task) {
  if (task->timer != 0)
    g_source_remove(task->timer);
  proposal_unref(task->proposal);
  fleet_state_free(task->state);
  g_free(task);
}

/* @error is freed. */
static void finish(RunningTask *task, const char *text, GError *error) {
  if (!task->is_over)
    task->done(text, error, task->data);
  task->is_over = TRUE;
  g_clear_error(&error);
  task->desk->task = NULL;
  if (!task->is_writing)
    task_free(task);
}

static void fail(RunningTask *task, RegistryError code, const char *text) {
  GError *error = NULL;
  error_set(&error, code, "%s", text);
  finish(task, NULL, error);
}

/* @done is called only while the task goes on. */
static gboolean ends_here(RunningTask *task, const WriteResult *result) {
  task->is_writing = FALSE;
  if (task->is_over)
    task_free(task);
  else if (result->error != NULL)
    finish(task, NULL, g_error_copy(result->error));
  else
    return FALSE;
  return TRUE;
}

static void order(RunningTask *task, FleetOrderKind kind, FleetDone done) {
  g_autoptr(FleetOrder) made = fleet_order_new(kind);
  made->who = kind == FLEET_ORDER_PLAN ? identity_ref(task->task.who) : NULL;
  made->state = fleet_state_copy(task->state);
  made->agreed = task->task.agreed;
  made->is_init = task->task.kind == FLEET_TASK_INIT;
  task->is_writing = TRUE;
  fleet_desk_carry_out(task->desk, made, done, task);
}

/* ---- the end: this host is a member ---- */

static void tell_joined(RunningTask *task) {
  g_autofree char *text =
      g_strdup_printf("%s the fleet '%s'", task->task.kind == FLEET_TASK_INIT ? "made" : "joined",
                      task->desk->settings->fleet);
  finish(task, text, NULL);
}

static gboolean on_slow(gpointer data) {
  RunningTask *task = data;
  task->timer = 0;
  tell_joined(task);
  return G_SOURCE_REMOVE;
}

static void on_joined(G_GNUC_UNUSED const FleetOrder *carried, const WriteResult *result,
                      gpointer data) {
  RunningTask *task = data;
  FleetDesk *desk = task->desk;
  if (ends_here(task, result))
    return;
  task->is_settling = TRUE;
  task->timer = g_timeout_add(FIRST_SYNC_MS, on_slow, task);
  desk->line.configure(desk->data);
  fleet_desk_tell_state(desk, g_strdup("unjoined"));
}

void fleet_tasks_note_state(FleetDesk *desk) {
  RunningTask *task = desk->task;
  const char *reason = NULL;
  const char *state = fleet_desk_get_state(desk, &reason);
  if (task == NULL)
    return;
  if (g_str_equal(state, "off") && task->task.kind != FLEET_TASK_LEAVE)
    fail(task, REGISTRY_ERROR_FLEET_UNAVAILABLE, reason);
  else if (task->is_settling && g_str_equal(state, "live"))
    tell_joined(task);
  else if (task->is_settling && g_str_equal(state, "blocked"))
    fail(task, REGISTRY_ERROR_FAILED, reason);
}

void fleet_tasks_give_up(FleetDesk *desk, const char *why) {
  if (desk->task != NULL)
    fail(desk->task, REGISTRY_ERROR_FLEET_UNAVAILABLE, why);
}

/* ---- init ---- */

static GBytes *encode_info(const RunningTask *task) {
  FleetInfo info = {
      .created = g_get_real_time(), .mounts = task->state->mounts, .format = FLEET_FORMAT};
  memcpy(info.uuid, g_bytes_get_data(task->state->uuid, NULL), sizeof info.uuid);
  return fleet_info_encode(&info);
}

static GBytes *encode_head(const RunningTask *task) {
  FleetDesk *desk = task->desk;
  FleetHead head = {.number = 1,
                    .host = desk->settings->host_name,
                    .user = task->proposal->user,
                    .program = task->proposal->who->program,
                    .comment = (char *)(guintptr) "fleet init",
                    .time = g_get_real_time(),
                    .operations = task->proposal->operations->len};
  if (getrandom(head.id, sizeof head.id, 0) != (ssize_t)sizeof head.id)
    return NULL;
  return fleet_head_encode(&head);
}

static void ask(RunningTask *task, GBytes *info, GBytes *head, const GPtrArray *operations) {
  FleetDesk *desk = task->desk;
  task->ticket = ++desk->ticket;
  desk->line.task(task->ticket, &task->task, info, head, operations, desk->data);
}

static void init(RunningTask *task) {
  if (task->proposal->operations->len > FLEET_LIMIT_OPERATIONS ||
      proposal_get_size(task->proposal) > FLEET_LIMIT_COMMIT_BYTES) {
    fail(task, REGISTRY_ERROR_LIMIT_EXCEEDED,
         "there is more below the mounts than one commit of a fleet takes: begin with less of it, "
         "and import the rest");
    return;
  }
  g_autoptr(GBytes) info = encode_info(task);
  g_autoptr(GBytes) head = encode_head(task);
  if (info == NULL || head == NULL)
    fail(task, REGISTRY_ERROR_FAILED, "the fleet's first records can't be made");
  else
    ask(task, info, head, task->proposal->operations);
}

/* ---- join ---- */

static GBytes *read_info(const RunningTask *task, GBytes *bytes, GError **error) {
  g_autoptr(FleetInfo) info = bytes != NULL ? fleet_info_decode(bytes, error) : NULL;
  if (bytes == NULL)
    error_set(error, REGISTRY_ERROR_FAILED, "the agent has not told what the fleet is");
  if (info == NULL)
    return NULL;
  if (!fleet_mounts_equal((const char *const *)info->mounts,
                          (const char *const *)task->state->mounts)) {
    g_autofree char *theirs = g_strjoinv(", ", info->mounts);
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "the fleet's mounts are %s: set Mount to the same", theirs);
    return NULL;
  }
  return g_bytes_new(info->uuid, sizeof info->uuid);
}

/* ---- the steps ---- */

static void on_planned(const FleetOrder *carried, const WriteResult *result, gpointer data) {
  RunningTask *task = data;
  if (ends_here(task, result))
    return;
  if (task->task.kind != FLEET_TASK_INIT) {
    ask(task, NULL, NULL, NULL);
    return;
  }
  task->proposal = proposal_ref(carried->proposal);
  init(task);
}

static void on_left(G_GNUC_UNUSED const FleetOrder *carried, const WriteResult *result,
                    gpointer data) {
  RunningTask *task = data;
  FleetDesk *desk = task->desk;
  if (ends_here(task, result))
    return;
  char *before = g_strdup(desk->status.state != NULL ? desk->status.state : "off");
  finish(task, "left the fleet", NULL);
  if (desk->attached)
    desk->line.configure(desk->data);
  fleet_desk_tell_state(desk, before);
}

static void on_answered(RunningTask *task, const FleetOutcome *outcome) {
  g_autoptr(GError) error = NULL;
  if (!g_str_equal(outcome->what, "done")) {
    finish(task, NULL,
           fleet_desk_new_error(outcome->what, task->desk->settings->fleet, outcome->message));
    return;
  }
  if (task->task.kind == FLEET_TASK_RESYNC || task->task.kind == FLEET_TASK_FORGET) {
    finish(task, outcome->message, NULL);
    return;
  }
  if (task->task.kind == FLEET_TASK_JOIN) {
    GBytes *uuid = read_info(task, outcome->info, &error);
    if (uuid == NULL) {
      finish(task, NULL, g_steal_pointer(&error));
      return;
    }
    g_bytes_unref(task->state->uuid);
    task->state->uuid = uuid;
  }
  order(task, FLEET_ORDER_JOIN, on_joined);
}

gboolean fleet_tasks_note_outcome(FleetDesk *desk, const FleetOutcome *outcome) {
  RunningTask *task = desk->task;
  if (task == NULL || task->ticket == 0 || task->ticket != outcome->ticket)
    return FALSE;
  task->ticket = 0;
  on_answered(task, outcome);
  return TRUE;
}

/* ---- the beginning ---- */

static FleetState *new_state(const FleetDesk *desk) {
  guint8 uuid[FLEET_ID_BYTES] = {0};
  if (getrandom(uuid, sizeof uuid, 0) != (ssize_t)sizeof uuid)
    return NULL;
  FleetState *state = g_new0(FleetState, 1);
  state->fleet = g_strdup(desk->settings->fleet);
  state->uuid = g_bytes_new(uuid, sizeof uuid);
  state->mounts = g_strdupv(desk->settings->mounts);
  return state;
}

static gboolean check_forgetting(const FleetDesk *desk, const char *host, GError **error) {
  if (desk->joined == NULL)
    return error_set(error, REGISTRY_ERROR_CONFLICT, "this host is in no fleet");
  return (*host != '\0' && strlen(host) <= FLEET_LIMIT_WORD_BYTES) ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "\"host\": must have 1 to %u bytes",
                   FLEET_LIMIT_WORD_BYTES);
}

static GError *check(const FleetDesk *desk, const FleetTask *task) {
  const char *reason = NULL;
  GError *error = NULL;
  gboolean off = g_str_equal(fleet_desk_get_state(desk, &reason), "off");
  if (desk->task != NULL)
    error_set(&error, REGISTRY_ERROR_CONFLICT, "another `regctl fleet` is under way");
  else if (off && task->kind != FLEET_TASK_LEAVE)
    error_set(&error, REGISTRY_ERROR_FLEET_UNAVAILABLE, "the fleet is off: %s", reason);
  else if (desk->stopping)
    error_set(&error, REGISTRY_ERROR_UNREACHABLE, "regd is being stopped");
  else if (task->kind == FLEET_TASK_FORGET)
    (void)check_forgetting(desk, task->host, &error);
  return error;
}

void fleet_desk_begin_task(FleetDesk *desk, const FleetTask *task, FleetTaskDone done,
                           gpointer data) {
  g_autoptr(GError) error = check(desk, task);
  if (error != NULL) {
    done(NULL, error, data);
    return;
  }
  RunningTask *running = g_new0(RunningTask, 1);
  running->desk = desk;
  running->task = *task;
  running->done = done;
  running->data = data;
  running->state = new_state(desk);
  desk->task = running;
  g_clear_pointer(&desk->differences, g_ptr_array_unref);
  if (running->state == NULL)
    fail(running, REGISTRY_ERROR_FAILED, "the system gives no random numbers");
  else if (task->kind == FLEET_TASK_LEAVE)
    order(running, FLEET_ORDER_LEAVE, on_left);
  else if (task->kind == FLEET_TASK_RESYNC || task->kind == FLEET_TASK_FORGET)
    ask(running, NULL, NULL, NULL);
  else
    order(running, FLEET_ORDER_PLAN, on_planned);
}

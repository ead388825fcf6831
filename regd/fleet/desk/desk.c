/* SPDX-License-Identifier: MIT */
/* See desk.h: settings, what this host has of the fleet, and the agent. */
#include "regd/fleet/desk/desk.h"

#include <unistd.h>

#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"

static void status_clear(FleetStatus *status) {
  g_free(status->state);
  g_free(status->reason);
  g_free(status->member);
  g_free(status->warning);
  *status = (FleetStatus){0};
}

/* ---- how it is ---- */

const FleetSettings *fleet_desk_get_settings(const FleetDesk *desk) {
  return desk->settings;
}

const FleetState *fleet_desk_get_joined(const FleetDesk *desk) {
  return desk->joined;
}

const FleetStatus *fleet_desk_get_status(const FleetDesk *desk) {
  return &desk->status;
}

/* Why nothing is asked of the agent; NULL: it is. */
static const char *get_obstacle(const FleetDesk *desk) {
  if (!desk->settings->enabled)
    return "the setting Enabled is not 1";
  if (desk->settings->problem != NULL)
    return desk->settings->problem;
  return desk->attached ? NULL : "regd-fleet does not run";
}

const char *fleet_desk_get_state(const FleetDesk *desk, const char **reason) {
  *reason = get_obstacle(desk);
  if (*reason != NULL)
    return "off";
  *reason = "this host has neither made a fleet nor joined one: `regctl fleet init` or `regctl "
            "fleet join`";
  if (desk->joined == NULL)
    return "unjoined";
  *reason = desk->status.reason != NULL ? desk->status.reason : "the connection is being made";
  return desk->status.state != NULL ? desk->status.state : "connecting";
}

const GPtrArray *fleet_desk_get_differences(const FleetDesk *desk) {
  return desk->differences;
}

gint64 fleet_desk_get_since(const FleetDesk *desk) {
  return desk->since;
}

static char *dup_state(const FleetDesk *desk) {
  const char *reason = NULL;
  return g_strdup(fleet_desk_get_state(desk, &reason));
}

void fleet_desk_tell_state(FleetDesk *desk, char *before) {
  g_autofree char *owned = before;
  g_autofree char *now = dup_state(desk);
  if (!g_str_equal(before, now)) {
    desk->since = g_get_real_time();
    desk->line.state_changed(before, desk->data);
  }
  if (!g_str_equal(now, "live"))
    fleet_proposals_give_up(desk);
  fleet_tasks_note_state(desk);
  fleet_hosts_note_state(desk->hosts);
}

void fleet_desk_set_joined(FleetDesk *desk, const FleetState *joined) {
  g_autoptr(FleetState) old = desk->joined;
  desk->joined = fleet_state_copy(joined);
}

static const struct {
  const char *what;
  RegistryError code;
} outcomes[] = {
    {"unavailable", REGISTRY_ERROR_FLEET_UNAVAILABLE},
    {"uncertain", REGISTRY_ERROR_FLEET_UNCERTAIN},
    {"access-denied", REGISTRY_ERROR_ACCESS_DENIED},
    {"full", REGISTRY_ERROR_STORAGE_FULL},
    {"too-large", REGISTRY_ERROR_LIMIT_EXCEEDED},
    {"conflict", REGISTRY_ERROR_CONFLICT},
    {"not-found", REGISTRY_ERROR_KEY_NOT_FOUND},
};

GError *fleet_desk_new_error(const char *what, const char *prefix, const char *message) {
  GError *error = NULL;
  RegistryError code = REGISTRY_ERROR_FAILED;
  for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
    if (g_str_equal(outcomes[i].what, what))
      code = outcomes[i].code;
  error_set(&error, code, "%s: %s", prefix, message);
  return error;
}

/* ---- orders ---- */

typedef struct {
  FleetDesk *desk;
  FleetOrder *order;
  FleetDone done;
  gpointer data;
} CarryingOut;

static void on_carried_out(const WriteResult *result, gpointer data) {
  g_autofree CarryingOut *carrying = data;
  g_autoptr(FleetOrder) order = carrying->order;
  FleetDesk *desk = carrying->desk;
  gboolean commits =
      !order->dry_run && (order->kind == FLEET_ORDER_APPLY || order->kind == FLEET_ORDER_RESYNC);
  if (result->error == NULL && !order->dry_run) {
    fleet_desk_set_joined(desk, order->after);
    fleet_trials_note(desk, &order->next_trial);
  }
  if (order->differences != NULL) {
    g_clear_pointer(&desk->differences, g_ptr_array_unref);
    desk->differences = g_ptr_array_ref(order->differences);
  }
  carrying->done(order, result, carrying->data);
  if (commits && result->error == NULL && order->refused == NULL)
    fleet_proposals_note_commit(desk, order->head, result);
}

void fleet_desk_carry_out(FleetDesk *desk, FleetOrder *order, FleetDone done, gpointer data) {
  CarryingOut *carrying = g_new0(CarryingOut, 1);
  carrying->desk = desk;
  carrying->order = fleet_order_ref(order);
  carrying->done = done;
  carrying->data = data;
  const Caller caller = {order->who != NULL ? order->who : desk->who, NULL};
  fleet_trials_fill(desk, order);
  if (!desk->stopping &&
      order->dry_run) { /* not the service's kind of dry run, which knows no fleet */
    writer_submit(desk->writer, desk->who, fleet_order_get_change(order), on_carried_out, carrying);
    return;
  }
  if (!desk->stopping) {
    service_write(desk->service, &caller, fleet_order_get_change(order), on_carried_out, carrying);
    return;
  }
  WriteResult refused = {0};
  error_set(&refused.error, REGISTRY_ERROR_UNREACHABLE, "regd is being stopped");
  on_carried_out(&refused, carrying);
  write_result_clear(&refused);
}

/* ---- the agent ---- */

void fleet_desk_attach(FleetDesk *desk) {
  char *before = dup_state(desk);
  status_clear(&desk->status);
  desk->attached = TRUE;
  fleet_desk_tell_state(desk, before);
  if (desk->joined != NULL)
    fleet_trials_look(desk);
}

void fleet_desk_detach(FleetDesk *desk) {
  char *before = dup_state(desk);
  status_clear(&desk->status);
  desk->attached = FALSE;
  fleet_desk_tell_state(desk, before);
}

void fleet_desk_note_status(FleetDesk *desk, FleetStatus *status) {
  char *before = dup_state(desk);
  status_clear(&desk->status);
  desk->status = *status;
  *status = (FleetStatus){0};
  fleet_desk_tell_state(desk, before);
}

void fleet_desk_note_outcome(FleetDesk *desk, const FleetOutcome *outcome) {
  if (!fleet_proposals_note_outcome(desk, outcome))
    (void)fleet_tasks_note_outcome(desk, outcome);
}

/* ---- settings ---- */

static void on_changed(const Effective *effective, gpointer data) {
  FleetDesk *desk = data;
  if (!fleet_settings_may_have_changed(effective))
    return;
  /* Any user may write to a key of that name. */
  g_autoptr(FleetSettings) loaded = fleet_settings_load(service_get_reader(desk->service));
  if (fleet_settings_equal(loaded, desk->settings))
    return;
  char *before = dup_state(desk);
  g_autoptr(FleetSettings) old = desk->settings;
  desk->settings = g_steal_pointer(&loaded);
  if (desk->attached)
    desk->line.configure(desk->data);
  fleet_desk_tell_state(desk, before);
}

/* ---- life ---- */

/* Before anything is served. If it can't be read, the first write says so. */
static FleetState *load_joined(const char *database) {
  FleetState *joined = NULL;
  g_autoptr(Store) store = store_open(database, DB_READ, NULL);
  if (store == NULL || !store_begin_read(store, NULL))
    return NULL;
  (void)fleet_state_load(store, &joined, NULL);
  store_end(store);
  return joined;
}

FleetDesk *fleet_desk_new(const FleetParts *parts, const FleetLine *line, gpointer data) {
  FleetDesk *desk = g_new0(FleetDesk, 1);
  desk->service = parts->service;
  desk->writer = parts->writer;
  desk->line = *line;
  desk->data = data;
  desk->who = identity_new((guint32)getuid(), TRUE, NULL, 0, (guint32)getpid(), "regd");
  desk->settings = fleet_settings_load(service_get_reader(parts->service));
  desk->joined = load_joined(parts->database);
  desk->member = fleet_member_new();
  desk->hosts = fleet_hosts_new(desk);
  desk->since = g_get_real_time();
  g_queue_init(&desk->waiting);
  writer_set_fleet(parts->writer, fleet_member_get_hook(desk->member));
  service_set_fleet(parts->service, &(ServiceFleet){fleet_proposals_take, on_changed, desk});
  return desk;
}

void fleet_desk_stop(FleetDesk *desk) {
  desk->stopping = TRUE;
  fleet_trials_stop(desk);
  fleet_proposals_give_up(desk);
  fleet_tasks_give_up(desk, "regd is being stopped");
  fleet_hosts_stop(desk->hosts);
}

void fleet_desk_free(FleetDesk *desk) {
  if (desk == NULL)
    return;
  service_set_fleet(desk->service, &(ServiceFleet){NULL, NULL, NULL});
  fleet_member_free(desk->member);
  fleet_hosts_free(desk->hosts);
  g_clear_pointer(&desk->differences, g_ptr_array_unref);
  fleet_settings_free(desk->settings);
  fleet_state_free(desk->joined);
  status_clear(&desk->status);
  identity_unref(desk->who);
  g_free(desk);
}

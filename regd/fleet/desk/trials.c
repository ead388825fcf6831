/* SPDX-License-Identifier: MIT */
/* Commits of the fleet that are on trial: when the time of one is over, this host proposes to undo
 * it, as every host does. The first wins, and the others find it ended. */
#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"

/* While the fleet can't be reached, in ms. */
#define RETRY_MS 2000
/* After an attempt that failed, us. Meanwhile others have their turn. */
#define AGAIN_US (5 * G_USEC_PER_SEC)
/* How much later than the host that made it the others undo it: so long at least, and besides so
 * long at random, us. */
#define GRACE_US (2 * G_USEC_PER_SEC)
#define SPREAD_US (3 * G_USEC_PER_SEC)

static void plan(FleetDesk *desk, gint64 wait_us);

static void on_looked(G_GNUC_UNUSED const FleetOrder *order,
                      G_GNUC_UNUSED const WriteResult *result, G_GNUC_UNUSED gpointer data) {
  /* What it found has been noted. */
}

void fleet_trials_look(FleetDesk *desk) {
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_TRIALS);
  fleet_desk_carry_out(desk, order, on_looked, NULL);
}

static void on_undone(const WriteResult *result, gpointer data) {
  FleetDesk *desk = data;
  desk->is_undoing = FALSE;
  if (desk->stopping)
    return;
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_TRIALS);
  if (result->error != NULL)
    order->postponed = (Trial){.revision = desk->undone, .deadline = g_get_real_time() + AGAIN_US};
  fleet_desk_carry_out(desk, order, on_looked, NULL);
}

static gboolean may_undo(const FleetDesk *desk) {
  const char *reason = NULL;
  return !desk->settings->read_only && !desk->is_undoing &&
         g_str_equal(fleet_desk_get_state(desk, &reason), "live");
}

static gboolean on_due(gpointer data) {
  FleetDesk *desk = data;
  desk->trial_timer = 0;
  if (!may_undo(desk)) {
    plan(desk, RETRY_MS * 1000);
    return G_SOURCE_REMOVE;
  }
  const Caller caller = {desk->who, NULL};
  Change *change = change_new();
  change->comment = g_strdup("not confirmed");
  change_add(change, OPERATION_UNDO, "")->revision = desk->next_trial.revision;
  desk->is_undoing = TRUE;
  desk->undone = desk->next_trial.revision;
  service_write(desk->service, &caller, change, on_undone, desk);
  return G_SOURCE_REMOVE;
}

static void plan(FleetDesk *desk, gint64 wait_us) {
  guint wait_ms = (guint)CLAMP(wait_us / 1000 + 1, 1, G_MAXINT32);
  g_clear_handle_id(&desk->trial_timer, g_source_remove);
  desk->trial_timer = g_timeout_add(wait_ms, on_due, desk);
}

void fleet_trials_note(FleetDesk *desk, const Trial *next) {
  desk->next_trial = *next;
  g_clear_handle_id(&desk->trial_timer, g_source_remove);
  if (next->revision != 0 && !desk->is_undoing && !desk->stopping)
    plan(desk, next->deadline - g_get_real_time());
}

void fleet_trials_fill(const FleetDesk *desk, FleetOrder *order) {
  if (order->head == NULL || order->head->trial == 0)
    return;
  order->is_own = g_strcmp0(order->head->host, desk->settings->host_name) == 0;
  order->grace = order->is_own ? 0 : GRACE_US + g_random_int_range(0, SPREAD_US);
}

void fleet_trials_stop(FleetDesk *desk) {
  g_clear_handle_id(&desk->trial_timer, g_source_remove);
}

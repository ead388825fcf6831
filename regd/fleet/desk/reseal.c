/* SPDX-License-Identifier: MIT */
/* Secret values are sealed anew, after the first key of the Key File has changed. */
#include "client/base/error.h"
#include "regd/fleet/desk/desk-private.h"

typedef struct {
  FleetOrder *order;
  FleetTaskDone done;
  gpointer data;
} Resealing;

static void on_resealed(const WriteResult *result, gpointer data) {
  g_autofree Resealing *resealing = data;
  g_autoptr(FleetOrder) order = resealing->order;
  g_autofree char *text = g_strdup_printf("sealed %u values anew", order->n_resealed);
  resealing->done(text, result->error, resealing->data);
}

void fleet_desk_reseal(FleetDesk *desk, Identity *who, FleetTaskDone done, gpointer data) {
  if (desk->stopping) {
    g_autoptr(GError) error = NULL;
    error_set(&error, REGISTRY_ERROR_UNREACHABLE, "regd is being stopped");
    done(NULL, error, data);
    return;
  }
  const Caller caller = {who, NULL};
  Resealing *resealing = g_new0(Resealing, 1);
  resealing->order = fleet_order_new(FLEET_ORDER_RESEAL);
  resealing->done = done;
  resealing->data = data;
  Change *change = fleet_order_get_change(resealing->order);
  change->comment = g_strdup("fleet reseal");
  service_write(desk->service, &caller, change, on_resealed, resealing);
}

/* SPDX-License-Identifier: MIT */
/* org.regd.Fleet1: whether this host holds what the cluster holds, and the problems that an
 * administrator acknowledges. */
#include "client/base/error.h"
#include "regd/fleet/faces/faces-private.h"

/* What Verify is answered from. */
typedef struct {
  const FleetDesk *desk;
  DispatchCall *call;
} Verifying;

static gboolean append_difference(DBusMessageIter *out, gconstpointer item) {
  const FleetDifference *difference = item;
  const char *strings[] = {change_kind_get_name(difference->kind), difference->key,
                           difference->name};
  return face_append_strings(out, strings, G_N_ELEMENTS(strings));
}

static void on_verified(G_GNUC_UNUSED const char *text, const GError *error, gpointer data) {
  g_autofree Verifying *verifying = data;
  DBusMessageIter out;
  const GPtrArray *differences = fleet_desk_get_differences(verifying->desk);
  if (error != NULL) {
    dispatch_call_fail(verifying->call, error);
    return;
  }
  if (differences == NULL) {
    GError *problem = NULL;
    error_set(&problem, REGISTRY_ERROR_FAILED,
              "regd-fleet says that it is done, and has compared nothing");
    dispatch_call_take_error(verifying->call, problem);
    return;
  }
  DBusMessage *reply = face_begin(verifying->call, &out);
  face_finish(verifying->call, reply,
              face_append_array(&out, "(sss)", differences, append_difference));
}

/* A re-sync that keeps nothing, whatever it would delete. */
void fleet_open_handle_verify(DispatchCall *call, gpointer data) {
  static const FleetTask task = {.kind = FLEET_TASK_RESYNC, .agreed = TRUE, .dry_run = TRUE};
  const FleetFaces *faces = fleet_faces_get(data);
  if (!fleet_open_is_administrator(call))
    return;
  Verifying *verifying = g_new0(Verifying, 1);
  *verifying = (Verifying){faces->desk, call};
  fleet_desk_begin_task(faces->desk, &task, on_verified, verifying);
}

static void answer_cleared(const FleetOrder *order, const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, face_append_uint32(&out, order->n_acknowledged));
}

void fleet_open_handle_clear_problems(DispatchCall *call, gpointer data) {
  const FleetFaces *faces = fleet_faces_get(data);
  if (!fleet_open_is_administrator(call))
    return;
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_ACKNOWLEDGE);
  fleet_desk_carry_out(faces->desk, order, answer_cleared, call);
}

/* SPDX-License-Identifier: MIT */
/* org.regd.Fleet1: what everybody may ask of the fleet, and what administrators do with it. regd
 * answers with or without an agent. */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/fleet/faces/faces-private.h"
#include "regd/fleet/faces/wire-fleet.h"

/* ---- properties ---- */

static gboolean get_state(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const char *reason = NULL;
  return wire_append_string(variant, fleet_desk_get_state(fleet_faces_get(data)->desk, &reason));
}

static gboolean get_reason(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const char *reason = NULL;
  (void)fleet_desk_get_state(fleet_faces_get(data)->desk, &reason);
  return wire_append_string(variant, reason);
}

static gboolean get_fleet(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const FleetState *joined = fleet_desk_get_joined(fleet_faces_get(data)->desk);
  return wire_append_string(variant, joined != NULL ? joined->fleet : "");
}

static gboolean get_mounts(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const FleetState *joined = fleet_desk_get_joined(fleet_faces_get(data)->desk);
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(variant, DBUS_TYPE_ARRAY, "s", &array))
    return FALSE;
  for (gsize i = 0; joined != NULL && complete && joined->mounts[i] != NULL; i++)
    complete = wire_append_string(&array, joined->mounts[i]);
  return wire_end_container(variant, &array, complete);
}

void fleet_open_state_changed(const char *before, gpointer data) {
  static const char *const changed[] = {"State", "Reason", "Fleet", "Mounts"};
  FleetFaces *faces = data;
  const char *reason = NULL;
  const char *state = fleet_desk_get_state(faces->desk, &reason);
  DBusMessageIter out;
  if (faces->open == NULL || faces->face->connection == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS(changed); i++)
    dispatcher_emit_changed(faces->open, FLEET_INTERFACE, changed[i]);
  g_autoptr(WireMessage) signal =
      dbus_message_new_signal(FLEET_OBJECT_PATH, FLEET_INTERFACE, "StateChanged");
  if (signal == NULL)
    g_error("out of memory");
  dbus_message_iter_init_append(signal, &out);
  if (wire_append_string(&out, before) && wire_append_string(&out, state) &&
      wire_append_string(&out, reason))
    (void)dbus_connection_send(faces->face->connection, signal, NULL);
}

/* ---- GetStatus ---- */

/* The digest would confirm a guess of what a key holds that the caller may not read: from one
 * commit to the next it changes by that record's share. */
static gboolean append_joined(DBusMessageIter *dict, const FleetState *joined, gboolean is_all) {
  return joined == NULL ||
         (wire_append_entry_string(dict, "fleet", joined->fleet) &&
          wire_append_entry_strings(dict, "mounts", (const char *const *)joined->mounts) &&
          wire_append_entry_uint64(dict, "applied", joined->applied) &&
          wire_append_entry_uint64(dict, "commit", joined->number) &&
          (!is_all || fleet_wire_append_entry_digest(dict, joined->digest)));
}

/* @is_all: what only administrators may know, too. */
static gboolean append_status(DBusMessageIter *dict, const FleetDesk *desk, gboolean is_all) {
  const FleetStatus *status = fleet_desk_get_status(desk);
  const char *reason = NULL;
  const char *state = fleet_desk_get_state(desk, &reason);
  const char *member = status->member != NULL ? status->member : "";
  return wire_append_entry_string(dict, "state", state) &&
         wire_append_entry_string(dict, "reason", reason) &&
         wire_append_entry_uint64(dict, "since", (guint64)fleet_desk_get_since(desk)) &&
         wire_append_entry_string(dict, "host", fleet_desk_get_settings(desk)->host_name) &&
         append_joined(dict, fleet_desk_get_joined(desk), is_all) &&
         (g_strcmp0(status->warning, "") <= 0 ||
          wire_append_entry_string(dict, "warning", status->warning)) &&
         wire_append_entry_string(dict, "member", member) &&
         wire_append_entry_uint64(dict, "cluster-revision", status->cluster_revision) &&
         wire_append_entry_uint64(dict, "cluster-commit", status->cluster_number) &&
         wire_append_entry_uint64(dict, "last-contact", status->last_contact) &&
         wire_append_entry_uint64(dict, "retries", status->retries) &&
         wire_append_entry_uint64(dict, "bytes", status->bytes);
}

static void handle_get_status(DispatchCall *call, gpointer data) {
  DBusMessageIter out, dict;
  gboolean is_all = face_caller(call)->administrator;
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict,
                                     append_status(&dict, fleet_faces_get(data)->desk, is_all)));
}

/* ---- what administrators do ---- */

gboolean fleet_open_is_administrator(DispatchCall *call) {
  if (face_caller(call)->administrator)
    return TRUE;
  GError *error = NULL;
  error_set(&error, REGISTRY_ERROR_ACCESS_DENIED, "%s is for administrators",
            dispatch_call_get_method(call));
  dispatch_call_take_error(call, error);
  return FALSE;
}

static void on_done(const char *text, const GError *error, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (error != NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, wire_append_string(&out, text));
}

/* @agreed: the option that sets the task's `agreed`. A host's name comes before the options. */
static void begin(DispatchCall *call, FleetFaces *faces, FleetTask task, const char *agreed) {
  DBusMessageIter in;
  GError *error = NULL;
  if (!fleet_open_is_administrator(call))
    return;
  dispatch_call_get_arguments(call, &in);
  task.who = face_caller(call);
  if (task.kind == FLEET_TASK_FORGET)
    task.host = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !wire_options_get_boolean(options, agreed, &task.agreed, &error) ||
      !wire_options_get_boolean(options, "dry-run", &task.dry_run, &error)) {
    dispatch_call_take_error(call, error);
    return;
  }
  fleet_desk_begin_task(faces->desk, &task, on_done, call);
}

static void handle_init(DispatchCall *call, gpointer data) {
  begin(call, fleet_faces_get(data), (FleetTask){.kind = FLEET_TASK_INIT}, "from-local");
}

static void handle_join(DispatchCall *call, gpointer data) {
  begin(call, fleet_faces_get(data), (FleetTask){.kind = FLEET_TASK_JOIN}, "replace");
}

static void handle_leave(DispatchCall *call, gpointer data) {
  begin(call, fleet_faces_get(data), (FleetTask){.kind = FLEET_TASK_LEAVE}, "drop");
}

static void handle_resync(DispatchCall *call, gpointer data) {
  begin(call, fleet_faces_get(data), (FleetTask){.kind = FLEET_TASK_RESYNC}, "force");
}

static void handle_forget(DispatchCall *call, gpointer data) {
  begin(call, fleet_faces_get(data), (FleetTask){.kind = FLEET_TASK_FORGET}, "force");
}

static void handle_reseal(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  GError *error = NULL;
  if (!fleet_open_is_administrator(call))
    return;
  dispatch_call_get_arguments(call, &in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL)
    dispatch_call_take_error(call, error);
  else
    fleet_desk_reseal(fleet_faces_get(data)->desk, face_caller(call), on_done, call);
}

static gboolean append_problem(DBusMessageIter *out, gconstpointer item) {
  const FleetProblem *problem = item;
  DBusMessageIter structure;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  return wire_end_container(out, &structure,
                            wire_append_string(&structure, problem->record) &&
                                wire_append_string(&structure, problem->problem) &&
                                face_append_uint64(&structure, problem->revision));
}

static void answer_problems(const FleetOrder *order, const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, face_append_array(&out, "(sst)", order->problems, append_problem));
}

static void handle_list_problems(DispatchCall *call, gpointer data) {
  if (!fleet_open_is_administrator(call))
    return;
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_PROBLEMS);
  fleet_desk_carry_out(fleet_faces_get(data)->desk, order, answer_problems, call);
}

/* ---- tables ---- */

#define ARGUMENTS DISPATCH_ARGUMENTS
#define OPTIONS ARGUMENTS({"options", "a{sv}"})

static const DispatchMethod methods[] = {
    {"GetStatus", DISPATCH_NOTHING, ARGUMENTS({"status", "a{sv}"}), handle_get_status},
    {"Init", OPTIONS, ARGUMENTS({"text", "s"}), handle_init},
    {"Join", OPTIONS, ARGUMENTS({"text", "s"}), handle_join},
    {"Leave", OPTIONS, ARGUMENTS({"text", "s"}), handle_leave},
    {"Resync", OPTIONS, ARGUMENTS({"text", "s"}), handle_resync},
    {"Reseal", OPTIONS, ARGUMENTS({"text", "s"}), handle_reseal},
    {"Forget", ARGUMENTS({"host", "s"}, {"options", "a{sv}"}), ARGUMENTS({"text", "s"}),
     handle_forget},
    {"ListHosts", OPTIONS, ARGUMENTS({"hosts", "aa{sv}"}), fleet_open_handle_list_hosts},
    {"Wait", ARGUMENTS({"commit", "t"}, {"options", "a{sv}"}), ARGUMENTS({"result", "a{sv}"}),
     fleet_open_handle_wait},
    {"Verify", OPTIONS, ARGUMENTS({"differences", "a(sss)"}), fleet_open_handle_verify},
    {"ClearProblems", OPTIONS, ARGUMENTS({"acknowledged", "u"}), fleet_open_handle_clear_problems},
    {"ListProblems", DISPATCH_NOTHING, ARGUMENTS({"problems", "a(sst)"}), handle_list_problems},
    {NULL, NULL, NULL, NULL},
};

static const DispatchSignal signals[] = {
    {"StateChanged", ARGUMENTS({"old", "s"}, {"new", "s"}, {"reason", "s"})},
    {NULL, NULL},
};

static const DispatchProperty properties[] = {
    {"State", "s", NULL, get_state}, {"Reason", "s", NULL, get_reason},
    {"Fleet", "s", NULL, get_fleet}, {"Mounts", "as", NULL, get_mounts},
    {NULL, NULL, NULL, NULL},
};

const DispatchInterface fleet_open_interfaces[] = {
    {FLEET_INTERFACE, methods, signals, properties},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* The hosts of the fleet on the bus: what the agent tells of them, the report of this one, and
 * ListHosts and Wait for everybody else. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/fleet/desk/hosts.h"
#include "regd/fleet/faces/faces-private.h"
#include "regd/fleet/faces/wire-fleet.h"

/* ---- the agent asks for the report of this host ---- */

/* What Report is answered from. */
typedef struct {
  const FleetDesk *desk;
  DispatchCall *call;
} Reporting;

static void on_counted(const FleetOrder *order, const WriteResult *result, gpointer data) {
  g_autofree Reporting *reporting = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(reporting->call, result->error);
    return;
  }
  g_autoptr(GBytes) record = fleet_desk_encode_report(reporting->desk, order->problems->len);
  DBusMessage *reply = face_begin(reporting->call, &out);
  face_finish(reporting->call, reply, fleet_wire_append_bytes(&out, record));
}

void fleet_engine_handle_report(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  if (!fleet_engine_is_agent(call, faces))
    return;
  Reporting *reporting = g_new0(Reporting, 1);
  *reporting = (Reporting){faces->desk, call};
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_PROBLEMS);
  fleet_desk_carry_out(faces->desk, order, on_counted, reporting);
}

/* ---- the agent tells of all hosts ---- */

/* A name is a stranger's bytes, and so is the record. */
static FleetHostEntry *read_entry(DBusMessageIter *structure) {
  DBusMessageIter in;
  FleetHostEntry *entry = g_new0(FleetHostEntry, 1);
  dbus_message_iter_recurse(structure, &in);
  g_autoptr(GBytes) name = fleet_wire_take_bytes(&in);
  g_autoptr(GBytes) record = fleet_wire_take_bytes(&in);
  entry->alive = face_take_boolean(&in);
  gsize size;
  const char *bytes = g_bytes_get_data(name, &size);
  entry->name = g_utf8_make_valid(bytes != NULL ? bytes : "", (gssize)size);
  if (g_bytes_get_size(record) > 0)
    entry->host = fleet_host_decode(record, NULL);
  return entry;
}

void fleet_engine_handle_hosts(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in, array;
  if (!fleet_engine_is_agent(call, faces))
    return;
  g_autoptr(WireMessage) message = dispatch_call_ref_message(call);
  g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(fleet_host_entry_free);
  dispatch_call_get_arguments(call, &in);
  guint32 ticket = face_take_uint32(&in);
  gboolean done = g_str_equal(face_take_string(&in), "done");
  const char *why = face_take_string(&in);
  dbus_message_iter_recurse(&in, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&array))
    g_ptr_array_add(entries, read_entry(&array));
  dispatch_call_reply(call, dispatch_call_new_reply(call));
  fleet_desk_note_hosts(faces->desk, ticket, done ? entries : NULL, why);
}

/* ---- ListHosts ---- */

typedef struct {
  const FleetDesk *desk;
  DispatchCall *call;
} Asking;

static Asking *asking_new(const FleetDesk *desk, DispatchCall *call) {
  Asking *asking = g_new0(Asking, 1);
  *asking = (Asking){desk, call};
  return asking;
}

static gboolean append_told(DBusMessageIter *dict, const FleetHost *host, guint64 newest) {
  return wire_append_entry_uint64(dict, "commit", host->number) &&
         wire_append_entry_uint64(dict, "behind",
                                  newest > host->number ? newest - host->number : 0) &&
         wire_append_entry_uint64(dict, "applied", host->applied) &&
         wire_append_entry_string(dict, "state", host->state != NULL ? host->state : "") &&
         wire_append_entry_uint64(dict, "since", (guint64)host->since) &&
         wire_append_entry_string(dict, "version", host->version != NULL ? host->version : "") &&
         wire_append_entry_uint32(dict, "problems", host->problems) &&
         (!host->has_digest || fleet_wire_append_entry_digest(dict, host->digest));
}

static gboolean append_entry(DBusMessageIter *array, const FleetHostEntry *entry, guint64 newest) {
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(array, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  return wire_end_container(array, &dict,
                            wire_append_entry_string(&dict, "host", entry->name) &&
                                wire_append_entry_boolean(&dict, "alive", entry->alive) &&
                                (entry->host == NULL || append_told(&dict, entry->host, newest)));
}

static gboolean append_entries(DBusMessageIter *out, const GPtrArray *entries, guint64 newest) {
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "a{sv}", &array))
    return FALSE;
  for (guint i = 0; complete && i < entries->len; i++)
    complete = append_entry(&array, entries->pdata[i], newest);
  return wire_end_container(out, &array, complete);
}

/* The newest commit that this host knows of. */
static guint64 get_newest(const FleetDesk *desk) {
  const FleetState *joined = fleet_desk_get_joined(desk);
  return MAX(joined != NULL ? joined->number : 0, fleet_desk_get_status(desk)->cluster_number);
}

static void on_listed(const GPtrArray *entries, const GError *error, gpointer data) {
  g_autofree Asking *asking = data;
  DBusMessageIter out;
  if (entries == NULL) {
    dispatch_call_fail(asking->call, error);
    return;
  }
  DBusMessage *reply = face_begin(asking->call, &out);
  face_finish(asking->call, reply, append_entries(&out, entries, get_newest(asking->desk)));
}

void fleet_open_handle_list_hosts(DispatchCall *call, gpointer data) {
  const FleetFaces *faces = fleet_faces_get(data);
  if (fleet_open_is_administrator(call))
    fleet_desk_list_hosts(faces->desk, on_listed, asking_new(faces->desk, call));
}

/* ---- Wait ---- */

static gboolean append_missing(DBusMessageIter *dict, const GPtrArray *missing) {
  g_autofree const char **names = g_new0(const char *, missing->len + 1);
  for (guint i = 0; i < missing->len; i++)
    names[i] = ((const FleetHostEntry *)missing->pdata[i])->name;
  return wire_append_entry_strings(dict, "missing", names);
}

/* Which hosts there are is for administrators. */
static gboolean append_waited(DBusMessageIter *dict, const FleetWaited *waited, gboolean names) {
  return wire_append_entry_uint64(dict, "commit", waited->commit) &&
         wire_append_entry_boolean(dict, "reached", waited->reached) &&
         wire_append_entry_uint32(dict, "hosts", waited->hosts) &&
         wire_append_entry_uint32(dict, "have", waited->have) &&
         (!names || append_missing(dict, waited->missing));
}

static void on_waited(const FleetWaited *waited, const GError *error, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out, dict;
  if (waited == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  gboolean names = face_caller(call)->administrator && waited->missing != NULL;
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
                  wire_end_container(&out, &dict, append_waited(&dict, waited, names)));
}

static gboolean read_wait(const WireOptions *options, FleetWait *wait, GError **error) {
  return wire_options_get_uint32(options, "hosts", &wait->hosts, error) &&
         wire_options_get_uint32(options, "share", &wait->share, error) &&
         wire_options_get_uint32(options, "timeout", &wait->timeout, error) &&
         ((wait->share >= 1 && wait->share <= 100) ||
          error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "\"share\": must be 1 to 100")) &&
         (wait->timeout <= LIMIT_WAIT_SECONDS ||
          error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "\"timeout\": must be 0 to %u",
                    LIMIT_WAIT_SECONDS));
}

void fleet_open_handle_wait(DispatchCall *call, gpointer data) {
  const FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in;
  GError *error = NULL;
  FleetWait wait = {.share = 100, .timeout = 60, .caller = dispatch_call_get_sender(call)};
  dispatch_call_get_arguments(call, &in);
  wait.commit = face_take_uint64(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !read_wait(options, &wait, &error))
    dispatch_call_take_error(call, error);
  else
    fleet_desk_wait(faces->desk, &wait, on_waited, call);
}

/* SPDX-License-Identifier: MIT */
/* org.regd.FleetEngine1: what regd and its agent, regd-fleet, say to each other. The agent is a
 * stranger to regd: what it hands over is checked like what comes from the network. */
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/file-share.h"
#include "regd/fleet/faces/faces-private.h"
#include "regd/fleet/faces/stream.h"
#include "regd/fleet/faces/wire-fleet.h"

/* ---- signals ---- */

static DBusMessage *new_signal(const FleetFaces *faces, const char *name, DBusMessageIter *out) {
  DBusMessage *signal =
      dbus_message_new_signal(FLEET_ENGINE_OBJECT_PATH, FLEET_ENGINE_INTERFACE, name);
  if (signal == NULL || !dbus_message_set_destination(signal, faces->agent))
    g_error("out of memory");
  dbus_message_iter_init_append(signal, out);
  return signal;
}

/* One that does not fit into a message is dropped: what it is about times out. */
static void send(const FleetFaces *faces, DBusMessage *signal, gboolean complete) {
  if (complete)
    (void)dbus_connection_send(faces->face->connection, signal, NULL);
  dbus_message_unref(signal);
}

static gboolean append_layers(DBusMessageIter *dict, const FleetDesk *desk) {
  const FleetState *joined = fleet_desk_get_joined(desk);
  DBusMessageIter entry, variant, array, layer;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) ||
      !wire_append_string(&entry, "layers") ||
      !dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "aa{sv}", &variant) ||
      !dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "a{sv}", &array) ||
      !dbus_message_iter_open_container(&array, DBUS_TYPE_ARRAY, "{sv}", &layer))
    g_error("out of memory");
  gboolean complete =
      wire_append_entry_string(&layer, "layer", FLEET_LAYER) &&
      wire_append_entry_boolean(&layer, "joined", joined != NULL) &&
      fleet_wire_append_entry_bytes(&layer, "uuid", joined != NULL ? joined->uuid : NULL) &&
      wire_append_entry_uint64(&layer, "applied", joined != NULL ? joined->applied : 0) &&
      fleet_wire_append_entry_bytes(&layer, "head", joined != NULL ? joined->head : NULL) &&
      wire_append_entry_uint64(&layer, "number", joined != NULL ? joined->number : 0);
  return wire_end_container(&array, &layer, complete) &&
         wire_end_container(&variant, &array, TRUE) && wire_end_container(&entry, &variant, TRUE) &&
         wire_end_container(dict, &entry, TRUE);
}

static const char *get_text(const char *text) {
  return text != NULL ? text : "";
}

static gboolean append_texts(DBusMessageIter *dict, const FleetSettings *settings) {
  const struct {
    const char *name, *text;
  } texts[] = {{"fleet", settings->fleet},
               {"ca-file", settings->ca_file},
               {"certificate", settings->certificate},
               {"private-key", settings->private_key},
               {"user", settings->user},
               {"password", settings->password},
               {"host-name", settings->host_name}};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    if (!wire_append_entry_string(dict, texts[i].name, get_text(texts[i].text)))
      return FALSE;
  return wire_append_entry_strings(dict, "mounts", (const char *const *)settings->mounts) &&
         wire_append_entry_strings(dict, "endpoints", (const char *const *)settings->endpoints);
}

static gboolean append_numbers(DBusMessageIter *dict, const FleetSettings *settings) {
  const struct {
    const char *name;
    guint32 number;
  } numbers[] = {{"stale-after", settings->stale_after},
                 {"request-timeout", settings->request_timeout},
                 {"commit-timeout", settings->commit_timeout},
                 {"resync-spread", settings->resync_spread},
                 {"report-interval", settings->report_interval},
                 {"transaction-operations", settings->transaction_operations},
                 {"request-bytes", settings->request_bytes}};
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (!wire_append_entry_uint32(dict, numbers[i].name, numbers[i].number))
      return FALSE;
  return TRUE;
}

static gboolean append_config(DBusMessageIter *out, const FleetDesk *desk) {
  const FleetSettings *settings = fleet_desk_get_settings(desk);
  DBusMessageIter dict;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "{sv}", &dict))
    return FALSE;
  gboolean enabled = settings->enabled && settings->problem == NULL;
  return wire_end_container(
      out, &dict,
      wire_append_entry_boolean(&dict, "enabled", enabled) &&
          wire_append_entry_boolean(&dict, "read-only", settings->read_only) &&
          append_texts(&dict, settings) && append_numbers(&dict, settings) &&
          append_layers(&dict, desk));
}

void fleet_engine_configure(gpointer data) {
  FleetFaces *faces = data;
  DBusMessageIter out;
  if (faces->agent == NULL)
    return;
  DBusMessage *signal = new_signal(faces, "Configure", &out);
  send(faces, signal, append_config(&out, faces->desk));
}

static gboolean append_operation(DBusMessageIter *array, const ProposalOperation *operation) {
  DBusMessageIter structure;
  g_autoptr(GBytes) key = g_bytes_new_static(operation->key, strlen(operation->key));
  if (!dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  return wire_end_container(array, &structure,
                            face_append_uint32(&structure, operation->kind) &&
                                fleet_wire_append_bytes(&structure, key) &&
                                fleet_wire_append_bytes(&structure, operation->record));
}

static gboolean append_operations(DBusMessageIter *out, const GPtrArray *operations) {
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "(uayay)", &array))
    return FALSE;
  for (guint i = 0; complete && i < operations->len; i++)
    complete = append_operation(&array, g_ptr_array_index(operations, i));
  return wire_end_container(out, &array, complete);
}

void fleet_engine_propose(guint32 ticket, GBytes *guard, GBytes *head, const GPtrArray *operations,
                          gpointer data) {
  FleetFaces *faces = data;
  DBusMessageIter out;
  DBusMessage *signal = new_signal(faces, "Propose", &out);
  send(faces, signal,
       face_append_uint32(&out, ticket) && wire_append_string(&out, FLEET_LAYER) &&
           fleet_wire_append_bytes(&out, guard) && fleet_wire_append_bytes(&out, head) &&
           append_operations(&out, operations));
}

static gboolean append_entry_operations(DBusMessageIter *dict, const GPtrArray *operations) {
  DBusMessageIter entry, variant;
  if (!dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) ||
      !wire_append_string(&entry, "operations") ||
      !dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a(uayay)", &variant))
    g_error("out of memory");
  return wire_end_container(
      dict, &entry, wire_end_container(&entry, &variant, append_operations(&variant, operations)));
}

static gboolean append_arguments(DBusMessageIter *dict, const FleetTask *task, GBytes *info,
                                 GBytes *head, const GPtrArray *operations) {
  if (task->kind == FLEET_TASK_INIT)
    return fleet_wire_append_entry_bytes(dict, "fleet", info) &&
           fleet_wire_append_entry_bytes(dict, "head", head) &&
           append_entry_operations(dict, operations);
  if (task->kind == FLEET_TASK_RESYNC && !wire_append_entry_boolean(dict, "dry-run", task->dry_run))
    return FALSE;
  if (task->kind == FLEET_TASK_FORGET && !wire_append_entry_string(dict, "host", task->host))
    return FALSE;
  return wire_append_entry_boolean(dict, "force", task->agreed);
}

void fleet_engine_task(guint32 ticket, const FleetTask *task, GBytes *info, GBytes *head,
                       const GPtrArray *operations, gpointer data) {
  static const char *const words[] = {[FLEET_TASK_INIT] = "init",
                                      [FLEET_TASK_JOIN] = "join",
                                      [FLEET_TASK_LEAVE] = "leave",
                                      [FLEET_TASK_RESYNC] = "resync",
                                      [FLEET_TASK_FORGET] = "forget"};
  FleetFaces *faces = data;
  DBusMessageIter out, dict;
  DBusMessage *signal = new_signal(faces, "Task", &out);
  gboolean complete = face_append_uint32(&out, ticket) &&
                      wire_append_string(&out, words[task->kind]) &&
                      dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict);
  if (complete)
    complete =
        wire_end_container(&out, &dict, append_arguments(&dict, task, info, head, operations));
  send(faces, signal, complete);
}

void fleet_engine_list_hosts(guint32 ticket, gpointer data) {
  FleetFaces *faces = data;
  DBusMessageIter out;
  DBusMessage *signal = new_signal(faces, "ListHosts", &out);
  send(faces, signal, face_append_uint32(&out, ticket));
}

/* ---- who calls ---- */

gboolean fleet_engine_is_agent(DispatchCall *call, const FleetFaces *faces) {
  if (g_strcmp0(dispatch_call_get_sender(call), faces->agent) == 0)
    return TRUE;
  GError *error = NULL;
  error_set(&error, REGISTRY_ERROR_ACCESS_DENIED, "%s is for regd-fleet only, once it has attached",
            dispatch_call_get_method(call));
  dispatch_call_take_error(call, error);
  return FALSE;
}

static gboolean may_attach(const FleetFaces *faces, const Identity *who) {
  const char *user = fleet_desk_get_settings(faces->desk)->agent_user;
  guint32 uid = 0;
  return who->administrator ||
         (access_find_id(PRINCIPAL_USER, user, access_resolve_with_nss, &uid) && uid == who->uid);
}

static void answer_nothing(DispatchCall *call) {
  dispatch_call_reply(call, dispatch_call_new_reply(call));
}

static void fail(DispatchCall *call, RegistryError code, const char *text) {
  GError *error = NULL;
  error_set(&error, code, "%s", text);
  dispatch_call_take_error(call, error);
}

/* ---- Attach, State, Outcome ---- */

static void handle_attach(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter out;
  if (!may_attach(faces, face_caller(call))) {
    fail(call, REGISTRY_ERROR_ACCESS_DENIED,
         "only root, regd's own user and the one that the setting Agent User names may attach");
    return;
  }
  if (g_strcmp0(dispatch_call_get_sender(call), faces->agent) != 0) { /* else it asks again */
    fleet_faces_note_left(faces, faces->agent);
    faces->agent = g_strdup(dispatch_call_get_sender(call));
  }
  fleet_desk_attach(faces->desk);
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, append_config(&out, faces->desk));
}

static gboolean read_status(const WireOptions *options, FleetStatus *status, GError **error) {
  const char *state = "";
  const char *reason = "";
  const char *warning = "";
  const char *member = "";
  if (!wire_options_get_string(options, "state", &state, error) ||
      !wire_options_get_string(options, "reason", &reason, error) ||
      !wire_options_get_string(options, "warning", &warning, error) ||
      !wire_options_get_string(options, "member", &member, error) ||
      !wire_options_get_uint64(options, "cluster-revision", &status->cluster_revision, error) ||
      !wire_options_get_uint64(options, "cluster-number", &status->cluster_number, error) ||
      !wire_options_get_uint64(options, "last-contact", &status->last_contact, error) ||
      !wire_options_get_uint64(options, "retries", &status->retries, error) ||
      !wire_options_get_uint64(options, "bytes", &status->bytes, error))
    return FALSE;
  status->state = g_strdup(state);
  status->reason = g_strdup(reason);
  status->warning = g_strdup(warning);
  status->member = g_strdup(member);
  return TRUE;
}

static void handle_state(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in;
  GError *error = NULL;
  FleetStatus status = {0};
  if (!fleet_engine_is_agent(call, faces))
    return;
  dispatch_call_get_arguments(call, &in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options == NULL || !read_status(options, &status, &error)) {
    dispatch_call_take_error(call, error);
    return;
  }
  answer_nothing(call);
  fleet_desk_note_status(faces->desk, &status);
}

static void handle_outcome(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in;
  GError *error = NULL;
  if (!fleet_engine_is_agent(call, faces))
    return;
  g_autoptr(WireMessage) message = dispatch_call_ref_message(call);
  dispatch_call_get_arguments(call, &in);
  FleetOutcome outcome = {.ticket = face_take_uint32(&in)};
  outcome.what = face_take_string(&in);
  outcome.revision = face_take_uint64(&in);
  outcome.message = face_take_string(&in);
  g_autoptr(WireOptions) results = face_take_options(&in, &error);
  if (results == NULL) {
    dispatch_call_take_error(call, error);
    return;
  }
  g_autoptr(GBytes) info = fleet_wire_get_bytes(results, "fleet");
  outcome.info = info;
  answer_nothing(call);
  fleet_desk_note_outcome(faces->desk, &outcome);
}

/* ---- Apply ---- */

static void answer_local(const FleetOrder *order, const WriteResult *result, gpointer data) {
  (void)order;
  face_answer_revision(result, data);
}

static gboolean read_head(FleetOrder *order, DBusMessageIter *in, GError **error) {
  g_autoptr(GBytes) bytes = fleet_wire_take_bytes(in);
  FleetHead *head = NULL;
  if (g_bytes_get_size(bytes) > 0 && (head = fleet_head_decode(bytes, error)) == NULL)
    return FALSE;
  fleet_order_set_head(order, head);
  return TRUE;
}

static void read_event(DBusMessageIter *structure, GPtrArray *records) {
  DBusMessageIter in;
  dbus_message_iter_recurse(structure, &in);
  FleetRecord *record = g_new0(FleetRecord, 1);
  g_ptr_array_add(records, record);
  gboolean is_put = face_take_uint32(&in) == PROPOSAL_PUT;
  g_autoptr(GBytes) key = fleet_wire_take_bytes(&in);
  g_autoptr(GBytes) bytes = fleet_wire_take_bytes(&in);
  const char *name = g_bytes_get_data(key, &record->key_size); /* NULL: it is empty */
  record->key = g_strndup(name != NULL ? name : "", record->key_size);
  record->record = is_put ? g_steal_pointer(&bytes) : NULL;
  record->created = face_take_uint64(&in);
}

/* FALSE: the call is answered. */
static gboolean check_layer(DispatchCall *call, const char *layer) {
  if (g_str_equal(layer, FLEET_LAYER))
    return TRUE;
  fail(call, REGISTRY_ERROR_INVALID_ARGUMENTS, "this version has no layer but \"all\"");
  return FALSE;
}

static void handle_apply(DispatchCall *call, gpointer data) {
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in, array;
  GError *error = NULL;
  dispatch_call_get_arguments(call, &in);
  if (!fleet_engine_is_agent(call, faces) || !check_layer(call, face_take_string(&in)))
    return;
  g_autoptr(FleetOrder) order = fleet_order_new(FLEET_ORDER_APPLY);
  order->revision = face_take_uint64(&in);
  if (!read_head(order, &in, &error)) {
    dispatch_call_take_error(call, error);
    return;
  }
  dbus_message_iter_recurse(&in, &array);
  for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&array))
    read_event(&array, order->records);
  fleet_desk_carry_out(faces->desk, order, answer_local, call);
}

/* ---- Resync ---- */

typedef struct {
  FleetFaces *faces;
  DispatchCall *call;
  FleetOrder *order;
  int descriptor;   /* until it starts */
  FileShare *share; /* from then on */
} Resyncing;

static void resyncing_free(gpointer data) {
  Resyncing *resyncing = data;
  if (resyncing->share != NULL)
    file_share_give_back(resyncing->share);
  if (resyncing->descriptor >= 0)
    close(resyncing->descriptor);
  fleet_order_unref(resyncing->order);
  g_free(resyncing);
}

static void answer_report(const FleetOrder *order, const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out, dict;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(
      call, reply,
      dbus_message_iter_open_container(&out, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
          wire_end_container(&out, &dict,
                             wire_append_entry_uint64(&dict, "local", result->revision) &&
                                 face_append_counts(&dict, result) &&
                                 wire_append_entry_uint32(&dict, "problems", order->n_problems) &&
                                 (order->refused == NULL ||
                                  wire_append_entry_string(&dict, "refused", order->refused))));
}

static gboolean read_stream(Transfer *transfer, gpointer data, GError **error) {
  Resyncing *resyncing = data;
  return fleet_stream_read(transfer, resyncing->order->records, error);
}

static void on_stream_read(gpointer data, const GError *error) {
  Resyncing *resyncing = data;
  if (error != NULL)
    dispatch_call_fail(resyncing->call, error);
  else
    fleet_desk_carry_out(resyncing->faces->desk, resyncing->order, answer_report, resyncing->call);
}

static void start(FileShare *share, gpointer data) {
  Resyncing *resyncing = data;
  int descriptor = resyncing->descriptor;
  resyncing->descriptor = -1;
  resyncing->share = share;
  transfer_start(resyncing->faces->face->workers, descriptor, "the records of the re-sync",
                 LIMIT_FILE_STALL_SECONDS, read_stream, on_stream_read, resyncing, resyncing_free);
}

/* regd stops. */
static void drop(gpointer data) {
  Resyncing *resyncing = data;
  face_refuse_at_stop(resyncing->call);
  resyncing_free(resyncing);
}

static gboolean read_resync(Resyncing *resyncing, DBusMessageIter *in, GError **error) {
  FleetOrder *order = resyncing->order;
  order->revision = face_take_uint64(in);
  if (!read_head(order, in, error))
    return FALSE;
  if (order->head == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "a re-sync without a head: an empty answer empties no host");
  resyncing->descriptor = file_share_take_descriptor(resyncing->call, in, error);
  if (resyncing->descriptor < 0)
    return FALSE;
  order->dry_run = face_take_boolean(in);
  order->agreed = face_take_boolean(in);
  return TRUE;
}

static void handle_resync(DispatchCall *call, gpointer data) {
  static const FileStartKind kind = {start, drop};
  FleetFaces *faces = fleet_faces_get(data);
  DBusMessageIter in;
  GError *error = NULL;
  dispatch_call_get_arguments(call, &in);
  if (!fleet_engine_is_agent(call, faces) || !check_layer(call, face_take_string(&in)))
    return;
  Resyncing *resyncing = g_new0(Resyncing, 1);
  resyncing->faces = faces;
  resyncing->call = call;
  resyncing->order = fleet_order_new(FLEET_ORDER_RESYNC);
  resyncing->descriptor = -1;
  if (!read_resync(resyncing, &in, &error)) {
    dispatch_call_take_error(call, error);
    resyncing_free(resyncing);
    return;
  }
  file_shares_request(faces->face->files, face_caller(call), &kind, resyncing);
}

/* ---- tables ---- */

#define ARGUMENTS DISPATCH_ARGUMENTS

static const DispatchMethod methods[] = {
    {"Attach", ARGUMENTS({"agent", "a{sv}"}), ARGUMENTS({"config", "a{sv}"}), handle_attach},
    {"Apply", ARGUMENTS({"layer", "s"}, {"revision", "t"}, {"head", "ay"}, {"events", "a(uayayt)"}),
     ARGUMENTS({"local", "t"}), handle_apply},
    {"Resync",
     ARGUMENTS({"layer", "s"}, {"revision", "t"}, {"head", "ay"}, {"records", "h"},
               {"dry_run", "b"}, {"force", "b"}),
     ARGUMENTS({"report", "a{sv}"}), handle_resync},
    {"State", ARGUMENTS({"state", "a{sv}"}), DISPATCH_NOTHING, handle_state},
    {"Outcome",
     ARGUMENTS({"ticket", "u"}, {"what", "s"}, {"revision", "t"}, {"message", "s"},
               {"results", "a{sv}"}),
     DISPATCH_NOTHING, handle_outcome},
    {"Report", DISPATCH_NOTHING, ARGUMENTS({"record", "ay"}), fleet_engine_handle_report},
    {"Hosts", ARGUMENTS({"ticket", "u"}, {"what", "s"}, {"message", "s"}, {"hosts", "a(ayayb)"}),
     DISPATCH_NOTHING, fleet_engine_handle_hosts},
    {NULL, NULL, NULL, NULL},
};

static const DispatchSignal signals[] = {
    {"Configure", ARGUMENTS({"config", "a{sv}"})},
    {"Propose", ARGUMENTS({"ticket", "u"}, {"layer", "s"}, {"guard", "ay"}, {"head", "ay"},
                          {"operations", "a(uayay)"})},
    {"Task", ARGUMENTS({"ticket", "u"}, {"task", "s"}, {"arguments", "a{sv}"})},
    {"ListHosts", ARGUMENTS({"ticket", "u"})},
    {NULL, NULL},
};

const DispatchInterface fleet_engine_interfaces[] = {
    {FLEET_ENGINE_INTERFACE, methods, signals, NULL},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* Handlers that begin and end watches, and the signal that watchers get. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/face.h"
#include "regd/registry1/handlers.h"
#include "regd/registry1/registry1.h"

/* A structure of strings on the wire besides its text, and the signal's head. */
#define CHANGE_OVERHEAD_BYTES 24U
#define SIGNAL_OVERHEAD_BYTES 256U

static gboolean read_watch_options(const WireOptions *options, WatchOptions *result, guint64 *since,
                                   GError **error) {
  result->since = wire_options_has(options, "since") ? since : NULL;
  return wire_options_get_boolean(options, "recursive", &result->recursive, error) &&
         wire_options_get_boolean(options, "no-follow", &result->no_follow, error) &&
         wire_options_get_uint64(options, "since", since, error);
}

/* The answer goes out before anything that is replayed: the watcher learns the
 * id first. */
void handle_watch(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in, out;
  g_autoptr(GError) error = NULL;
  WatchOptions watched = {.recursive = TRUE};
  guint64 since = 0;
  GPtrArray *replay = NULL;
  Watch *watch = NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  if (options != NULL && read_watch_options(options, &watched, &since, &error))
    watch = watching_add(service_get_watching(face->service), face_caller(call),
                         dispatch_call_get_sender(call), key, &watched, &replay, &error);
  if (watch == NULL) {
    dispatch_call_fail(call, error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint32(&out, watch->id) && face_append_uint64(&out, watch->from) &&
                  wire_append_string(&out, watch->path));
  if (replay != NULL)
    watching_replay(service_get_watching(face->service), watch, replay);
}

void handle_unwatch(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  guint32 id = face_take_uint32(&in);
  if (watching_remove(service_get_watching(face->service), dispatch_call_get_sender(call), id,
                      &error))
    dispatch_call_reply(call, dispatch_call_new_reply(call));
  else
    dispatch_call_fail(call, error);
}

/* ---- the signal ---- */

static gboolean append_changes(DBusMessageIter *out, const WatchChange *changes, guint n_changes) {
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "(sss)", &array))
    return FALSE;
  for (guint i = 0; i < n_changes && complete; i++) {
    const char *fields[] = {change_kind_get_name(changes[i].kind), changes[i].key, changes[i].name};
    complete = face_append_strings(&array, fields, G_N_ELEMENTS(fields));
  }
  return wire_end_container(out, &array, complete);
}

static DBusMessage *new_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                                guint n_changes) {
  DBusMessageIter out;
  DBusMessage *signal =
      dbus_message_new_signal(REGISTRY_OBJECT_PATH, REGISTRY_INTERFACE, "Changed");
  if (signal == NULL)
    g_error("out of memory"); /* as in outbox_send() */
  dbus_message_iter_init_append(signal, &out);
  if (dbus_message_set_destination(signal, watch->owner) && face_append_uint32(&out, watch->id) &&
      face_append_uint64(&out, watch->sequence) && face_append_uint64(&out, revision) &&
      append_changes(&out, changes, n_changes))
    return signal;
  g_error("out of memory");
}

static gsize measure(const WatchChange *changes, guint n_changes) {
  gsize bytes = SIGNAL_OVERHEAD_BYTES;
  for (guint i = 0; i < n_changes; i++)
    bytes += strlen(changes[i].key) + strlen(changes[i].name) + CHANGE_OVERHEAD_BYTES;
  return bytes;
}

static gboolean has_room(Outbox *outbox, const Watch *watch, const WatchChange *changes) {
  if (changes[0].kind == CHANGE_TREE_CHANGED)
    return outbox_has_room_for_notice(outbox, watch->owner, watch->who->uid);
  return outbox_has_room(outbox, watch->owner, watch->who->uid);
}

gboolean registry1_send_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                                guint n_changes, gpointer data) {
  BusFace *face = data;
  if (face->outbox == NULL || !has_room(face->outbox, watch, changes))
    return FALSE;
  g_autoptr(WireMessage) signal = new_changed(watch, revision, changes, n_changes);
  outbox_send(face->outbox, watch->owner, signal, measure(changes, n_changes));
  return TRUE;
}

/* ---- those who have lost signals ---- */

/* The one call by which programs make sure that they have heard all. */
static gboolean asks_for_properties(DBusMessage *message) {
  return dbus_message_has_interface(message, DBUS_INTERFACE_PROPERTIES) &&
         !dbus_message_has_member(message, "Set");
}

static void refuse_until_read(DBusMessage *message, BusFace *face) {
  g_autoptr(GError) error = NULL;
  error_set(&error, REGISTRY_ERROR_LIMIT_EXCEEDED,
            "this connection has lost signals, and there is no room to say so: read those that "
            "wait for it, then ask again");
  g_autoptr(WireMessage) refusal = wire_new_error(message, error);
  if (refusal != NULL && !dbus_message_get_no_reply(message))
    (void)dbus_connection_send(face->connection, refusal, NULL);
}

gboolean registry1_meet(DBusMessage *message, BusFace *face) {
  const char *sender = dbus_message_get_sender(message);
  if (face->outbox == NULL || sender == NULL ||
      dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
      !outbox_is_behind(face->outbox, sender))
    return FALSE;
  if (watching_resume_owner(service_get_watching(face->service), sender) ||
      !asks_for_properties(message))
    return FALSE;
  refuse_until_read(message, face);
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* Handlers that begin and end watches, and the signal that watchers get. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/face.h"
#include "regd/registry1/handlers.h"
#include "regd/registry1/registry1.h"

/* A structure of strings on the wire besides its text. */
#define CHANGE_OVERHEAD_BYTES 24U
/* A signal besides its changes: the work of sending one counts as much as copying so many bytes,
 * or a thousand watches of one key would queue up fifty thousand signals. */
#define SIGNAL_OVERHEAD_BYTES 1024U

static gboolean read_watch_options(const WireOptions *options, WatchOrder *order, GError **error) {
  order->has_since = wire_options_has(options, "since");
  return wire_options_get_boolean(options, "recursive", &order->recursive, error) &&
         wire_options_get_boolean(options, "no-follow", &order->no_follow, error) &&
         wire_options_get_uint64(options, "since", &order->since, error);
}

/* ---- beginning ---- */

/* How often what was read on a thread may be outrun by other changes. */
#define CATCH_UP_TRIES 8U

/* A Watch call that has much to read. */
typedef struct {
  DispatchCall *call;
  BusFace *face;
  WatchOrder asked;
  WatchOrder order;    /* the part that is still to be read */
  WatchStart *earlier; /* what has been read of it */
  WatchStart *read;
  guint tries;
} WatchCall;

static void watch_call_free(gpointer data) {
  WatchCall *self = data;
  watch_start_free(self->earlier);
  watch_start_free(self->read);
  g_free(self);
}

/* The answer goes out before anything that is replayed: the watcher learns the
 * id first. */
static void answer_watch(DispatchCall *call, BusFace *face, Watch *watch, WatchStart *start) {
  DBusMessageIter out;
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply,
              face_append_uint32(&out, watch->id) && face_append_uint64(&out, watch->from) &&
                  wire_append_string(&out, watch->path));
  watching_replay(service_get_watching(face->service), watch, start);
}

static gboolean read_on_thread(Reader *reader, gpointer data, GError **error) {
  WatchCall *self = data;
  self->read = watch_start_read(reader, &self->order, error);
  return self->read != NULL;
}

static void submit(WatchCall *self);

/* What was read goes behind what had been read before, or begins anew if the path has led
 * elsewhere meanwhile. */
static void take_read(WatchCall *self) {
  if (self->earlier != NULL && !watch_start_join(self->read, self->earlier)) {
    g_clear_pointer(&self->read, watch_start_free);
    self->order = self->asked;
  }
  watch_start_free(self->earlier);
  self->earlier = g_steal_pointer(&self->read);
  if (self->earlier == NULL)
    return;
  self->order.has_since = TRUE;
  self->order.since = self->earlier->revision;
}

/* A new try: of the rest, or of all if the path has led elsewhere meanwhile. FALSE: it has been
 * tried often enough. */
static gboolean read_more(WatchCall *self) {
  if (++self->tries >= CATCH_UP_TRIES)
    return FALSE;
  if (!reader_was_too_long(face_get_reader(self->face))) {
    g_clear_pointer(&self->earlier, watch_start_free);
    self->order = self->asked;
  }
  submit(self);
  return TRUE;
}

/* What has happened since is read at once, unless it is much again. */
static void add_watch(WatchCall *self) {
  g_autoptr(GError) error = NULL;
  WatchStart *start = NULL;
  Watch *watch = watching_add(service_get_watching(self->face->service), &self->order,
                              dispatch_call_get_sender(self->call), self->earlier, &start, &error);
  gboolean outrun = watch == NULL && (error->code == REGISTRY_ERROR_FAILED ||
                                      reader_was_too_long(face_get_reader(self->face)));
  if (outrun && read_more(self))
    return;
  if (watch != NULL)
    answer_watch(self->call, self->face, watch, start);
  else
    dispatch_call_fail(self->call, error);
  watch_call_free(self);
}

static void on_read(gpointer data, const GError *error) {
  WatchCall *self = data;
  if (error != NULL) {
    dispatch_call_fail(self->call, error);
    watch_call_free(self);
    return;
  }
  take_read(self);
  if (self->earlier != NULL)
    add_watch(self);
  else
    submit(self);
}

static void submit(WatchCall *self) {
  static const ReadingKind reading = {read_on_thread, on_read, watch_call_free};
  readings_submit(self->face->readings,
                  &(ReadingOrder){face_caller(self->call)->uid,
                                  dispatch_call_get_sender(self->call),
                                  service_get_schemas(self->face->service), NULL},
                  &reading, self);
}

static void read_long(DispatchCall *call, BusFace *face, const WatchOrder *order) {
  WatchCall *self = g_new0(WatchCall, 1);
  self->call = call;
  self->face = face;
  self->asked = self->order = *order;
  submit(self);
}

void handle_watch(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  DBusMessageIter in;
  g_autoptr(GError) error = NULL;
  WatchStart *start = NULL;
  Watch *watch = NULL;
  dispatch_call_get_arguments(call, &in);
  WatchOrder order = {.who = face_caller(call), .key = face_take_string(&in), .recursive = TRUE};
  g_autoptr(WireOptions) options = face_take_options(&in, &error);
  gboolean read = options != NULL && read_watch_options(options, &order, &error);
  if (read)
    watch = watching_add(service_get_watching(face->service), &order,
                         dispatch_call_get_sender(call), NULL, &start, &error);
  if (watch != NULL)
    answer_watch(call, face, watch, start);
  else if (read && reader_was_too_long(face_get_reader(face)))
    read_long(call, face, &order);
  else
    dispatch_call_fail(call, error);
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

static void refuse(DBusMessage *message, BusFace *face, const char *why) {
  g_autoptr(GError) error = NULL;
  error_set(&error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s", why);
  g_autoptr(WireMessage) refusal = wire_new_error(message, error);
  if (refusal == NULL || dbus_message_get_no_reply(message))
    return;
  (void)dbus_connection_send(face->connection, refusal, NULL);
  face_note_sent(message, wire_measure(refusal), face);
}

/* ---- calls that wait ---- */

typedef struct {
  BusFace *face;
  char *sender;
} Meeting;

static void introduce(Identity *who, gpointer data) {
  g_autofree Meeting *meeting = data;
  g_autofree char *sender = meeting->sender;
  if (who != NULL && meeting->face->outbox != NULL)
    outbox_introduce(meeting->face->outbox, sender, who->uid, !who->administrator);
}

static void meet_sender(BusFace *face, const char *sender) {
  if (!outbox_meet(face->outbox, sender))
    return;
  Meeting *meeting = g_new0(Meeting, 1);
  meeting->face = face;
  meeting->sender = g_strdup(sender);
  if (callers_identify(face->callers, sender, 0, introduce, meeting))
    return;
  g_free(meeting->sender);
  g_free(meeting);
}

/* A call too many of one that reads nothing gets no answer: that would be one more to keep. */
static void hold(DBusMessage *message, BusFace *face, const char *sender, gboolean reads) {
  if (!outbox_hold(face->outbox, sender, message, wire_measure_call(message)) && reads)
    refuse(message, face,
           "too many calls of this connection wait until it has read what it was sent; wait for "
           "answers before calling on");
}

gboolean registry1_meet(DBusMessage *message, BusFace *face) {
  const char *sender = dbus_message_get_sender(message);
  Watching *watching = service_get_watching(face->service);
  if (face->outbox == NULL || sender == NULL ||
      dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
    return FALSE;
  meet_sender(face, sender);
  if (outbox_is_behind(face->outbox, sender) && !watching_resume_owner(watching, sender) &&
      asks_for_properties(message)) {
    refuse(message, face,
           "this connection has lost signals, and there is no room to say so: read those that "
           "wait for it, then ask again");
    return TRUE;
  }
  gboolean may_answer = outbox_may_answer(face->outbox, sender);
  if (may_answer && !(asks_for_properties(message) && watching_is_behind(watching, sender)))
    return FALSE;
  hold(message, face, sender, may_answer);
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* See read-call.h. */
#include "regd/bus/read-call.h"

#include "client/base/error.h"
#include "client/base/protocol.h"

/* ---- turns on the main loop ---- */

struct ShortTurns {
  GHashTable *spent; /* uid -> gint64 *, µs since `begun` */
  gint64 begun;      /* monotonic µs */
};

ShortTurns *short_turns_new(void) {
  ShortTurns *turns = g_new0(ShortTurns, 1);
  turns->spent = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
  return turns;
}

void short_turns_free(ShortTurns *turns) {
  if (turns == NULL)
    return;
  g_hash_table_unref(turns->spent);
  g_free(turns);
}

/* What the user has spent in the window that @now lies in. */
static gint64 *find_spent(ShortTurns *turns, guint32 uid, gint64 now) {
  if (now - turns->begun >= LIMIT_SHORT_WINDOW_US) {
    g_hash_table_remove_all(turns->spent);
    turns->begun = now;
  }
  gint64 *spent = g_hash_table_lookup(turns->spent, GUINT_TO_POINTER(uid));
  if (spent == NULL) {
    spent = g_new0(gint64, 1);
    g_hash_table_insert(turns->spent, GUINT_TO_POINTER(uid), spent);
  }
  return spent;
}

/* ---- at once ---- */

static DBusMessage *make_reply(DispatchCall *call, const ReadCallKind *kind, gpointer data) {
  DBusMessageIter out;
  DBusMessage *reply = face_begin(call, &out);
  if (!kind->append(&out, data))
    g_clear_pointer(&reply, dbus_message_unref);
  return reply;
}

/* FALSE: it is too long, and not answered. */
static gboolean run_at_once(DispatchCall *call, BusFace *face, const ReadCallKind *kind,
                            gpointer data) {
  Reader *reader = face_get_reader(face);
  g_autoptr(GError) error = NULL;
  if (kind->read(reader, data, &error)) {
    dispatch_call_reply(call, make_reply(call, kind, data));
    kind->clear(data);
    return TRUE;
  }
  kind->clear(data);
  if (reader_was_too_long(reader))
    return FALSE;
  dispatch_call_fail(call, error);
  return TRUE;
}

/* ---- on a thread ---- */

typedef struct {
  DispatchCall *call;
  BusFace *face;
  const ReadCallKind *kind;
  gpointer data;
  DBusMessage *reply; /* NULL: there was no memory for it */
  gsize bytes;        /* of the reply */
} LongCall;

static void long_call_free(gpointer data) {
  LongCall *self = data;
  g_clear_pointer(&self->reply, dbus_message_unref);
  g_free(self->data);
  g_free(self);
}

static gboolean run_long_call(Reader *reader, gpointer data, GError **error) {
  LongCall *self = data;
  gboolean done = self->kind->read(reader, self->data, error);
  if (done)
    self->reply = make_reply(self->call, self->kind, self->data);
  self->bytes = wire_measure(self->reply);
  self->kind->clear(self->data);
  return done;
}

static void on_long_call_run(gpointer data, const GError *error) {
  LongCall *self = data;
  if (error != NULL)
    dispatch_call_fail(self->call, error);
  else
    dispatch_call_reply_measured(self->call, g_steal_pointer(&self->reply), self->bytes);
  long_call_free(self);
}

static const ReadingKind long_call = {run_long_call, on_long_call_run, long_call_free};

void read_call_run_long(DispatchCall *call, BusFace *face, const ReadCallKind *kind,
                        gpointer data) {
  LongCall *self = g_new0(LongCall, 1);
  self->call = call;
  self->face = face;
  self->kind = kind;
  self->data = g_memdup2(data, kind->size);
  const ReadingOrder order = {face_caller(call)->uid, dispatch_call_get_sender(call),
                              service_get_schemas(face->service), face_get_key(call)};
  readings_submit(face->readings, &order, &long_call, self);
}

/* ---- the choice ---- */

/* The readings see to the others. */
static gboolean may_reply(const DispatchCall *call, const BusFace *face) {
  return face->outbox == NULL ||
         outbox_may_reply(face->outbox, dispatch_call_get_sender(call), FALSE);
}

void read_call_run(DispatchCall *call, BusFace *face, const ReadCallKind *kind, gpointer data) {
  guint32 uid = face_caller(call)->uid;
  gint64 begun = g_get_monotonic_time();
  gboolean has_turn = !kind->is_long && may_reply(call, face) &&
                      !readings_has_user(face->readings, uid) &&
                      *find_spent(face->turns, uid, begun) < LIMIT_SHORT_TURN_US;
  gboolean done = has_turn && run_at_once(call, face, kind, data);
  gint64 now = g_get_monotonic_time();
  if (has_turn)
    *find_spent(face->turns, uid, now) += now - begun;
  if (!done)
    read_call_run_long(call, face, kind, data);
}

/* SPDX-License-Identifier: MIT */
/* Flow control. The bus queues what a receiver does not read, counts it as ours,
 * and at its limit stops reading from us: one receiver that sleeps would silence the daemon
 * for all. So each receiver has a window of unread bytes, and each user one for all their
 * connections.
 *
 * Two things tell that something has been read: the answer to a org.freedesktop.DBus.Peer.Ping that
 * was sent after it, which every library gives by itself, but some only when the program runs its
 * main loop; and the bus itself, by GetConnectionStats, which dbus-daemon answers where it was
 * built with statistics. The bus is asked only when a window is full. */
#include "regd/bus/outbox.h"

#include <string.h>

#include "client/base/protocol.h"
#include "client/bus/wire.h"

/* Unread bytes at which a Ping goes out: of a receiver, and of a user. */
#define PING_OWNER_BYTES (256U * 1024U)
#define PING_USER_BYTES (8U * 1024U * 1024U)
#define STATISTICS_INTERFACE "org.freedesktop.DBus.Debug.Stats"

/* Bytes of one user's connections. */
typedef struct {
  guint64 signals, replies; /* not known to be read */
  guint64 held;
} Usage;

struct Outbox {
  DBusConnection *connection;
  OutboxEvents events;
  gpointer data;
  GHashTable *receivers; /* unique name -> Receiver; holds a reference */
  GHashTable *users;     /* uid -> Usage */
  gboolean is_blind;     /* the bus does not tell what is read */
  guint retry;           /* a timer, while a receiver is closed; or 0 */
};

/* Bytes so far. */
typedef struct {
  guint64 sent, read;
  guint64 pinged; /* sent before the Ping under way */
} Account;

typedef struct {
  Outbox *outbox; /* NULL once it has left */
  char *name;
  Usage *usage; /* its user's; NULL: not known yet */
  gboolean limited;
  Account signals, replies;
  gboolean lossy;
  gboolean closed; /* a call has been held back, or waits */
  DBusPendingCall *ping;
  DBusPendingCall *question; /* to the bus */
  guint64 asked;             /* replies that were sent before it */
  GQueue held;               /* of DBusMessage */
  guint64 held_bytes;
} Receiver;

static void receiver_clear(gpointer data) {
  Receiver *receiver = data;
  g_free(receiver->name);
}

static void receiver_unref(gpointer data) {
  g_rc_box_release_full(data, receiver_clear);
}

static guint64 get_unread(const Account *account) {
  return account->sent - account->read;
}

static Usage *get_usage(Outbox *outbox, guint32 uid) {
  Usage *usage = g_hash_table_lookup(outbox->users, GUINT_TO_POINTER(uid));
  if (usage == NULL) {
    usage = g_new0(Usage, 1);
    g_hash_table_insert(outbox->users, GUINT_TO_POINTER(uid), usage);
  }
  return usage;
}

/* What was sent up to @position has been read. */
static void note_read(Account *account, guint64 position, guint64 *of_user) {
  if (position <= account->read)
    return;
  if (of_user != NULL)
    *of_user -= position - account->read;
  account->read = position;
}

static void note_signals_read(Receiver *receiver, guint64 position) {
  note_read(&receiver->signals, position,
            receiver->usage != NULL ? &receiver->usage->signals : NULL);
}

static void note_replies_read(Receiver *receiver, guint64 position) {
  note_read(&receiver->replies, position,
            receiver->usage != NULL ? &receiver->usage->replies : NULL);
}

static void drop_held(Receiver *receiver) {
  g_queue_clear_full(&receiver->held, (GDestroyNotify)dbus_message_unref);
  if (receiver->usage != NULL)
    receiver->usage->held -= receiver->held_bytes;
  receiver->held_bytes = 0;
}

static void cancel(DBusPendingCall **pending) {
  if (*pending == NULL)
    return;
  dbus_pending_call_cancel(*pending);
  g_clear_pointer(pending, dbus_pending_call_unref);
}

static void receiver_dropped(gpointer data) {
  Receiver *receiver = data;
  note_signals_read(receiver, receiver->signals.sent);
  note_replies_read(receiver, receiver->replies.sent);
  drop_held(receiver);
  receiver->outbox = NULL;
  cancel(&receiver->ping);
  cancel(&receiver->question);
  receiver_unref(receiver);
}

Outbox *outbox_new(DBusConnection *connection, const OutboxEvents *events, gpointer data) {
  Outbox *outbox = g_new0(Outbox, 1);
  outbox->connection = dbus_connection_ref(connection);
  outbox->events = *events;
  outbox->data = data;
  outbox->receivers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, receiver_dropped);
  outbox->users = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
  return outbox;
}

void outbox_free(Outbox *outbox) {
  if (outbox == NULL)
    return;
  if (outbox->retry != 0)
    g_source_remove(outbox->retry);
  g_hash_table_unref(outbox->receivers);
  g_hash_table_unref(outbox->users);
  dbus_connection_unref(outbox->connection);
  g_free(outbox);
}

void outbox_forget(Outbox *outbox, const char *owner) {
  g_hash_table_remove(outbox->receivers, owner);
}

static Receiver *get_receiver(Outbox *outbox, const char *owner) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver != NULL)
    return receiver;
  receiver = g_rc_box_new0(Receiver);
  receiver->outbox = outbox;
  receiver->name = g_strdup(owner);
  g_queue_init(&receiver->held);
  g_hash_table_insert(outbox->receivers, receiver->name, receiver);
  return receiver;
}

static void set_user(Receiver *receiver, guint32 uid) {
  if (receiver->usage != NULL)
    return;
  receiver->usage = get_usage(receiver->outbox, uid);
  receiver->usage->signals += get_unread(&receiver->signals);
  receiver->usage->replies += get_unread(&receiver->replies);
  receiver->usage->held += receiver->held_bytes;
}

gboolean outbox_meet(Outbox *outbox, const char *owner) {
  if (g_hash_table_contains(outbox->receivers, owner))
    return FALSE;
  (void)get_receiver(outbox, owner);
  return TRUE;
}

void outbox_introduce(Outbox *outbox, const char *owner, guint32 uid, gboolean limited) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver == NULL)
    return; /* it has left meanwhile */
  set_user(receiver, uid);
  receiver->limited = limited;
}

/* ---- whether one reads ---- */

static gboolean is_open(const Receiver *receiver) {
  guint64 unread = get_unread(&receiver->replies);
  if (receiver->usage == NULL)
    return unread <= LIMIT_UNKNOWN_REPLY_BYTES;
  return unread <= LIMIT_REPLY_WINDOW_BYTES &&
         (!receiver->limited || receiver->usage->replies <= LIMIT_USER_REPLY_BYTES);
}

static void open_if_possible(Receiver *receiver) {
  Outbox *outbox = receiver->outbox;
  if (!receiver->closed || !(outbox->is_blind || is_open(receiver)))
    return;
  receiver->closed = FALSE;
  g_autofree char *name = g_strdup(receiver->name);
  outbox->events.opened(name, outbox->data);
}

/* Names of those that are closed. */
static GPtrArray *list_closed(Outbox *outbox) {
  GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, outbox->receivers);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Receiver *receiver = value;
    if (receiver->closed)
      g_ptr_array_add(names, g_strdup(receiver->name));
  }
  return names;
}

static void ask_bus(Outbox *outbox, Receiver *receiver);

/* Nothing tells when a receiver reads on, or when another one of its user has. */
static gboolean on_retry(gpointer data) {
  Outbox *outbox = data;
  g_autoptr(GPtrArray) names = list_closed(outbox);
  for (guint i = 0; i < names->len; i++) {
    Receiver *receiver = g_hash_table_lookup(outbox->receivers, names->pdata[i]);
    if (receiver == NULL)
      continue;
    if (get_unread(&receiver->replies) > 0)
      ask_bus(outbox, receiver);
    open_if_possible(receiver);
  }
  if (names->len > 0)
    return G_SOURCE_CONTINUE;
  outbox->retry = 0;
  return G_SOURCE_REMOVE;
}

/* The bus does not tell: those that are closed are open from here on. */
static void go_blind(Outbox *outbox) {
  outbox->is_blind = TRUE;
  g_autoptr(GPtrArray) names = list_closed(outbox);
  for (guint i = 0; i < names->len; i++) {
    Receiver *receiver = g_hash_table_lookup(outbox->receivers, names->pdata[i]);
    if (receiver != NULL)
      open_if_possible(receiver);
  }
}

static gboolean does_not_tell(DBusMessage *reply) {
  static const char *const names[] = {DBUS_ERROR_UNKNOWN_METHOD, DBUS_ERROR_UNKNOWN_INTERFACE,
                                      DBUS_ERROR_ACCESS_DENIED, DBUS_ERROR_NOT_SUPPORTED};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (dbus_message_is_error(reply, names[i]))
      return TRUE;
  return FALSE;
}

/* Bytes that the bus has queued for the receiver; FALSE: it does not say. */
static gboolean read_queued(DBusMessage *reply, guint32 *queued) {
  DBusMessageIter iter;
  if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
      !dbus_message_has_signature(reply, "a{sv}"))
    return FALSE;
  dbus_message_iter_init(reply, &iter);
  g_autoptr(WireOptions) statistics = wire_options_read(&iter, NULL);
  return statistics != NULL && wire_options_has(statistics, "OutgoingBytes") &&
         wire_options_get_uint32(statistics, "OutgoingBytes", queued, NULL);
}

static void on_bus_answer(DBusPendingCall *pending, void *data) {
  Receiver *receiver = data;
  Outbox *outbox = receiver->outbox;
  guint32 queued = 0;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  if (outbox == NULL)
    return;
  g_clear_pointer(&receiver->question, dbus_pending_call_unref);
  if (reply == NULL)
    return;
  if (does_not_tell(reply)) {
    go_blind(outbox);
    return;
  }
  if (!read_queued(reply, &queued))
    return;
  note_replies_read(receiver, receiver->asked - MIN(queued, receiver->asked));
  open_if_possible(receiver);
}

/* Sends @message, or FALSE: @pending is NULL then. */
static gboolean send_question(Receiver *receiver, DBusMessage *message, DBusPendingCall **pending,
                              DBusPendingCallNotifyFunction notify) {
  dbus_message_set_auto_start(message, FALSE);
  if (!dbus_connection_send_with_reply(receiver->outbox->connection, message, pending,
                                       DBUS_TIMEOUT_INFINITE) ||
      *pending == NULL)
    return FALSE;
  g_rc_box_acquire(receiver);
  if (!dbus_pending_call_set_notify(*pending, notify, receiver, receiver_unref))
    receiver_unref(receiver);
  return TRUE;
}

static void ask_bus(Outbox *outbox, Receiver *receiver) {
  if (receiver->question != NULL || outbox->is_blind)
    return;
  g_autoptr(WireMessage) message = dbus_message_new_method_call(
      DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, STATISTICS_INTERFACE, "GetConnectionStats");
  const char *name = receiver->name;
  if (message != NULL &&
      dbus_message_append_args(message, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) &&
      send_question(receiver, message, &receiver->question, on_bus_answer))
    receiver->asked = receiver->replies.sent;
}

/* ---- pings ---- */

static void send_ping(Outbox *outbox, Receiver *receiver);

static void tell_resumed(Receiver *receiver) {
  Outbox *outbox = receiver->outbox;
  receiver->lossy = FALSE;
  g_autofree char *name = g_strdup(receiver->name);
  outbox->events.resumed(name, outbox->data);
}

/* Only the receiver's own answer counts: the bus answers for one that it may
 * not ask, or that has left. */
static void on_pong(DBusPendingCall *pending, void *data) {
  Receiver *receiver = data;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  if (receiver->outbox == NULL)
    return;
  g_clear_pointer(&receiver->ping, dbus_pending_call_unref);
  if (reply == NULL || !dbus_message_has_sender(reply, receiver->name))
    return;
  note_signals_read(receiver, receiver->signals.pinged);
  note_replies_read(receiver, receiver->replies.pinged);
  if (get_unread(&receiver->replies) > 0)
    send_ping(receiver->outbox, receiver);
  if (receiver->lossy)
    tell_resumed(receiver);
  if (receiver->outbox != NULL)
    open_if_possible(receiver);
}

static void send_ping(G_GNUC_UNUSED Outbox *outbox, Receiver *receiver) {
  if (receiver->ping != NULL)
    return;
  g_autoptr(WireMessage) message =
      dbus_message_new_method_call(receiver->name, "/", DBUS_INTERFACE_PEER, "Ping");
  if (message == NULL || !send_question(receiver, message, &receiver->ping, on_pong))
    return;
  receiver->signals.pinged = receiver->signals.sent;
  receiver->replies.pinged = receiver->replies.sent;
}

/* ---- signals ---- */

static gboolean has_room(Outbox *outbox, const char *owner, guint32 uid, gsize past_limits) {
  Receiver *receiver = get_receiver(outbox, owner);
  gsize outgoing = (gsize)dbus_connection_get_outgoing_size(outbox->connection);
  set_user(receiver, uid);
  if (get_unread(&receiver->signals) <= LIMIT_WATCHER_QUEUE_BYTES + past_limits &&
      receiver->usage->signals <= LIMIT_USER_QUEUE_BYTES + past_limits &&
      outgoing <= LIMIT_OUTGOING_BYTES + past_limits)
    return TRUE;
  receiver->lossy = TRUE;
  send_ping(outbox, receiver);
  return FALSE;
}

gboolean outbox_has_room(Outbox *outbox, const char *owner, guint32 uid) {
  return has_room(outbox, owner, uid, 0);
}

gboolean outbox_has_room_for_notice(Outbox *outbox, const char *owner, guint32 uid) {
  return has_room(outbox, owner, uid, LIMIT_NOTICE_BYTES);
}

gboolean outbox_is_behind(const Outbox *outbox, const char *owner) {
  const Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  return receiver != NULL && receiver->lossy;
}

static gboolean needs_ping(const Account *account) {
  return account->sent - MAX(account->pinged, account->read) >= PING_OWNER_BYTES;
}

void outbox_send(Outbox *outbox, const char *owner, DBusMessage *message, gsize bytes) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  g_return_if_fail(receiver != NULL && receiver->usage != NULL);
  if (!dbus_connection_send(outbox->connection, message, NULL))
    g_error("out of memory"); /* a watcher who does not know that a signal is lost is out of date */
  receiver->signals.sent += bytes;
  receiver->usage->signals += bytes;
  if (needs_ping(&receiver->signals) || receiver->usage->signals >= PING_USER_BYTES)
    send_ping(outbox, receiver);
}

/* ---- replies ---- */

void outbox_count_reply(Outbox *outbox, const char *owner, gsize bytes) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver == NULL)
    return; /* it has left */
  receiver->replies.sent += bytes;
  if (receiver->usage != NULL)
    receiver->usage->replies += bytes;
  if (needs_ping(&receiver->replies))
    send_ping(outbox, receiver);
}

static void close_receiver(Outbox *outbox, Receiver *receiver) {
  receiver->closed = TRUE;
  ask_bus(outbox, receiver);
  if (outbox->retry == 0)
    outbox->retry = g_timeout_add(LIMIT_OUTBOX_RETRY_MS, on_retry, outbox);
}

/* What is held goes first. */
gboolean outbox_may_answer(Outbox *outbox, const char *owner) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver == NULL)
    return TRUE;
  open_if_possible(receiver);
  if (outbox->is_blind || is_open(receiver))
    return TRUE;
  close_receiver(outbox, receiver);
  return FALSE;
}

gboolean outbox_may_reply(Outbox *outbox, const char *owner, gboolean asks_one) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (dbus_connection_get_outgoing_size(outbox->connection) > (long)LIMIT_REPLY_BACKLOG_BYTES)
    return FALSE;
  if (receiver == NULL || is_open(receiver))
    return TRUE;
  if (outbox->is_blind)
    return asks_one;
  close_receiver(outbox, receiver);
  return FALSE;
}

/* ---- calls that are held back ---- */

static gboolean has_room_to_wait(const Receiver *receiver, gsize bytes) {
  if (receiver->held.length >= LIMIT_HELD_CALLS)
    return FALSE;
  if (receiver->usage == NULL)
    return receiver->held_bytes + bytes <= LIMIT_UNKNOWN_REPLY_BYTES;
  guint64 held = receiver->limited ? receiver->usage->held : receiver->held_bytes;
  return held + bytes <= LIMIT_HELD_BYTES;
}

gboolean outbox_hold(Outbox *outbox, const char *owner, DBusMessage *call, gsize bytes) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver == NULL || !has_room_to_wait(receiver, bytes))
    return FALSE;
  g_queue_push_tail(&receiver->held, dbus_message_ref(call));
  receiver->held_bytes += bytes;
  if (receiver->usage != NULL)
    receiver->usage->held += bytes;
  return TRUE;
}

GQueue outbox_take_held(Outbox *outbox, const char *owner) {
  GQueue taken = G_QUEUE_INIT;
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver == NULL)
    return taken;
  taken = receiver->held;
  g_queue_init(&receiver->held);
  drop_held(receiver);
  return taken;
}

/* SPDX-License-Identifier: MIT */
/* Flow control for signals. The bus queues what a receiver does not read, counts it as ours,
 * and at its limit stops reading from us: one receiver that sleeps would silence the daemon
 * for all. So each receiver has a window of unacknowledged bytes, each user one for all their
 * connections, and the acknowledgement is the answer to org.freedesktop.DBus.Peer.Ping, which
 * every library gives by itself. */
#include "regd/bus/outbox.h"

#include <string.h>

#include "client/base/protocol.h"
#include "client/bus/wire.h"

/* Unacknowledged bytes at which a Ping goes out: of a receiver, and of a user. */
#define PING_OWNER_BYTES (256U * 1024U)
#define PING_USER_BYTES (8U * 1024U * 1024U)

struct Outbox {
  DBusConnection *connection;
  OutboxResumed resumed;
  gpointer data;
  GHashTable *receivers; /* unique name -> Receiver; holds a reference */
  GHashTable *users;     /* uid -> gsize *, unacknowledged bytes */
};

typedef struct {
  Outbox *outbox; /* NULL once it has left */
  char *name;
  guint32 uid;
  gsize unread;                   /* sent and not acknowledged */
  gsize covered;                  /* of them, sent before the Ping under way */
  gsize replies, replies_covered; /* the same of large replies */
  gboolean lossy;
  DBusPendingCall *ping;
} Receiver;

static void receiver_clear(gpointer data) {
  Receiver *receiver = data;
  g_free(receiver->name);
}

static void receiver_unref(gpointer data) {
  g_rc_box_release_full(data, receiver_clear);
}

static gsize *user_bytes(Outbox *outbox, guint32 uid) {
  gsize *bytes = g_hash_table_lookup(outbox->users, GUINT_TO_POINTER(uid));
  if (bytes == NULL) {
    bytes = g_new0(gsize, 1);
    g_hash_table_insert(outbox->users, GUINT_TO_POINTER(uid), bytes);
  }
  return bytes;
}

static void count_off(Outbox *outbox, Receiver *receiver, gsize bytes) {
  gsize *total = user_bytes(outbox, receiver->uid);
  receiver->unread -= bytes;
  *total -= bytes;
  if (*total == 0)
    g_hash_table_remove(outbox->users, GUINT_TO_POINTER(receiver->uid));
}

static void receiver_dropped(gpointer data) {
  Receiver *receiver = data;
  count_off(receiver->outbox, receiver, receiver->unread);
  receiver->outbox = NULL;
  if (receiver->ping != NULL) {
    dbus_pending_call_cancel(receiver->ping);
    g_clear_pointer(&receiver->ping, dbus_pending_call_unref);
  }
  receiver_unref(receiver);
}

Outbox *outbox_new(DBusConnection *connection, OutboxResumed resumed, gpointer data) {
  Outbox *outbox = g_new0(Outbox, 1);
  outbox->connection = dbus_connection_ref(connection);
  outbox->resumed = resumed;
  outbox->data = data;
  outbox->receivers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, receiver_dropped);
  outbox->users = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
  return outbox;
}

void outbox_free(Outbox *outbox) {
  if (outbox == NULL)
    return;
  g_hash_table_unref(outbox->receivers);
  g_hash_table_unref(outbox->users);
  dbus_connection_unref(outbox->connection);
  g_free(outbox);
}

void outbox_forget(Outbox *outbox, const char *owner) {
  g_hash_table_remove(outbox->receivers, owner);
}

static Receiver *get_receiver(Outbox *outbox, const char *owner, guint32 uid) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (receiver != NULL)
    return receiver;
  receiver = g_rc_box_new0(Receiver);
  receiver->outbox = outbox;
  receiver->name = g_strdup(owner);
  receiver->uid = uid;
  g_hash_table_insert(outbox->receivers, receiver->name, receiver);
  return receiver;
}

/* ---- pings ---- */

static void send_ping(Outbox *outbox, Receiver *receiver);

/* Only the receiver's own answer counts: the bus answers for one that it may
 * not ask, or that has left. */
static void on_pong(DBusPendingCall *pending, void *data) {
  Receiver *receiver = data;
  Outbox *outbox = receiver->outbox;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  if (outbox == NULL)
    return;
  g_clear_pointer(&receiver->ping, dbus_pending_call_unref);
  if (reply == NULL || !dbus_message_has_sender(reply, receiver->name))
    return;
  count_off(outbox, receiver, receiver->covered);
  receiver->covered = 0;
  receiver->replies -= receiver->replies_covered;
  receiver->replies_covered = 0;
  if (receiver->replies > 0)
    send_ping(outbox, receiver);
  if (!receiver->lossy)
    return;
  receiver->lossy = FALSE;
  g_autofree char *name = g_strdup(receiver->name);
  outbox->resumed(name, outbox->data);
}

static void send_ping(Outbox *outbox, Receiver *receiver) {
  if (receiver->ping != NULL)
    return;
  g_autoptr(WireMessage) message =
      dbus_message_new_method_call(receiver->name, "/", DBUS_INTERFACE_PEER, "Ping");
  if (message == NULL)
    return;
  dbus_message_set_auto_start(message, FALSE);
  if (!dbus_connection_send_with_reply(outbox->connection, message, &receiver->ping,
                                       DBUS_TIMEOUT_INFINITE) ||
      receiver->ping == NULL)
    return;
  receiver->covered = receiver->unread;
  receiver->replies_covered = receiver->replies;
  g_rc_box_acquire(receiver);
  if (!dbus_pending_call_set_notify(receiver->ping, on_pong, receiver, receiver_unref))
    receiver_unref(receiver);
}

/* ---- sending ---- */

static gboolean has_room(Outbox *outbox, const char *owner, guint32 uid, gsize past_limits) {
  Receiver *receiver = get_receiver(outbox, owner, uid);
  gsize outgoing = (gsize)dbus_connection_get_outgoing_size(outbox->connection);
  if (receiver->unread <= LIMIT_WATCHER_QUEUE_BYTES + past_limits &&
      *user_bytes(outbox, uid) <= LIMIT_USER_QUEUE_BYTES + past_limits &&
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

void outbox_send(Outbox *outbox, const char *owner, DBusMessage *message, gsize bytes) {
  Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  g_return_if_fail(receiver != NULL);
  gsize *total = user_bytes(outbox, receiver->uid);
  if (!dbus_connection_send(outbox->connection, message, NULL))
    g_error("out of memory"); /* a watcher who does not know that a signal is lost is out of date */
  receiver->unread += bytes;
  *total += bytes;
  if (receiver->unread - receiver->covered >= PING_OWNER_BYTES || *total >= PING_USER_BYTES)
    send_ping(outbox, receiver);
}

/* ---- replies ---- */

void outbox_count_reply(Outbox *outbox, const char *owner, guint32 uid, gsize bytes) {
  Receiver *receiver = get_receiver(outbox, owner, uid);
  receiver->replies += bytes;
  if (receiver->replies - receiver->replies_covered >= PING_OWNER_BYTES)
    send_ping(outbox, receiver);
}

gboolean outbox_may_reply(const Outbox *outbox, const char *owner, gboolean asks_one) {
  const Receiver *receiver = g_hash_table_lookup(outbox->receivers, owner);
  if (dbus_connection_get_outgoing_size(outbox->connection) > (long)LIMIT_REPLY_BACKLOG_BYTES)
    return FALSE;
  return asks_one || receiver == NULL || receiver->replies <= LIMIT_REPLY_WINDOW_BYTES;
}

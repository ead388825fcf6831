/* SPDX-License-Identifier: MIT */
/* See bus-peers.h. */
#include "mailauth/verifier/bus-peers.h"

#include "client/bus/wire.h"

/* Connections remembered. */
#define MAX_PEERS 4096U
#define OWNER_RULE                                                                                 \
  "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"                      \
  "interface='org.freedesktop.DBus',member='NameOwnerChanged'"

struct BusPeers {
  DBusConnection *connection; /* NULL while there is none */
  gboolean is_watching;
  GHashTable *uids; /* unique name -> uid */
};

BusPeers *bus_peers_new(void) {
  BusPeers *peers = g_new0(BusPeers, 1);
  peers->uids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return peers;
}

void bus_peers_free(BusPeers *peers) {
  if (peers == NULL)
    return;
  g_hash_table_unref(peers->uids);
  g_free(peers);
}

/* ---- asking the bus ---- */

static void call_bus(const BusPeers *peers, const char *member, const char *name,
                     DBusPendingCallNotifyFunction answered, gpointer data) {
  g_autoptr(WireMessage) call =
      dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, member);
  DBusPendingCall *pending = NULL;
  gboolean made = call != NULL &&
                  (name == NULL ||
                   dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID)) &&
                  dbus_connection_send_with_reply(peers->connection, call, &pending, -1) &&
                  pending != NULL;
  if (!made)
    return;
  dbus_pending_call_set_notify(pending, answered, data, NULL);
  dbus_pending_call_unref(pending);
}

typedef struct {
  BusPeerKnown known;
  gpointer data;
} Inquiry;

static void on_uid(DBusPendingCall *pending, void *data) {
  g_autofree Inquiry *inquiry = data;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  dbus_uint32_t number = 0;
  gboolean is_told =
      reply != NULL && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
      dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
  const guint32 uid = number;
  inquiry->known(is_told ? &uid : NULL, inquiry->data);
}

void bus_peers_ask(BusPeers *peers, const char *name, BusPeerKnown known, gpointer data) {
  Inquiry *inquiry = g_new0(Inquiry, 1);
  *inquiry = (Inquiry){known, data};
  call_bus(peers, "GetConnectionUnixUser", name, on_uid, inquiry);
}

/* ---- the list ---- */

typedef struct {
  BusPeers *peers;
  char *name;
} Newcomer;

static void on_newcomer(const guint32 *uid, gpointer data) {
  Newcomer *newcomer = data;
  const BusPeers *peers = newcomer->peers;
  if (uid != NULL && peers->connection != NULL && g_hash_table_size(peers->uids) < MAX_PEERS)
    g_hash_table_replace(peers->uids, g_steal_pointer(&newcomer->name), GUINT_TO_POINTER(*uid));
  g_free(newcomer->name);
  g_free(newcomer);
}

static void ask_about(BusPeers *peers, const char *name) {
  if (*name != ':' || g_str_equal(name, dbus_bus_get_unique_name(peers->connection)))
    return;
  Newcomer *newcomer = g_new0(Newcomer, 1);
  *newcomer = (Newcomer){peers, g_strdup(name)};
  bus_peers_ask(peers, name, on_newcomer, newcomer);
}

static void on_names(DBusPendingCall *pending, void *data) {
  BusPeers *peers = data;
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  char **names = NULL;
  int count = 0;
  if (reply == NULL || peers->connection == NULL ||
      !dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &count,
                             DBUS_TYPE_INVALID))
    return;
  for (int i = 0; i < count; i++)
    ask_about(peers, names[i]);
  dbus_free_string_array(names);
}

void bus_peers_take_message(BusPeers *peers, DBusMessage *message) {
  const char *name = NULL;
  const char *old = NULL;
  const char *new = NULL;
  if (!peers->is_watching ||
      !dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") ||
      !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
                             DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID))
    return;
  if (*new == '\0')
    g_hash_table_remove(peers->uids, name);
  else
    ask_about(peers, name);
}

void bus_peers_enter(BusPeers *peers, DBusConnection *connection, gboolean is_watching) {
  peers->connection = connection;
  peers->is_watching = is_watching;
  if (!is_watching)
    return;
  dbus_bus_add_match(connection, OWNER_RULE, NULL);
  call_bus(peers, "ListNames", NULL, on_names, peers);
}

void bus_peers_leave(BusPeers *peers) {
  peers->connection = NULL;
  g_hash_table_remove_all(peers->uids);
}

void bus_peers_visit(const BusPeers *peers, BusPeerVisit visit, gpointer data) {
  GHashTableIter iterator;
  gpointer name = NULL;
  gpointer uid = NULL;
  g_hash_table_iter_init(&iterator, peers->uids);
  while (g_hash_table_iter_next(&iterator, &name, &uid))
    visit(name, GPOINTER_TO_UINT(uid), data);
}

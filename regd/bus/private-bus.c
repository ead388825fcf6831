/* SPDX-License-Identifier: MIT */
/* What of the D-Bus specification's message bus two peers need: names, who the
 * other is, and every message of one handed to the other with its sender. */
#include "regd/bus/private-bus.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/wire.h"
#include "client/threads/thread-shortage.h"

enum { PEER_DAEMON, PEER_CLIENT, N_PEERS };

typedef struct {
  PrivateBus *bus;
  DBusConnection *connection;
  LoopBinding *binding;
  const char *name; /* the unique one */
} Peer;

struct PrivateBus {
  char *directory;
  char *address;
  PrivateBusEnded ended;
  gpointer data;
  GMainContext *context; /* the thread's */
  GMainLoop *loop;
  GThread *thread;
  DBusServer *server;
  LoopBinding *binding;
  Peer peers[N_PEERS];
  GSource *timeout;
  gboolean told;
};

static const char *const unique_names[N_PEERS] = {":1.0", ":1.1"};

static Peer *get_other(const Peer *peer) {
  return &peer->bus->peers[peer->name == unique_names[PEER_DAEMON] ? PEER_CLIENT : PEER_DAEMON];
}

static gboolean is_there(const Peer *peer) {
  return peer->connection != NULL && dbus_connection_get_is_connected(peer->connection);
}

static Peer *find_named(PrivateBus *bus, const char *name) {
  if (strcmp(name, REGISTRY_BUS_NAME) == 0)
    name = unique_names[PEER_DAEMON];
  for (guint i = 0; i < N_PEERS; i++)
    if (is_there(&bus->peers[i]) && strcmp(name, bus->peers[i].name) == 0)
      return &bus->peers[i];
  return NULL;
}

/* ---- the end ---- */

static gboolean tell_ended(gpointer data) {
  PrivateBus *bus = data;
  bus->ended(bus->data);
  return G_SOURCE_REMOVE;
}

static void end(PrivateBus *bus) {
  if (bus->told)
    return;
  bus->told = TRUE;
  g_main_context_invoke(NULL, tell_ended, bus);
}

static gboolean on_no_client(gpointer data) {
  PrivateBus *bus = data;
  if (!is_there(&bus->peers[PEER_CLIENT]))
    end(bus);
  return G_SOURCE_REMOVE;
}

/* ---- the bus's own methods ---- */

/* Fills in the reply to @call, or returns FALSE: there is no such name. */
typedef gboolean (*Answer)(Peer *peer, DBusMessage *call, DBusMessageIter *reply);

static Peer *find_asked(Peer *peer, DBusMessage *call) {
  const char *name = NULL;
  if (!dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
    return NULL;
  return find_named(peer->bus, name);
}

static gboolean answer_hello(Peer *peer, G_GNUC_UNUSED DBusMessage *call, DBusMessageIter *reply) {
  return wire_append_string(reply, peer->name);
}

static gboolean answer_request_name(Peer *peer, G_GNUC_UNUSED DBusMessage *call,
                                    DBusMessageIter *reply) {
  dbus_uint32_t owner = DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER;
  return peer->name == unique_names[PEER_DAEMON] &&
         dbus_message_iter_append_basic(reply, DBUS_TYPE_UINT32, &owner);
}

static gboolean answer_nothing(G_GNUC_UNUSED Peer *peer, G_GNUC_UNUSED DBusMessage *call,
                               G_GNUC_UNUSED DBusMessageIter *reply) {
  return TRUE;
}

static gboolean answer_owner(Peer *peer, DBusMessage *call, DBusMessageIter *reply) {
  const Peer *asked = find_asked(peer, call);
  return asked != NULL && wire_append_string(reply, asked->name);
}

static gboolean answer_credentials(Peer *peer, DBusMessage *call, DBusMessageIter *reply) {
  const Peer *asked = find_asked(peer, call);
  unsigned long user = 0;
  unsigned long process = 0;
  DBusMessageIter dict;
  if (asked == NULL || !dbus_connection_get_unix_user(asked->connection, &user))
    return FALSE;
  (void)dbus_connection_get_unix_process_id(asked->connection, &process);
  return dbus_message_iter_open_container(reply, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         wire_end_container(reply, &dict,
                            wire_append_entry_uint32(&dict, "UnixUserID", (guint32)user) &&
                                wire_append_entry_uint32(&dict, "ProcessID", (guint32)process));
}

static const struct {
  const char *member;
  Answer answer;
} methods[] = {
    {"Hello", answer_hello},        {"RequestName", answer_request_name},
    {"AddMatch", answer_nothing},   {"RemoveMatch", answer_nothing},
    {"GetNameOwner", answer_owner}, {"GetConnectionCredentials", answer_credentials},
};

static void send_from_bus(Peer *peer, DBusMessage *message) {
  if (message == NULL)
    return;
  if (dbus_message_set_sender(message, DBUS_SERVICE_DBUS) &&
      dbus_message_set_destination(message, peer->name))
    (void)dbus_connection_send(peer->connection, message, NULL);
}

static void answer_call(Peer *peer, DBusMessage *call) {
  DBusMessageIter iter;
  g_autoptr(WireMessage) reply = NULL;
  const char *problem = DBUS_ERROR_UNKNOWN_METHOD;
  for (gsize i = 0; i < G_N_ELEMENTS(methods) && reply == NULL; i++) {
    if (!dbus_message_has_member(call, methods[i].member))
      continue;
    reply = dbus_message_new_method_return(call);
    dbus_message_iter_init_append(reply, &iter);
    problem = DBUS_ERROR_NAME_HAS_NO_OWNER;
    if (methods[i].answer(peer, call, &iter))
      problem = NULL;
    else
      g_clear_pointer(&reply, dbus_message_unref);
    break;
  }
  if (problem != NULL)
    reply = dbus_message_new_error(call, problem, "the private bus has no answer to that");
  if (!dbus_message_get_no_reply(call))
    send_from_bus(peer, reply);
}

/* ---- messages ---- */

static void tell_left(const Peer *peer) {
  Peer *other = get_other(peer);
  const char *nobody = "";
  if (!is_there(other))
    return;
  g_autoptr(WireMessage) left =
      dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameOwnerChanged");
  if (dbus_message_append_args(left, DBUS_TYPE_STRING, &peer->name, DBUS_TYPE_STRING, &peer->name,
                               DBUS_TYPE_STRING, &nobody, DBUS_TYPE_INVALID))
    send_from_bus(other, left);
}

static void hand_over(Peer *peer, DBusMessage *message) {
  Peer *other = get_other(peer);
  if (is_there(other)) {
    (void)dbus_connection_send(other->connection, message, NULL);
    return;
  }
  if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
      dbus_message_get_no_reply(message))
    return;
  g_autoptr(WireMessage) reply =
      dbus_message_new_error(message, DBUS_ERROR_SERVICE_UNKNOWN, "nobody is there any more");
  send_from_bus(peer, reply);
}

static DBusHandlerResult on_message(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                    void *data) {
  Peer *peer = data;
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
    tell_left(peer);
    if (peer->name == unique_names[PEER_CLIENT])
      end(peer->bus);
  } else if (dbus_message_has_destination(message, DBUS_SERVICE_DBUS)) {
    answer_call(peer, message);
  } else if (dbus_message_set_sender(message, peer->name)) {
    hand_over(peer, message);
  }
  return DBUS_HANDLER_RESULT_HANDLED;
}

/* Who comes third is let go of again. */
static void on_connection(G_GNUC_UNUSED DBusServer *server, DBusConnection *connection,
                          void *data) {
  PrivateBus *bus = data;
  for (guint i = 0; i < N_PEERS; i++) {
    Peer *peer = &bus->peers[i];
    if (peer->connection != NULL)
      continue;
    peer->bus = bus;
    peer->name = unique_names[i];
    peer->connection = dbus_connection_ref(connection);
    dbus_connection_set_route_peer_messages(connection, TRUE);
    (void)dbus_connection_add_filter(connection, on_message, peer, NULL);
    peer->binding = loop_bind(connection, bus->context);
    return;
  }
}

/* ---- life ---- */

static gpointer run(gpointer data) {
  PrivateBus *bus = data;
  g_main_loop_run(bus->loop);
  return NULL;
}

static gboolean listen_at(PrivateBus *bus, GError **error) {
  static const char *mechanisms[] = {"EXTERNAL", NULL};
  DBusError problem = DBUS_ERROR_INIT;
  g_autofree char *address = g_strdup_printf("unix:path=%s/bus", bus->directory);
  bus->server = dbus_server_listen(address, &problem);
  if (bus->server == NULL)
    return wire_take_dbus_error(&problem, error);
  bus->address = g_steal_pointer(&address);
  dbus_server_set_new_connection_function(bus->server, on_connection, bus, NULL);
  bus->binding = loop_bind_server(bus->server, bus->context);
  return bus->binding != NULL && dbus_server_set_auth_mechanisms(bus->server, mechanisms);
}

PrivateBus *private_bus_start(PrivateBusEnded ended, gpointer data, GError **error) {
  g_autoptr(PrivateBus) bus = g_new0(PrivateBus, 1);
  g_autofree char *template = g_build_filename(g_get_tmp_dir(), "regd-XXXXXX", NULL);
  bus->ended = ended;
  bus->data = data;
  bus->context = g_main_context_new();
  bus->loop = g_main_loop_new(bus->context, FALSE);
  bus->timeout = g_timeout_source_new_seconds(PRIVATE_BUS_TIMEOUT_SECONDS);
  g_source_set_callback(bus->timeout, on_no_client, bus, NULL);
  g_source_attach(bus->timeout, bus->context);
  if (g_mkdtemp(template) == NULL) { /* mode 0700 */
    error_set(error, REGISTRY_ERROR_FAILED, "a directory can't be made in %s", g_get_tmp_dir());
    return NULL;
  }
  bus->directory = g_steal_pointer(&template);
  if (!listen_at(bus, error))
    return NULL;
  bus->thread = thread_shortage_try("private bus", run, bus, error);
  return bus->thread != NULL ? g_steal_pointer(&bus) : NULL;
}

const char *private_bus_get_address(const PrivateBus *bus) {
  return bus->address;
}

static gboolean quit(gpointer data) {
  g_main_loop_quit(data);
  return G_SOURCE_REMOVE;
}

static void peer_clear(Peer *peer) {
  if (peer->connection == NULL)
    return;
  dbus_connection_remove_filter(peer->connection, on_message, peer);
  loop_binding_free(peer->binding);
  loop_disconnect(peer->connection);
}

static void stop_listening(PrivateBus *bus) {
  if (bus->server == NULL)
    return;
  loop_binding_free(bus->binding);
  dbus_server_disconnect(bus->server);
  dbus_server_unref(bus->server);
}

void private_bus_stop(PrivateBus *bus) {
  if (bus == NULL)
    return;
  if (bus->thread != NULL) {
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_callback(source, quit, bus->loop, NULL);
    g_source_attach(source, bus->context);
    g_thread_join(bus->thread);
  }
  for (guint i = 0; i < N_PEERS; i++)
    peer_clear(&bus->peers[i]);
  stop_listening(bus);
  if (bus->directory != NULL)
    (void)g_rmdir(bus->directory);
  g_source_destroy(bus->timeout);
  g_source_unref(bus->timeout);
  g_main_loop_unref(bus->loop);
  g_main_context_unref(bus->context);
  g_free(bus->directory);
  g_free(bus->address);
  g_free(bus);
}

/* SPDX-License-Identifier: MIT */
/* The connection to the bus and the daemon's presence on it.
 *
 * It connects, reconnects with growing delays, and knows which connection on the bus is
 * the daemon. It reads no message of the daemon's own interface: calls are in call.c, and
 * signals go to the listeners, which are the views.
 *
 * Only the daemon's unique name is trusted as the sender of signals, since anybody on
 * the bus can send one. When the bus goes away, the listeners hear of it first, then the
 * companion (which waits for syncs), then the remaining calls.
 */
#include "client/connection/connection.h"

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/connection/connection-private.h"

/* A connection that lived shorter does not reset the delays, so that a bus that refuses
 * all clients is not stormed. */
#define CONNECTED_WELL_US (2 * G_USEC_PER_SEC)
#define BUS_TIMEOUT_MS 10000 /* for Hello and the other calls to the bus itself */

#define OWNER_RULE                                                                                 \
  "type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS                   \
  "',member='NameOwnerChanged',arg0='" REGISTRY_BUS_NAME "'"

typedef struct {
  const ConnectionListener *functions;
  gpointer data;
} Listener;

/* ---- listeners ---- */

void connection_add_listener(RegistryConnection *connection, const ConnectionListener *listener,
                             gpointer data) {
  Listener *added = g_new0(Listener, 1);
  added->functions = listener;
  added->data = data;
  g_ptr_array_add(connection->listeners, added);
}

static Listener *find_listener(RegistryConnection *connection, gpointer data) {
  for (guint i = 0; i < connection->listeners->len; i++) {
    Listener *listener = connection->listeners->pdata[i];
    if (listener->data == data)
      return listener;
  }
  return NULL;
}

void connection_remove_listener(RegistryConnection *connection, gpointer data) {
  Listener *listener = find_listener(connection, data);
  if (listener != NULL)
    g_ptr_array_remove(connection->listeners, listener);
}

void connection_set_companion(RegistryConnection *connection, const ConnectionListener *listener,
                              gpointer companion, GDestroyNotify companion_free) {
  connection->companion_functions = listener;
  connection->companion = companion;
  connection->companion_free = companion_free;
}

gpointer connection_get_companion(const RegistryConnection *connection) {
  return connection->companion;
}

/* The listeners' data, as a copy: the list may change while they are called. */
static GPtrArray *list_listening(RegistryConnection *connection) {
  GPtrArray *listening = g_ptr_array_new();
  for (guint i = 0; i < connection->listeners->len; i++)
    g_ptr_array_add(listening, ((Listener *)connection->listeners->pdata[i])->data);
  return listening;
}

static void tell_presence(RegistryConnection *connection) {
  g_autoptr(GPtrArray) listening = list_listening(connection);
  for (guint i = 0; i < listening->len; i++) {
    Listener *listener = find_listener(connection, listening->pdata[i]);
    if (listener != NULL)
      listener->functions->presence_changed(listener->data, connection->presence);
  }
  if (connection->companion != NULL)
    connection->companion_functions->presence_changed(connection->companion, connection->presence);
}

static void tell_signal(RegistryConnection *connection, DBusMessage *message) {
  g_autoptr(GPtrArray) listening = list_listening(connection);
  for (guint i = 0; i < listening->len; i++) {
    Listener *listener = find_listener(connection, listening->pdata[i]);
    if (listener != NULL)
      listener->functions->signalled(listener->data, message);
  }
}

/* ---- silence ---- */

void connection_tell_answering(RegistryConnection *connection) {
  gboolean answering = !silence_is_on(connection->silence);
  registry_connection_ref(connection);
  g_autoptr(GPtrArray) listening = list_listening(connection);
  for (guint i = 0; i < listening->len; i++) {
    Listener *listener = find_listener(connection, listening->pdata[i]);
    if (listener != NULL && listener->functions->answering_changed != NULL)
      listener->functions->answering_changed(listener->data, answering);
  }
  if (connection->companion != NULL)
    connection->companion_functions->answering_changed(connection->companion, answering);
  if (connection->answering_changed != NULL)
    connection->answering_changed(connection, answering, connection->answering_data);
  registry_connection_unref(connection);
}

static gboolean is_waited_for(gpointer data) {
  const RegistryConnection *connection = data;
  return connection->calls->len > (connection->ping != NULL ? 1 : 0);
}

static void on_pong(G_GNUC_UNUSED DBusMessage *reply, G_GNUC_UNUSED const GError *error,
                    gpointer data) {
  RegistryConnection *connection = data;
  /* That it came has been noted, as of any message. */
  connection->ping = NULL;
}

static void send_ping(gpointer data) {
  RegistryConnection *connection = data;
  g_autoptr(WireMessage) call = connection_new_bound_call(connection, DBUS_INTERFACE_PEER, "Ping");
  g_clear_pointer(&connection->ping, connection_call_cancel);
  connection->ping =
      connection_call_async(connection, call, CALL_TIMEOUT_NONE, on_pong, connection);
}

static void on_silence(gpointer data) {
  connection_tell_answering(data);
}

static const SilenceEvents silence_events = {
    .is_waited_for = is_waited_for, .ask = send_ping, .begun = on_silence};

gboolean registry_connection_is_answering(const RegistryConnection *connection) {
  return !silence_is_on(connection->silence);
}

void registry_connection_follow_answering(RegistryConnection *connection,
                                          RegistryConnectionAnswering changed, gpointer data) {
  connection->answering_changed = changed;
  connection->answering_data = data;
  silence_probe(connection->silence);
}

void registry_connection_set_interactive(RegistryConnection *connection, gboolean interactive) {
  connection->interactive = interactive;
}

void connection_set_silence_limit(RegistryConnection *connection, guint limit_ms) {
  silence_set_limit(connection->silence, limit_ms);
}

/* ---- presence ---- */

/* The silent daemon is away, or another one has replaced it. TRUE: there was a silence. */
static gboolean forget_silence(RegistryConnection *connection) {
  gboolean was_silent = silence_is_on(connection->silence);
  g_clear_pointer(&connection->ping, connection_call_cancel);
  if (connection->owner != NULL)
    silence_note_presence(connection->silence);
  else
    silence_note_absence(connection->silence);
  return was_silent;
}

static void set_presence(RegistryConnection *connection, Presence presence, const char *owner) {
  if (connection->presence == presence && g_strcmp0(connection->owner, owner) == 0)
    return;
  gboolean replaced = connection->presence == PRESENCE_PRESENT && presence == PRESENCE_PRESENT;
  g_autofree char *copy = g_strdup(owner);
  if (replaced)
    set_presence(connection, PRESENCE_ABSENT, NULL);
  connection->presence = presence;
  g_free(connection->owner);
  connection->owner = g_steal_pointer(&copy);
  gboolean was_silent = forget_silence(connection);
  tell_presence(connection);
  /* Last, so that the views know by then whether a daemon is there. */
  if (was_silent && connection->answering_changed != NULL)
    connection->answering_changed(connection, TRUE, connection->answering_data);
}

static void on_owner(DBusMessage *reply, G_GNUC_UNUSED const GError *error, gpointer data) {
  RegistryConnection *connection = data;
  const char *owner = NULL;
  if (reply != NULL &&
      dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
    set_presence(connection, PRESENCE_PRESENT, owner);
  else
    set_presence(connection, PRESENCE_ABSENT, NULL);
}

static void on_owner_changed(RegistryConnection *connection, DBusMessage *message) {
  const char *name = NULL;
  const char *before = NULL;
  const char *after = NULL;
  if (!dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
      !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                             DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) ||
      !g_str_equal(name, REGISTRY_BUS_NAME))
    return;
  gboolean owned = *after != '\0';
  set_presence(connection, owned ? PRESENCE_PRESENT : PRESENCE_ABSENT, owned ? after : NULL);
}

static void ask_owner(RegistryConnection *connection) {
  const char *name = REGISTRY_BUS_NAME;
  g_autoptr(WireMessage) call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                             DBUS_INTERFACE_DBUS, "GetNameOwner");
  if (call != NULL)
    dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
  connection_call_async(connection, call, BUS_TIMEOUT_MS, on_owner, connection);
}

/* ---- connecting and connecting again ---- */

static void on_disconnected(RegistryConnection *connection) {
  gint64 lived = g_get_monotonic_time() - connection->connected_at;
  if (connection->connected_at != 0 && lived >= CONNECTED_WELL_US)
    retry_reset(connection->retry);
  connection->connected_at = 0;
  retry_later(connection->retry);
  set_presence(connection, PRESENCE_ABSENT, NULL);
  call_fail_all(connection);
}

gboolean connection_note_message(RegistryConnection *connection, DBusMessage *message) {
  return connection->owner != NULL && dbus_message_has_sender(message, connection->owner) &&
         silence_note_message(connection->silence);
}

static DBusHandlerResult filter(G_GNUC_UNUSED DBusConnection *bus_connection, DBusMessage *message,
                                void *data) {
  RegistryConnection *connection = registry_connection_ref(data);
  if (connection_note_message(connection, message))
    connection_tell_answering(connection);
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
    on_disconnected(connection);
  else if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
    on_owner_changed(connection, message);
  else if (dbus_message_is_signal(message, REGISTRY_INTERFACE, "Changed") &&
           connection->owner != NULL && dbus_message_has_sender(message, connection->owner))
    tell_signal(connection, message);
  registry_connection_unref(connection);
  return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void drop_bus(RegistryConnection *connection) {
  if (connection->bus_connection == NULL)
    return;
  dbus_connection_remove_filter(connection->bus_connection, filter, connection);
  g_clear_pointer(&connection->binding, loop_binding_free);
  g_clear_pointer(&connection->bus_connection, loop_disconnect);
}

/* Takes @bus_connection, which is none or new. FALSE: there is none. */
static gboolean take_bus(RegistryConnection *connection, DBusConnection *bus_connection) {
  if (bus_connection == NULL)
    return FALSE;
  connection->bus_connection = bus_connection;
  connection->binding = loop_bind(bus_connection, connection->context);
  if (connection->binding != NULL &&
      dbus_connection_add_filter(bus_connection, filter, connection, NULL))
    return TRUE;
  drop_bus(connection);
  return FALSE;
}

/* After Hello was answered. */
static void begin(RegistryConnection *connection) {
  connection->connected_at = g_get_monotonic_time();
  connection->presence = PRESENCE_UNKNOWN;
  /* Without an error argument it does not wait for the reply. */
  dbus_bus_add_match(connection->bus_connection, OWNER_RULE, NULL);
  ask_owner(connection);
}

static void on_hello(DBusMessage *reply, G_GNUC_UNUSED const GError *error, gpointer data) {
  RegistryConnection *connection = data;
  const char *name = NULL;
  if (reply != NULL &&
      dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) &&
      dbus_bus_set_unique_name(connection->bus_connection, name)) {
    begin(connection);
    return;
  }
  retry_later(connection->retry);
  set_presence(connection, PRESENCE_ABSENT, NULL);
  call_fail_all(connection);
}

/* The loop waits for the reply to Hello: a bus that accepts connections and never answers
 * must not block the caller. */
static void attempt(gpointer data) {
  RegistryConnection *connection = data;
  drop_bus(connection);
  if (!take_bus(connection, loop_open(connection->bus, NULL))) {
    retry_later(connection->retry);
    return;
  }
  connection->presence = PRESENCE_UNKNOWN;
  g_autoptr(WireMessage) hello = loop_new_hello();
  connection_call_async(connection, hello, BUS_TIMEOUT_MS, on_hello, connection);
}

/* ---- making and ending ---- */

static RegistryConnection *connection_make(const char *bus, GMainContext *context) {
  RegistryConnection *connection = g_new0(RegistryConnection, 1);
  connection->references = 1;
  connection->bus = g_strdup(bus != NULL ? bus : "system");
  connection->context =
      context != NULL ? g_main_context_ref(context) : g_main_context_ref_thread_default();
  connection->retry = retry_new(connection->context, attempt, connection);
  connection->presence = PRESENCE_ABSENT;
  connection->calls = g_ptr_array_new();
  connection->listeners = g_ptr_array_new_with_free_func(g_free);
  connection->silence = silence_new(connection->context, &silence_events, connection);
  return connection;
}

RegistryConnection *registry_connection_new(const char *bus, GMainContext *context,
                                            GError **error) {
  DBusConnection *bus_connection = loop_connect(bus, error);
  if (bus_connection == NULL)
    return NULL;
  RegistryConnection *connection = connection_make(bus, context);
  if (take_bus(connection, bus_connection))
    begin(connection);
  else
    retry_later(connection->retry);
  return connection;
}

RegistryConnection *registry_connection_new_patient(const char *bus, GMainContext *context) {
  RegistryConnection *connection = connection_make(bus, context);
  attempt(connection);
  return connection;
}

RegistryConnection *registry_connection_ref(RegistryConnection *connection) {
  connection->references++;
  return connection;
}

void registry_connection_unref(RegistryConnection *connection) {
  if (connection == NULL || --connection->references > 0)
    return;
  if (connection->companion != NULL)
    connection->companion_free(connection->companion);
  silence_free(connection->silence);
  call_drop_all(connection);
  drop_bus(connection);
  retry_free(connection->retry);
  g_ptr_array_unref(connection->calls);
  g_ptr_array_unref(connection->listeners);
  g_main_context_unref(connection->context);
  g_free(connection->owner);
  g_free(connection->bus);
  g_free(connection);
}

/* ---- what others ask ---- */

const char *connection_get_owner(const RegistryConnection *connection) {
  return connection->owner;
}

Presence connection_get_presence(const RegistryConnection *connection) {
  return connection->presence;
}

GMainContext *connection_get_context(const RegistryConnection *connection) {
  return connection->context;
}

/* SPDX-License-Identifier: MIT */
/* The face on the bus: see mailauth1.h. It comes and goes, signals events, and lets callers
 * in; what they call is in mailauth1-methods.c. */
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "client/bus/wire.h"
#include "mailauth/verifier/bus-peers.h"
#include "mailauth/verifier/mailauth1-private.h"

/* Events that come sooner than this after the last, in ms, are sent together, so many at
 * most: the bus is woken for all of them once. */
#define SIGNALS_GATHER_MS 50U
#define MAX_GATHERED_SIGNALS 256U

/* ---- signals of events ---- */

static void send_signals(Bus *bus) {
  for (guint i = 0; i < bus->signals->len; i++)
    (void)dbus_connection_send(bus->connection, bus->signals->pdata[i], NULL);
  g_ptr_array_set_size(bus->signals, 0);
  bus->last_sent = g_get_monotonic_time();
  if (bus->gathering != 0)
    g_source_remove(bus->gathering);
  bus->gathering = 0;
}

static gboolean on_gathered(gpointer data) {
  Bus *bus = data;
  bus->gathering = 0;
  send_signals(bus);
  return G_SOURCE_REMOVE;
}

static void send_soon(Bus *bus, DBusMessage *signal) {
  gint64 time = g_get_monotonic_time() - bus->last_sent;
  gboolean is_full = bus->signals->len >= MAX_GATHERED_SIGNALS;
  g_ptr_array_add(bus->signals, dbus_message_ref(signal));
  if (is_full || (bus->gathering == 0 && time >= (gint64)SIGNALS_GATHER_MS * 1000))
    send_signals(bus);
  else if (bus->gathering == 0)
    bus->gathering = g_timeout_add(SIGNALS_GATHER_MS, on_gathered, bus);
}

/* ---- who may ---- */

static gboolean is_entitled(const Bus *bus, guint32 uid) {
  return uid == 0 || uid == (guint32)getuid() || bus->source.is_entitled(uid, bus->source.data);
}

/* A call and whom it is for. */
typedef struct {
  Bus *bus;
  DispatchCall *call;
} Pending;

static void on_caller_known(const guint32 *uid, gpointer data) {
  g_autofree Pending *pending = data;
  if (uid != NULL && is_entitled(pending->bus, *uid)) {
    dispatch_call_run(pending->call);
    return;
  }
  GError *error = NULL;
  error_set(&error, REGISTRY_ERROR_ACCESS_DENIED,
            "%s is for administrators and the service's own user",
            dispatch_call_get_method(pending->call));
  dispatch_call_take_error(pending->call, error);
}

static Pending *pending_new(Bus *bus, DispatchCall *call) {
  Pending *pending = g_new0(Pending, 1);
  *pending = (Pending){bus, call};
  return pending;
}

/* Sends the signals first: a caller hears of each event before an answer speaks of it. */
static void admit(DispatchCall *call, gpointer data) {
  Bus *bus = data;
  send_signals(bus);
  bus_peers_ask(bus->peers, dispatch_call_get_sender(call), on_caller_known,
                pending_new(bus, call));
}

/* ---- signals ---- */

static void send_event(Bus *bus, const Event *event, const char *destination) {
  DBusMessageIter iter;
  g_autoptr(WireMessage) signal =
      dbus_message_new_signal(MAILAUTH_OBJECT_PATH, MAILAUTH_INTERFACE, "Event");
  if (signal == NULL || (destination != NULL && !dbus_message_set_destination(signal, destination)))
    return;
  dbus_message_iter_init_append(signal, &iter);
  if (bus_append_event(&iter, event))
    send_soon(bus, signal);
}

typedef struct {
  Bus *bus;
  const Event *event;
} Telling;

static void tell_entitled(const char *name, guint32 uid, gpointer data) {
  const Telling *telling = data;
  if (is_entitled(telling->bus, uid))
    send_event(telling->bus, telling->event, name);
}

void bus_signal_event(Bus *bus, const Event *event) {
  Telling telling = {bus, event};
  if (bus->connection == NULL)
    return;
  if (bus->has_policy)
    send_event(bus, event, NULL);
  else
    bus_peers_visit(bus->peers, tell_entitled, &telling);
}

void bus_refresh(Bus *bus) {
  const BusSource *source = &bus->source;
  gboolean membership = source->is_membership(source->data);
  gboolean ready = source->is_ready(source->data);
  g_autofree char *broker = g_strdup(source->get_broker(source->data));
  gboolean package_changed = membership != bus->membership;
  gboolean broker_changed = g_strcmp0(broker, bus->broker) != 0;
  gboolean ready_changed = ready != bus->ready;
  bus->membership = membership;
  bus->ready = ready;
  g_free(bus->broker);
  bus->broker = g_steal_pointer(&broker);
  if (bus->dispatcher == NULL)
    return;
  if (package_changed)
    dispatcher_emit_changed(bus->dispatcher, MAILAUTH_INTERFACE, "Package");
  if (broker_changed)
    dispatcher_emit_changed(bus->dispatcher, MAILAUTH_INTERFACE, "Broker");
  if (ready_changed)
    dispatcher_emit_changed(bus->dispatcher, MAILAUTH_INTERFACE, "Ready");
}

/* ---- coming and going ---- */

/* Nothing is freed here: libdbus is still at work on the connection. */
static DBusHandlerResult on_message(G_GNUC_UNUSED DBusConnection *connection, DBusMessage *message,
                                    void *data) {
  Bus *bus = data;
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
    retry_reset(bus->retry);
    retry_later(bus->retry);
  } else {
    bus_peers_take_message(bus->peers, message);
  }
  return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void leave(Bus *bus) {
  if (bus->connection == NULL)
    return;
  send_signals(bus);
  DBusConnection *connection = g_steal_pointer(&bus->connection);
  bus_peers_leave(bus->peers);
  g_clear_pointer(&bus->dispatcher, dispatcher_free);
  g_clear_pointer(&bus->binding, loop_binding_free);
  dbus_connection_remove_filter(connection, on_message, bus);
  loop_disconnect(connection);
}

static gboolean enter(Bus *bus) {
  DBusConnection *connection = loop_connect(bus->address, NULL);
  if (connection == NULL)
    return FALSE;
  bus->connection = connection;
  (void)dbus_connection_add_filter(connection, on_message, bus, NULL);
  bus->dispatcher = dispatcher_new(connection, MAILAUTH_OBJECT_PATH, bus_interfaces, admit, bus);
  bus->binding = loop_bind(connection, NULL);
  bus_peers_enter(bus->peers, connection, !bus->has_policy);
  /* Another instance that is on its way out gives the name up to this one. */
  DBusError problem = DBUS_ERROR_INIT;
  int taken = dbus_bus_request_name(connection, MAILAUTH_BUS_NAME, 0, &problem);
  if (taken >= 0) {
    bus->complained = FALSE;
    return TRUE;
  }
  if (!bus->complained)
    g_printerr("mailauthd: the name %s can't be taken: %s\n", MAILAUTH_BUS_NAME, problem.message);
  bus->complained = TRUE;
  dbus_error_free(&problem);
  leave(bus);
  return FALSE;
}

static void attempt(gpointer data) {
  Bus *bus = data;
  leave(bus);
  if (!enter(bus))
    retry_later(bus->retry);
}

/* The policy is installed for the machine's own bus. One that the environment puts in
 * its place has its starter's policy. */
static gboolean has_policy(const char *address) {
  const char *instead = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");
  return g_str_equal(address, "system") &&
         (instead == NULL || g_str_has_suffix(instead, "/run/dbus/system_bus_socket"));
}

Bus *bus_new(const char *address, const BusSource *source) {
  Bus *bus = g_new0(Bus, 1);
  bus->address = g_strdup(address != NULL ? address : "system");
  bus->source = *source;
  bus->has_policy = has_policy(bus->address);
  bus->peers = bus_peers_new();
  bus->signals = g_ptr_array_new_with_free_func((GDestroyNotify)dbus_message_unref);
  bus->broker = g_strdup("");
  bus->retry = retry_new(NULL, attempt, bus);
  retry_later(bus->retry);
  return bus;
}

void bus_free(Bus *bus) {
  if (bus == NULL)
    return;
  leave(bus);
  retry_free(bus->retry);
  bus_peers_free(bus->peers);
  g_ptr_array_unref(bus->signals);
  g_free(bus->broker);
  g_free(bus->address);
  g_free(bus);
}

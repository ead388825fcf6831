/* SPDX-License-Identifier: MIT */
/* The face on the bus: see mailauth1.h. */
#include "mailauth/verifier/mailauth1.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/bus/dispatch.h"
#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "client/bus/wire.h"
#include "mailauth/base/limits.h"
#include "mailauth/verifier/bus-peers.h"

/* Events that come sooner than this after the last, in ms, are sent together, so many at
 * most: the bus is woken for all of them once. */
#define SIGNALS_GATHER_MS 10U
#define MAX_GATHERED_SIGNALS 256U

struct Bus {
  char *address;
  BusSource source;
  DBusConnection *connection; /* NULL while there is none */
  LoopBinding *binding;
  Dispatcher *dispatcher;
  BusPeers *peers;
  gboolean has_policy;
  GPtrArray *signals; /* of DBusMessage: they wait for the others of their time */
  guint gathering;
  gint64 last_sent; /* monotonic, in µs */
  Retry *retry;
  gboolean complained; /* that the name can't be had */
  /* The properties as they were last signalled. */
  gboolean membership, ready;
  char *broker;
};

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

/* ---- events as data ---- */

static gboolean append_event(DBusMessageIter *array, const Event *event) {
  const OutcomeFacts *facts = outcome_get_facts(event->outcome);
  /* Clients rely on it: everything but the number and the time is text. */
  g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, event->count);
  g_autofree char *session =
      event->session == 0 ? g_strdup("") : g_strdup_printf("%" G_GUINT64_FORMAT, event->session);
  DBusMessageIter dict;
  return dbus_message_iter_open_container(array, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
         wire_append_entry_string(&dict, "source", event->source) &&
         wire_append_entry_uint32(&dict, "id", facts->event_id) &&
         wire_append_entry_string(&dict, "type", facts->event_type) &&
         wire_append_entry_string(&dict, "category", EVENT_CATEGORY) &&
         wire_append_entry_string(&dict, "reason", facts->reason) &&
         wire_append_entry_string(&dict, "description", event->description) &&
         wire_append_entry_uint64(&dict, "time", (guint64)event->time) &&
         wire_append_entry_string(&dict, "user", event->user) &&
         wire_append_entry_string(&dict, "address", event->address) &&
         wire_append_entry_string(&dict, "method", event->method) &&
         wire_append_entry_string(&dict, "tls", event->tls) &&
         wire_append_entry_string(&dict, "session", session) &&
         wire_append_entry_string(&dict, "count", count) &&
         dbus_message_iter_close_container(array, &dict);
}

static void get_events(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  DBusMessageIter iter;
  DBusMessageIter array;
  dbus_uint32_t limit = 0;
  dispatch_call_get_arguments(call, &iter);
  dbus_message_iter_get_basic(&iter, &limit);
  g_autoptr(GPtrArray) events = events_list(bus->source.get_events(bus->source.data), limit);
  DBusMessage *reply = dispatch_call_new_reply(call);
  gboolean made = reply != NULL;
  if (made) {
    dbus_message_iter_init_append(reply, &iter);
    made = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &array);
    for (guint i = 0; made && i < events->len; i++)
      made = append_event(&array, events->pdata[i]);
    made = made && dbus_message_iter_close_container(&iter, &array);
  }
  if (!made)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

/* ---- who is held back ---- */

typedef struct {
  DBusMessageIter array;
  gint64 to_real_time; /* from monotonic, in µs */
  guint count;
  gboolean made;
} HeldRows;

static void append_held(const ThrottleHold *hold, gpointer data) {
  HeldRows *rows = data;
  DBusMessageIter row;
  if (!rows->made || rows->count++ >= MAX_LISTED_HOLDS)
    return;
  rows->made =
      dbus_message_iter_open_container(&rows->array, DBUS_TYPE_ARRAY, "{sv}", &row) &&
      wire_append_entry_string(&row, "address", hold->address) &&
      wire_append_entry_string(&row, "account", hold->account != NULL ? hold->account : "") &&
      wire_append_entry_uint32(&row, "failures", hold->failures) &&
      wire_append_entry_uint64(&row, "until", (guint64)(hold->until + rows->to_real_time)) &&
      dbus_message_iter_close_container(&rows->array, &row);
}

static void get_held(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  HeldRows rows = {.to_real_time = g_get_real_time() - g_get_monotonic_time()};
  DBusMessageIter iter;
  DBusMessage *reply = dispatch_call_new_reply(call);
  if (reply != NULL) {
    dbus_message_iter_init_append(reply, &iter);
    rows.made = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &rows.array);
    bus->source.visit_held(append_held, &rows, bus->source.data);
    rows.made = rows.made && dbus_message_iter_close_container(&iter, &rows.array);
  }
  if (!rows.made)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

static void reply_released(DispatchCall *call, guint released) {
  dbus_uint32_t number = released;
  DBusMessage *reply = dispatch_call_new_reply(call);
  if (reply != NULL &&
      !dbus_message_append_args(reply, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID))
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

static void release(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  DBusMessageIter iter;
  const char *who = NULL;
  dispatch_call_get_arguments(call, &iter);
  dbus_message_iter_get_basic(&iter, &who);
  reply_released(call, bus->source.release(who, bus->source.data));
}

static void release_all(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  reply_released(call, bus->source.release(NULL, bus->source.data));
}

/* ---- sessions ---- */

typedef struct {
  DBusMessageIter array;
  gboolean made;
} SessionRows;

static void append_session(const SessionFacts *facts, gpointer data) {
  SessionRows *rows = data;
  DBusMessageIter row;
  g_autofree char *protocol = g_ascii_strdown(protocol_get_name(facts->protocol), -1);
  if (!rows->made)
    return;
  rows->made = dbus_message_iter_open_container(&rows->array, DBUS_TYPE_ARRAY, "{sv}", &row) &&
               wire_append_entry_string(&row, "user", facts->client.user) &&
               wire_append_entry_string(&row, "protocol", protocol) &&
               wire_append_entry_string(&row, "address", facts->client.address) &&
               wire_append_entry_uint64(&row, "since", (guint64)facts->since) &&
               wire_append_entry_string(&row, "tls", facts->client.tls) &&
               wire_append_entry_uint64(&row, "session", facts->client.session) &&
               dbus_message_iter_close_container(&rows->array, &row);
}

static void get_sessions(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  const char *user = NULL;
  SessionRows rows = {.made = FALSE};
  DBusMessageIter iter;
  dispatch_call_get_arguments(call, &iter);
  dbus_message_iter_get_basic(&iter, &user);
  DBusMessage *reply = dispatch_call_new_reply(call);
  if (reply != NULL) {
    dbus_message_iter_init_append(reply, &iter);
    rows.made = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &rows.array);
    sessions_visit(bus->source.sessions, user, append_session, &rows);
    rows.made = rows.made && dbus_message_iter_close_container(&iter, &rows.array);
  }
  if (!rows.made)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

static void end_sessions(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  DBusMessageIter iter;
  const char *user = NULL;
  dbus_uint64_t session = 0;
  dispatch_call_get_arguments(call, &iter);
  dbus_message_iter_get_basic(&iter, &user);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &session);
  Sessions *sessions = bus->source.sessions;
  reply_released(call, *user == '\0' ? 0 : sessions_end(sessions, user, session));
}

/* ---- status, test, certificate ---- */

static void reply_status(gpointer data) {
  g_autofree Pending *pending = data;
  const BusSource *source = &pending->bus->source;
  DBusMessageIter iter;
  DBusMessageIter dict;
  DBusMessage *reply = dispatch_call_new_reply(pending->call);
  if (reply != NULL)
    dbus_message_iter_init_append(reply, &iter);
  if (reply == NULL || !dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict) ||
      !source->append_status(&dict, source->data) ||
      !dbus_message_iter_close_container(&iter, &dict))
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(pending->call, reply);
}

static void get_status(DispatchCall *call, gpointer data) {
  Bus *bus = data;
  bus->source.prepare_status(reply_status, pending_new(bus, call), bus->source.data);
}

/* Only what is in the pipe now: the caller writes before it calls. */
static gboolean read_password(int descriptor, Secret *password, GError **error) {
  char bytes[MAX_PASSWORD + 1];
  int flags = fcntl(descriptor, F_GETFL);
  gssize size = 0;
  if (flags >= 0)
    (void)fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  while (password->size <= MAX_PASSWORD && (size = read(descriptor, bytes, sizeof bytes)) > 0)
    secret_append(password, bytes, (gsize)size);
  explicit_bzero(bytes, sizeof bytes);
  if (password->size > MAX_PASSWORD)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the password is longer than %d bytes",
                     MAX_PASSWORD);
  return size == 0 ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "the password must be in the pipe, and its other end closed, before the call");
}

static gboolean append_steps(DBusMessage *reply, const char *reason, const char *const *steps) {
  DBusMessageIter iter;
  DBusMessageIter array;
  dbus_message_iter_init_append(reply, &iter);
  gboolean made = wire_append_string(&iter, reason) &&
                  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &array);
  for (; made && *steps != NULL; steps++)
    made = wire_append_string(&array, *steps);
  return made && dbus_message_iter_close_container(&iter, &array);
}

static void on_tested(const LoginResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessage *reply = dispatch_call_new_reply(call);
  if (reply != NULL &&
      !append_steps(reply, outcome_get_facts(result->outcome)->reason, result->steps))
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

static void test_user(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  g_auto(Secret) password = {0};
  GError *error = NULL;
  DBusMessageIter iter;
  const char *user = NULL;
  const char *protocol = NULL;
  int descriptor = -1;
  dispatch_call_get_arguments(call, &iter);
  dbus_message_iter_get_basic(&iter, &user);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &protocol);
  dbus_message_iter_next(&iter);
  dbus_message_iter_get_basic(&iter, &descriptor);
  gboolean is_imap = g_ascii_strcasecmp(protocol, "imap") == 0;
  gboolean read = read_password(descriptor, &password, &error);
  close(descriptor);
  if (read && !is_imap && g_ascii_strcasecmp(protocol, "pop3") != 0)
    read = error_set(&error, REGISTRY_ERROR_INVALID_ARGUMENTS, "a protocol is 'pop3' or 'imap'");
  if (!read)
    dispatch_call_take_error(call, error);
  else
    bus->source.test(is_imap ? PROTOCOL_IMAP : PROTOCOL_POP3, user, &password, on_tested, call,
                     bus->source.data);
}

static void on_reloaded(const char *problem, gpointer data) {
  DispatchCall *call = data;
  GError *error = NULL;
  if (problem == NULL) {
    dispatch_call_reply(call, dispatch_call_new_reply(call));
    return;
  }
  error_set(&error, REGISTRY_ERROR_FAILED, "%s", problem);
  dispatch_call_take_error(call, error);
}

static void reload_certificate(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  bus->source.reload_certificate(on_reloaded, call, bus->source.data);
}

/* ---- properties ---- */

static gboolean get_package(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const Bus *bus = data;
  return wire_append_string(variant,
                            package_kind_get_name(bus->source.is_membership(bus->source.data)
                                                      ? PACKAGE_MEMBERSHIP
                                                      : PACKAGE_NATIVE));
}

static gboolean get_broker(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const Bus *bus = data;
  return wire_append_string(variant, bus->source.get_broker(bus->source.data));
}

static gboolean get_ready(DBusMessageIter *variant, gpointer data, G_GNUC_UNUSED GError **error) {
  const Bus *bus = data;
  dbus_bool_t ready = bus->source.is_ready(bus->source.data);
  return dbus_message_iter_append_basic(variant, DBUS_TYPE_BOOLEAN, &ready);
}

static const DispatchArgument limit_argument[] = {{"limit", "u"}, {NULL, NULL}};
static const DispatchArgument events_argument[] = {{"events", "aa{sv}"}, {NULL, NULL}};
static const DispatchArgument status_argument[] = {{"status", "a{sv}"}, {NULL, NULL}};
static const DispatchArgument test_arguments[] = {
    {"user", "s"}, {"protocol", "s"}, {"password", "h"}, {NULL, NULL}};
static const DispatchArgument tested_arguments[] = {{"reason", "s"}, {"steps", "as"}, {NULL, NULL}};
static const DispatchArgument event_argument[] = {{"event", "a{sv}"}, {NULL, NULL}};

static const DispatchArgument held_argument[] = {{"held", "aa{sv}"}, {NULL, NULL}};
static const DispatchArgument who_argument[] = {{"who", "s"}, {NULL, NULL}};
static const DispatchArgument released_argument[] = {{"released", "u"}, {NULL, NULL}};

static const DispatchArgument user_argument[] = {{"user", "s"}, {NULL, NULL}};
static const DispatchArgument sessions_argument[] = {{"sessions", "aa{sv}"}, {NULL, NULL}};
static const DispatchArgument end_arguments[] = {{"user", "s"}, {"session", "t"}, {NULL, NULL}};
static const DispatchArgument ended_argument[] = {{"ended", "u"}, {NULL, NULL}};

static const DispatchMethod methods[] = {
    {"GetEvents", limit_argument, events_argument, get_events},
    {"Status", DISPATCH_NOTHING, status_argument, get_status},
    {"GetHeld", DISPATCH_NOTHING, held_argument, get_held},
    {"Release", who_argument, released_argument, release},
    {"ReleaseAll", DISPATCH_NOTHING, released_argument, release_all},
    {"GetSessions", user_argument, sessions_argument, get_sessions},
    {"EndSessions", end_arguments, ended_argument, end_sessions},
    {"Test", test_arguments, tested_arguments, test_user},
    {"ReloadCertificate", DISPATCH_NOTHING, DISPATCH_NOTHING, reload_certificate},
    {NULL, NULL, NULL, NULL},
};
static const DispatchSignal signals[] = {{"Event", event_argument}, {NULL, NULL}};
static const DispatchProperty properties[] = {
    {"Package", "s", NULL, get_package},
    {"Broker", "s", NULL, get_broker},
    {"Ready", "b", NULL, get_ready},
    {NULL, NULL, NULL, NULL},
};
static const DispatchInterface interfaces[] = {
    {MAILAUTH_INTERFACE, methods, signals, properties},
    {NULL, NULL, NULL, NULL},
};

/* ---- signals ---- */

static void send_event(Bus *bus, const Event *event, const char *destination) {
  DBusMessageIter iter;
  g_autoptr(WireMessage) signal =
      dbus_message_new_signal(MAILAUTH_OBJECT_PATH, MAILAUTH_INTERFACE, "Event");
  if (signal == NULL || (destination != NULL && !dbus_message_set_destination(signal, destination)))
    return;
  dbus_message_iter_init_append(signal, &iter);
  if (append_event(&iter, event))
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
  bus->dispatcher = dispatcher_new(connection, MAILAUTH_OBJECT_PATH, interfaces, admit, bus);
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

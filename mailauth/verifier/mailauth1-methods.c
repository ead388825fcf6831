/* SPDX-License-Identifier: MIT */
/* What can be called on the bus: the methods and properties of org.regd.MailAuth1, and the form
 * of their answers. See mailauth1.h. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/bus/wire.h"
#include "mailauth/base/limits.h"
#include "mailauth/verifier/mailauth1-private.h"

/* ---- events as data ---- */

gboolean bus_append_event(DBusMessageIter *array, const Event *event) {
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
      made = bus_append_event(&array, events->pdata[i]);
    made = made && dbus_message_iter_close_container(&iter, &array);
  }
  if (!made)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

/* ---- how many logins ended how ---- */

static gboolean append_outcomes(DBusMessageIter *counts, const Rates *rates, gint64 time) {
  DBusMessageIter entry;
  for (guint outcome = 0; outcome < N_OUTCOMES; outcome++) {
    dbus_uint32_t count = rates_get(rates, (Outcome)outcome, time);
    if (count > 0 &&
        (!dbus_message_iter_open_container(counts, DBUS_TYPE_DICT_ENTRY, NULL, &entry) ||
         !wire_append_string(&entry, outcome_get_facts((Outcome)outcome)->reason) ||
         !dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &count) ||
         !dbus_message_iter_close_container(counts, &entry)))
      return FALSE;
  }
  return TRUE;
}

static gboolean append_minute(DBusMessageIter *minutes, const Rates *rates, gint64 time) {
  DBusMessageIter row;
  DBusMessageIter counts;
  dbus_uint64_t begin = (dbus_uint64_t)time;
  return dbus_message_iter_open_container(minutes, DBUS_TYPE_STRUCT, NULL, &row) &&
         dbus_message_iter_append_basic(&row, DBUS_TYPE_UINT64, &begin) &&
         dbus_message_iter_open_container(&row, DBUS_TYPE_ARRAY, "{su}", &counts) &&
         append_outcomes(&counts, rates, time) &&
         dbus_message_iter_close_container(&row, &counts) &&
         dbus_message_iter_close_container(minutes, &row);
}

static gboolean append_minutes(DBusMessage *reply, const Rates *rates) {
  DBusMessageIter iter;
  DBusMessageIter minutes;
  dbus_uint64_t now = (dbus_uint64_t)g_get_real_time();
  gint64 last = (gint64)(now - now % RATES_MINUTE_US);
  dbus_message_iter_init_append(reply, &iter);
  gboolean made = dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT64, &now) &&
                  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(ta{su})", &minutes);
  for (guint ago = RATES_MINUTES; made && ago > 0; ago--)
    made = append_minute(&minutes, rates, last - (gint64)(ago - 1) * RATES_MINUTE_US);
  return made && dbus_message_iter_close_container(&iter, &minutes);
}

static void get_counts(DispatchCall *call, gpointer data) {
  const Bus *bus = data;
  DBusMessage *reply = dispatch_call_new_reply(call);
  if (reply != NULL && !append_minutes(reply, bus->source.get_rates(bus->source.data)))
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

typedef struct {
  Bus *bus;
  DispatchCall *call;
} StatusCall;

static void reply_status(gpointer data) {
  g_autofree StatusCall *waiting = data;
  const BusSource *source = &waiting->bus->source;
  DBusMessageIter iter;
  DBusMessageIter dict;
  DBusMessage *reply = dispatch_call_new_reply(waiting->call);
  if (reply != NULL)
    dbus_message_iter_init_append(reply, &iter);
  if (reply == NULL || !dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict) ||
      !source->append_status(&dict, source->data) ||
      !dbus_message_iter_close_container(&iter, &dict))
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(waiting->call, reply);
}

static void get_status(DispatchCall *call, gpointer data) {
  Bus *bus = data;
  StatusCall *waiting = g_new0(StatusCall, 1);
  *waiting = (StatusCall){bus, call};
  bus->source.prepare_status(reply_status, waiting, bus->source.data);
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
static const DispatchArgument counts_arguments[] = {
    {"now", "t"}, {"minutes", "a(ta{su})"}, {NULL, NULL}};
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
    {"GetCounts", DISPATCH_NOTHING, counts_arguments, get_counts},
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
const DispatchInterface bus_interfaces[] = {
    {MAILAUTH_INTERFACE, methods, signals, properties},
    {NULL, NULL, NULL, NULL},
};

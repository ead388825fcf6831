/* SPDX-License-Identifier: MIT */
/* Calls to the daemon, blocking or not.
 *
 * It answers for each asynchronous call being answered exactly once: by its reply, by
 * its time-out, or by UNREACHABLE when the bus goes away. It does not interpret the calls.
 */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/connection/connection-private.h"

struct ConnectionCall {
  RegistryConnection *connection;
  DBusPendingCall *pending; /* NULL: it could not be sent, and `unsent` will say so */
  GSource *unsent;
  ConnectionReply replied; /* NULL: cancelled while all are being failed */
  gpointer data;
  gboolean failing; /* call_fail_all() has it and frees it */
};

/* ---- making ---- */

DBusMessage *connection_new_call_of(const char *interface, const char *member) {
  return dbus_message_new_method_call(REGISTRY_BUS_NAME, REGISTRY_OBJECT_PATH, interface, member);
}

DBusMessage *connection_new_call(const char *member) {
  return connection_new_call_of(REGISTRY_INTERFACE, member);
}

DBusMessage *connection_new_bound_call(const RegistryConnection *connection, const char *interface,
                                       const char *member) {
  if (connection->owner == NULL)
    return NULL;
  DBusMessage *call =
      dbus_message_new_method_call(connection->owner, REGISTRY_OBJECT_PATH, interface, member);
  if (call != NULL)
    dbus_message_set_auto_start(call, FALSE);
  return call;
}

DBusMessage *connection_new_revision_call(const RegistryConnection *connection) {
  const char *interface = REGISTRY_INTERFACE;
  const char *property = "Revision";
  DBusMessage *call = connection_new_bound_call(connection, DBUS_INTERFACE_PROPERTIES, "Get");
  if (call == NULL || dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                                               &property, DBUS_TYPE_INVALID))
    return call;
  dbus_message_unref(call);
  return NULL;
}

gboolean connection_read_revision(DBusMessage *reply, guint64 *revision) {
  DBusMessageIter iter;
  DBusMessageIter content;
  dbus_uint64_t number = 0;
  if (!dbus_message_iter_init(reply, &iter) ||
      dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_VARIANT)
    return FALSE;
  dbus_message_iter_recurse(&iter, &content);
  if (dbus_message_iter_get_arg_type(&content) != DBUS_TYPE_UINT64)
    return FALSE;
  dbus_message_iter_get_basic(&content, &number);
  *revision = number;
  return TRUE;
}

/* ---- blocking ---- */

static gboolean set_no_message(GError **error) {
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "the call can't be made: out of memory, or larger than a message may be");
}

static gboolean set_no_bus(const RegistryConnection *connection, GError **error) {
  return error_set(error, REGISTRY_ERROR_UNREACHABLE, "there is no connection to the %s bus",
                   connection->bus);
}

/* In place of what libdbus says of a time-out. */
static void set_no_answer(const RegistryConnection *connection, guint timeout_ms, GError **error) {
  error_set(error, REGISTRY_ERROR_UNREACHABLE,
            "regd on the %s bus does not answer within %u s; `systemctl status regd` tells how "
            "it is, `systemctl restart regd` starts it again",
            connection->bus, timeout_ms / 1000);
}

/* What the bus says when it could not start the daemon, and the cure: the first row found
 * in its words counts. */
static const struct {
  const char *words, *cure;
} cures[] = {
    {" masked", "`systemctl unmask regd` lets it be started again"},
    {"not found", "it is to be installed first"},
    {"not provided", "it does not run, and the bus can't start it"},
    {"activat", "`systemctl status regd` tells why it does not start"},
    {"exited with", "`systemctl status regd` tells why it does not start"},
};

static const char *find_cure(const char *message) {
  for (guint i = 0; i < G_N_ELEMENTS(cures); i++)
    if (strstr(message, cures[i].words) != NULL)
      return cures[i].cure;
  return NULL;
}

/* Names the daemon if the bus only says that an answer is missing. */
static void name_daemon(const RegistryConnection *connection, GError **error) {
  if (error == NULL || *error == NULL ||
      !g_error_matches(*error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
    return;
  const char *cure = find_cure((*error)->message);
  g_autofree char *message =
      g_strdup_printf("regd can't be reached on the %s bus: %s%s%s", connection->bus,
                      (*error)->message, cure != NULL ? "; " : "", cure != NULL ? cure : "");
  g_clear_error(error);
  error_set(error, REGISTRY_ERROR_UNREACHABLE, "%s", message);
}

/* How long an answer is waited for, with what a person takes. */
static int let_ask(const RegistryConnection *connection, DBusMessage *call, int timeout_ms) {
  if (!connection->interactive)
    return timeout_ms;
  dbus_message_set_allow_interactive_authorization(call, TRUE);
  return timeout_ms + (int)LIMIT_QUESTION_MS;
}

DBusMessage *connection_call(RegistryConnection *connection, DBusMessage *call, int timeout_ms,
                             GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  if (call == NULL) {
    set_no_message(error);
    return NULL;
  }
  if (connection->bus_connection == NULL ||
      !dbus_connection_get_is_connected(connection->bus_connection)) {
    set_no_bus(connection, error);
    return NULL;
  }
  timeout_ms = let_ask(connection, call, timeout_ms);
  gint64 last = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
  DBusMessage *reply = dbus_connection_send_with_reply_and_block(connection->bus_connection, call,
                                                                 timeout_ms, &problem);
  if (reply != NULL)
    return reply;
  if (dbus_error_has_name(&problem, DBUS_ERROR_NO_REPLY) && g_get_monotonic_time() >= last) {
    set_no_answer(connection, (guint)timeout_ms, error);
    dbus_error_free(&problem);
    return NULL;
  }
  wire_take_dbus_error(&problem, error);
  name_daemon(connection, error);
  return NULL;
}

void connection_send(RegistryConnection *connection, DBusMessage *call) {
  if (connection->bus_connection == NULL || call == NULL)
    return;
  dbus_message_set_no_reply(call, TRUE);
  (void)dbus_connection_send(connection->bus_connection, call, NULL);
}

/* ---- not blocking ---- */

static void call_free(ConnectionCall *call) {
  if (call->unsent != NULL) {
    g_source_destroy(call->unsent);
    g_source_unref(call->unsent);
  }
  if (call->pending != NULL) {
    dbus_pending_call_cancel(call->pending);
    dbus_pending_call_unref(call->pending);
  }
  g_free(call);
}

/* Removes the call, so that it can't be cancelled any more, and answers it. */
static void answer(ConnectionCall *call, DBusMessage *reply, const GError *error) {
  RegistryConnection *connection = registry_connection_ref(call->connection);
  ConnectionReply replied = call->replied;
  gpointer data = call->data;
  g_ptr_array_remove_fast(connection->calls, call);
  call_free(call);
  replied(reply, error, data);
  registry_connection_unref(connection);
}

static void on_reply(DBusPendingCall *pending, void *data) {
  ConnectionCall *call = data;
  RegistryConnection *connection = registry_connection_ref(call->connection);
  g_autoptr(WireMessage) reply = dbus_pending_call_steal_reply(pending);
  g_autoptr(GError) error = NULL;
  gboolean ends_silence = reply != NULL && connection_note_message(connection, reply);
  if (reply == NULL)
    set_no_bus(connection, &error);
  else if (wire_take_error(reply, &error))
    name_daemon(connection, &error);
  answer(call, error == NULL ? reply : NULL, error);
  /* Last, since a listener may cancel calls. */
  if (ends_silence)
    connection_tell_answering(connection);
  registry_connection_unref(connection);
}

static gboolean on_unsent(gpointer data) {
  ConnectionCall *call = data;
  g_autoptr(GError) error = NULL;
  set_no_bus(call->connection, &error);
  answer(call, NULL, error);
  return G_SOURCE_REMOVE;
}

static gboolean on_unmade(gpointer data) {
  ConnectionCall *call = data;
  g_autoptr(GError) error = NULL;
  set_no_message(&error);
  answer(call, NULL, error);
  return G_SOURCE_REMOVE;
}

static void answer_soon(ConnectionCall *call, GSourceFunc function) {
  call->unsent = g_idle_source_new();
  g_source_set_priority(call->unsent, G_PRIORITY_DEFAULT);
  g_source_set_callback(call->unsent, function, call, NULL);
  g_source_attach(call->unsent, call->connection->context);
}

static gboolean send_call(ConnectionCall *call, DBusMessage *message, int timeout_ms) {
  DBusConnection *bus_connection = call->connection->bus_connection;
  if (bus_connection == NULL)
    return FALSE;
  if (!dbus_connection_send_with_reply(bus_connection, message, &call->pending, timeout_ms) ||
      call->pending == NULL)
    return FALSE;
  if (dbus_pending_call_set_notify(call->pending, on_reply, call, NULL)) {
    if (!dbus_message_has_destination(message, DBUS_SERVICE_DBUS))
      silence_note_call(call->connection->silence);
    return TRUE;
  }
  dbus_pending_call_cancel(call->pending);
  g_clear_pointer(&call->pending, dbus_pending_call_unref);
  return FALSE;
}

ConnectionCall *connection_call_async(RegistryConnection *connection, DBusMessage *message,
                                      int timeout_ms, ConnectionReply replied, gpointer data) {
  ConnectionCall *call = g_new0(ConnectionCall, 1);
  call->connection = connection;
  call->replied = replied;
  call->data = data;
  g_ptr_array_add(connection->calls, call);
  if (message == NULL)
    answer_soon(call, on_unmade);
  else if (!send_call(call, message, timeout_ms))
    answer_soon(call, on_unsent);
  return call;
}

void connection_call_cancel(ConnectionCall *call) {
  if (call == NULL)
    return;
  if (call->failing) {
    call->replied = NULL;
    return;
  }
  g_ptr_array_remove_fast(call->connection->calls, call);
  call_free(call);
}

void connection_call_replace(ConnectionCall *call, ConnectionReply replied, gpointer data) {
  call->replied = replied;
  call->data = data;
}

/* ---- not blocking, and waited for ---- */

typedef struct {
  gboolean replied;
  DBusMessage *reply;
  GError *error;
} Waiting;

static void on_waited_for(DBusMessage *reply, const GError *error, gpointer data) {
  Waiting *waiting = data;
  waiting->replied = TRUE;
  waiting->reply = reply != NULL ? dbus_message_ref(reply) : NULL;
  waiting->error = error != NULL ? g_error_copy(error) : NULL;
}

void connection_set_no_answer(const RegistryConnection *connection, GError **error) {
  set_no_answer(connection, silence_get_limit(connection->silence), error);
}

DBusMessage *connection_call_looping(RegistryConnection *connection, DBusMessage *call,
                                     GError **error) {
  Waiting waiting = {0};
  ConnectionCall *pending =
      connection_call_async(connection, call, CALL_TIMEOUT_NONE, on_waited_for, &waiting);
  while (!waiting.replied && registry_connection_is_answering(connection))
    g_main_context_iteration(connection->context, TRUE);
  if (!waiting.replied) {
    connection_call_cancel(pending);
    connection_set_no_answer(connection, error);
  }
  if (waiting.error != NULL)
    g_propagate_error(error, waiting.error);
  return waiting.reply;
}

void call_fail_all(RegistryConnection *connection) {
  g_autoptr(GPtrArray) failing = g_steal_pointer(&connection->calls);
  connection->calls = g_ptr_array_new();
  for (guint i = 0; i < failing->len; i++)
    ((ConnectionCall *)failing->pdata[i])->failing = TRUE;
  g_autoptr(GError) error = NULL;
  set_no_bus(connection, &error);
  for (guint i = 0; i < failing->len; i++) {
    ConnectionCall *call = failing->pdata[i];
    if (call->replied != NULL)
      call->replied(NULL, error, call->data);
    call_free(call);
  }
}

void call_drop_all(RegistryConnection *connection) {
  for (guint i = 0; i < connection->calls->len; i++)
    call_free(connection->calls->pdata[i]);
  g_ptr_array_set_size(connection->calls, 0);
}

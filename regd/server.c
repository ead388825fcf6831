/* SPDX-License-Identifier: MIT */
/* Life of the daemon: what is opened in which order, the bus that comes and
 * goes, schemas read again, and a stop that loses no answer. */
#include "regd/server.h"

#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/bus/loop.h"
#include "client/bus/retry.h"
#include "regd/bus/appeal.h"
#include "regd/bus/read-call.h"
#include "regd/files/spool.h"
#include "regd/fleet/faces/faces.h"
#include "regd/registry1/registry1.h"
#include "schema/load.h"

/* For a bus that takes nothing when the daemon is to end. */
#define SEND_LAST_SECONDS 3
#define SEND_STEP_MS 100
/* Calls that wait are bounded for each user; at this size, and at so many file descriptors, libdbus
 * stops reading, which would hold up everybody. regd.service allows more descriptors. */
#define RECEIVED_BYTES (1L << 30)
#define RECEIVED_DESCRIPTORS 12288

struct Server {
  ServerOptions options;
  ServerEvents events;
  Workers *workers;
  Readings *readings;
  Reader *reader;
  Writer *writer;
  Service *service;
  BusFace face;
  LoopBinding *binding;
  Dispatcher *dispatcher;
  Retry *retry;         /* to have a bus again */
  gint64 refused_since; /* monotonic µs; 0: the name is not refused */
  Pulse pulse;          /* the writer's */
  PulseState pulse_state;
  gboolean served; /* the name has been taken once */
  gboolean reloading, reload_again;
};

static void say(Server *server, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(Server *server, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  server->events.say(text, server->events.data);
}

/* ---- the bus ---- */

/* They may have to wait again, or be refused, if signals were lost meanwhile. */
static void on_caught_up(const char *owner, gpointer data) {
  Server *server = data;
  if (server->face.outbox == NULL)
    return;
  GQueue open = outbox_take_held(server->face.outbox, owner);
  for (DBusMessage *call; (call = g_queue_pop_head(&open)) != NULL; dbus_message_unref(call))
    if (server->dispatcher != NULL && !registry1_meet(call, &server->face))
      dispatcher_handle(server->dispatcher, call);
}

static gboolean has_room(gpointer data) {
  const Server *server = data;
  return server->face.connection == NULL ||
         dbus_connection_get_outgoing_size(server->face.connection) <=
             (long)LIMIT_TELLING_BACKLOG_BYTES;
}

static void on_left(const char *name, gpointer data) {
  Server *server = data;
  if (server->face.outbox != NULL)
    outbox_forget(server->face.outbox, name); /* what it holds goes first */
  watching_forget_owner(service_get_watching(server->service), name);
  readings_forget_owner(server->readings, name);
  fleet_faces_note_left(server->face.fleet, name);
  if (server->face.authority != NULL)
    authority_forget(server->face.authority, name);
}

static gboolean may_reply(const char *owner, gboolean asks_one, gpointer data) {
  const Server *server = data;
  return server->face.outbox == NULL || outbox_may_reply(server->face.outbox, owner, asks_one);
}

static void on_resumed(const char *owner, gpointer data) {
  Server *server = data;
  (void)watching_resume_owner(service_get_watching(server->service), owner);
}

static const OutboxEvents outbox_events = {.resumed = on_resumed, .opened = on_caught_up};

/* Nothing is freed here: libdbus is still at work on the connection. */
static DBusHandlerResult on_any_message(G_GNUC_UNUSED DBusConnection *connection,
                                        DBusMessage *message, void *data) {
  Server *server = data;
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
    say(server, "the bus has gone; connecting again");
    retry_reset(server->retry);
    retry_later(server->retry);
  }
  return registry1_meet(message, &server->face) ? DBUS_HANDLER_RESULT_HANDLED
                                                : DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void leave_bus(Server *server) {
  if (server->face.connection == NULL)
    return;
  g_clear_pointer(&server->face.outbox, outbox_free);
  readings_forget_owner(server->readings, NULL);
  watching_forget_owner(service_get_watching(server->service), NULL);
  fleet_faces_leave(server->face.fleet);
  g_clear_pointer(&server->face.authority, authority_free);
  g_clear_pointer(&server->face.callers, callers_free);
  g_clear_pointer(&server->dispatcher, dispatcher_free);
  g_clear_pointer(&server->binding, loop_binding_free);
  dbus_connection_remove_filter(server->face.connection, on_any_message, server);
  g_clear_pointer(&server->face.connection, loop_disconnect);
}

static gboolean take_name(DBusConnection *connection, GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  int taken =
      dbus_bus_request_name(connection, REGISTRY_BUS_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, &problem);
  if (taken == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
    return TRUE;
  if (!dbus_error_is_set(&problem))
    return error_set(error, REGISTRY_ERROR_FAILED,
                     "another process owns the name %s on this bus already; stop that one first",
                     REGISTRY_BUS_NAME);
  gboolean denied = dbus_error_has_name(&problem, DBUS_ERROR_ACCESS_DENIED);
  error_set(error, denied ? REGISTRY_ERROR_ACCESS_DENIED : REGISTRY_ERROR_UNREACHABLE,
            "the name %s can't be taken: %s", REGISTRY_BUS_NAME, problem.message);
  dbus_error_free(&problem);
  return FALSE;
}

/* The name comes last: callers may come as soon as it is taken. */
static gboolean enter_bus(Server *server, GError **error) {
  DBusConnection *connection = loop_connect(server->options.bus, error);
  if (connection == NULL)
    return FALSE;
  dbus_connection_set_max_received_size(connection, RECEIVED_BYTES);
  dbus_connection_set_max_received_unix_fds(connection, RECEIVED_DESCRIPTORS);
  (void)dbus_connection_add_filter(connection, on_any_message, server, NULL);
  server->face.connection = connection;
  server->face.callers = callers_new(connection, server->workers, geteuid(), on_left, server);
  server->face.authority = authority_new(connection, LIMIT_QUESTION_MS);
  server->face.outbox = outbox_new(connection, &outbox_events, server);
  server->dispatcher = dispatcher_new(connection, REGISTRY_OBJECT_PATH, registry1_interfaces,
                                      face_admit, &server->face);
  dispatcher_set_explain(server->dispatcher, face_explain);
  dispatcher_set_appeal(server->dispatcher, appeal_begin);
  fleet_faces_enter(server->face.fleet);
  dispatcher_set_sent(server->dispatcher, face_note_sent);
  server->binding = loop_bind(connection, NULL);
  if (take_name(connection, error))
    return TRUE;
  leave_bus(server);
  return FALSE;
}

static void note_entered(Server *server) {
  server->refused_since = 0;
  if (server->served)
    say(server, "connected to the bus again");
  else
    server->events.ready(server->events.data);
  server->served = TRUE;
}

static gboolean is_refused_for_good(const Server *server) {
  return server->refused_since != 0 &&
         g_get_monotonic_time() - server->refused_since >= NAME_RETRY_SECONDS * G_USEC_PER_SEC;
}

/* The bus may have to read its policy first. */
static void note_refusal(Server *server, const GError *error) {
  if (server->refused_since != 0)
    return;
  server->refused_since = g_get_monotonic_time();
  retry_reset(server->retry);
  say(server, "%s; trying again for %d s", error->message, NAME_RETRY_SECONDS);
}

/* FALSE: there is no use in it, or no time left. */
static gboolean try_again(Server *server, const GError *error) {
  gboolean refused = error->code == REGISTRY_ERROR_ACCESS_DENIED;
  if (!refused && error->code != REGISTRY_ERROR_UNREACHABLE)
    return FALSE;
  if (refused && is_refused_for_good(server))
    return FALSE;
  if (refused)
    note_refusal(server, error);
  else
    server->refused_since = 0; /* another bus may be there next */
  retry_later(server->retry);
  return TRUE;
}

static void give_up(Server *server, const GError *error) {
  say(server, "%s", error->message);
  if (error->code == REGISTRY_ERROR_ACCESS_DENIED)
    say(server,
        "the bus has refused the name for %d s. Its policy " REGISTRY_BUS_NAME ".conf must be in "
        "/usr/share/dbus-1/system.d and allow user %u, who must have been there when the bus read "
        "it; `busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig` makes it read "
        "again",
        NAME_RETRY_SECONDS, (guint)geteuid());
  server->events.failed(server->events.data);
}

static void attempt(gpointer data) {
  Server *server = data;
  g_autoptr(GError) error = NULL;
  leave_bus(server);
  if (enter_bus(server, &error))
    note_entered(server);
  else if (!try_again(server, error))
    give_up(server, error);
}

/* Other failures than a refused name end a start at once. */
static gboolean begin_to_serve(Server *server, GError **error) {
  GError *failure = NULL;
  if (enter_bus(server, &failure)) {
    note_entered(server);
    return TRUE;
  }
  if (failure->code != REGISTRY_ERROR_ACCESS_DENIED) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  (void)try_again(server, failure);
  g_error_free(failure);
  return TRUE;
}

/* ---- what the service tells ---- */

static gboolean on_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                           guint n_changes, gpointer data) {
  Server *server = data;
  return registry1_send_changed(watch, revision, changes, n_changes, &server->face);
}

static void on_read_only(gpointer data) {
  Server *server = data;
  say(server,
      "%s is damaged: it is read-only from here on, and what is not damaged is served; regd "
      "--database=%s --check tells what is damaged, and --restore=BACKUP puts a backup back",
      server->options.database, server->options.database);
  if (server->dispatcher != NULL)
    dispatcher_emit_changed(server->dispatcher, REGISTRY_INTERFACE, "ReadOnly");
}

static void on_problem(const char *text, gpointer data) {
  say(data, "%s", text);
}

static const ServiceEvents service_events = {.watching = {on_changed, has_room, on_caught_up},
                                             .read_only = on_read_only,
                                             .problem = on_problem};

/* ---- schemas ---- */

static void say_problems(Server *server, const GPtrArray *problems) {
  for (guint i = 0; i < problems->len; i++)
    say(server, "schema left out: %s", (const char *)problems->pdata[i]);
}

typedef struct {
  Server *server;
  GPtrArray *problems;
  SchemaSet *schemas;
} Reload;

static void reload_free(gpointer data) {
  Reload *reload = data;
  g_ptr_array_unref(reload->problems);
  g_clear_pointer(&reload->schemas, schema_set_unref);
  g_free(reload);
}

static void reload_run(gpointer data) {
  Reload *reload = data;
  reload->schemas = schema_load(reload->server->options.schema_directories, reload->problems);
}

static void reload_done(gpointer data) {
  Reload *reload = data;
  Server *server = reload->server;
  service_set_schemas(server->service, reload->schemas);
  say_problems(server, reload->problems);
  say(server, "schemas read again");
  reload_free(reload);
  server->reloading = FALSE;
  if (server->reload_again)
    server_reload_schemas(server);
}

/* One at a time, so that an older reading can't replace a newer one. */
void server_reload_schemas(Server *server) {
  server->reload_again = server->reloading;
  if (server->reloading)
    return;
  server->reloading = TRUE;
  Reload *reload = g_new0(Reload, 1);
  reload->server = server;
  reload->problems = g_ptr_array_new_with_free_func(g_free);
  workers_submit(server->workers, reload_run, reload_done, reload, reload_free);
}

/* ---- how it is ---- */

static const char *describe_trouble(const Server *server) {
  if (server->face.connection == NULL)
    return server->refused_since != 0 ? "the bus refuses the name; " : "there is no bus; ";
  if (service_is_read_only(server->service))
    return "the database is damaged and takes no writes; ";
  if (server->pulse_state == PULSE_WAITS)
    return "one step of a commit takes long; ";
  return server->pulse_state == PULSE_STOPPED ? "the writer hangs; " : "";
}

char *server_describe(const Server *server) {
  return g_strdup_printf("%sserving revision %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " watches",
                         describe_trouble(server), service_get_revision(server->service),
                         service_get_load(server->service, SHARE_WATCHES).now);
}

gboolean server_is_alive(Server *server) {
  static const char *const texts[] = {
      [PULSE_BEATS] = "the writer goes on",
      [PULSE_WAITS] = "one step of a commit takes long (the disk, or a large one)",
      [PULSE_STOPPED] =
          ("the writer hangs: no more beats for the service manager, which restarts regd if its "
           "unit has a watchdog (WatchdogSec=)"),
  };
  const PulseSample sample = writer_take_pulse(server->writer);
  PulseState state = pulse_look(&server->pulse, &sample);
  if (state != server->pulse_state)
    say(server, "%s", texts[state]);
  server->pulse_state = state;
  return state != PULSE_STOPPED;
}

/* ---- life ---- */

/* The main loop runs only once the service is there. */
static void note_written(const WriteResult *result, gpointer data) {
  Server *server = data;
  service_note_written(server->service, result);
}

static gboolean open_storage(Server *server, GError **error) {
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  server->writer = writer_start(server->options.database, NULL, note_written, server, error);
  if (server->writer == NULL)
    return FALSE;
  spool_remove_left(server->options.database);
  server->reader = reader_open(server->options.database, error);
  if (server->reader == NULL)
    return FALSE;
  g_autoptr(SchemaSet) schemas = schema_load(server->options.schema_directories, problems);
  say_problems(server, problems);
  server->service = service_new(&(ServiceParts){server->reader, server->readings, server->writer},
                                schemas, &service_events, server);
  server->face.service = server->service;
  server->face.files = file_shares_new(server->service);
  server->face.fleet = fleet_faces_new(&server->face, server->writer);
  return TRUE;
}

Server *server_start(const ServerOptions *options, const ServerEvents *events, GError **error) {
  g_autoptr(Server) server = g_new0(Server, 1);
  server->options = *options;
  server->events = *events;
  server->retry = retry_new(NULL, attempt, server);
  server->workers = workers_new(WORKERS_UNLIMITED, NULL);
  server->face.workers = server->workers;
  server->readings = readings_new(server->workers, options->database);
  readings_set_gate(server->readings, may_reply, server);
  server->face.readings = server->readings;
  server->face.turns = short_turns_new();
  server->face.replies = reply_cache_new();
  server->face.database = options->database;
  if (!open_storage(server, error) || !begin_to_serve(server, error))
    return NULL;
  return g_steal_pointer(&server);
}

/* What is queued is sent as long as the bus takes it. */
static void send_queued(DBusConnection *connection) {
  gint64 last = g_get_monotonic_time() + SEND_LAST_SECONDS * G_USEC_PER_SEC;
  while (dbus_connection_has_messages_to_send(connection) && g_get_monotonic_time() < last)
    if (!dbus_connection_read_write(connection, SEND_STEP_MS))
      return;
}

static void finish_writing(Server *server) {
  if (server->service != NULL)
    service_forget_writer(server->service);
  g_clear_pointer(&server->writer, writer_stop);
  while (g_main_context_iteration(NULL, FALSE))
    ;
  /* What waits only for watchers is answered. */
  if (server->service != NULL)
    watching_forget_owner(service_get_watching(server->service), NULL);
  if (server->face.connection != NULL)
    send_queued(server->face.connection);
}

void server_stop(Server *server) {
  if (server == NULL)
    return;
  retry_free(server->retry); /* before the loop is run for the last time */
  /* What is under way is still answered through the connection, which is no longer read: calls that
   * are in it get the bus's own answer. */
  g_clear_pointer(&server->binding, loop_binding_free);
  readings_stop(server->readings);
  workers_abandon(server->workers);
  fleet_faces_stop(server->face.fleet);
  g_clear_pointer(&server->face.files, file_shares_free); /* those that wait are answered */
  g_clear_pointer(&server->face.authority, authority_free);
  finish_writing(server);
  leave_bus(server);
  fleet_faces_free(server->face.fleet);
  readings_free(server->readings);
  short_turns_free(server->face.turns);
  reply_cache_free(server->face.replies);
  service_free(server->service);
  g_clear_pointer(&server->reader, reader_close);
  g_free(server);
}

/* SPDX-License-Identifier: MIT */
/* libdbus on a GMainContext.
 *
 * It answers for opening and closing private connections, and for turning
 * their watches, timeouts and waiting messages into sources of a context. It
 * does not know what any message means, and it does not reconnect.
 *
 * Messages are handled when libdbus has returned from reading them, never from
 * inside its call-backs, so that a handler may send, close the connection or
 * free the binding.
 *
 * Work on the loop's own thread needs no wake-up of that loop, which would cost three
 * system calls each time. So watches are switched when the loop prepares to poll; a watch
 * that is on only for the length of a write is never polled.
 */
#include "client/bus/loop.h"

#include <sys/ioctl.h>

#include "client/base/error.h"

/* Messages handled before the other sources of the context get their turn. */
#define DISPATCH_BATCH 64
/* What libdbus reads of a socket at once. */
#define LIBDBUS_READ_BYTES 4096
#define READS_IN_A_ROUND 32
/* Milliseconds until a message that found no memory is tried again. */
#define MEMORY_RETRY_MS 100

struct LoopBinding {
  DBusConnection *connection; /* or */
  DBusServer *server;
  GMainContext *context;
  GSource *dispatcher; /* a connection's */
};

/* ---- connecting ---- */

/* Does not use dbus_bus_get_private(): that starts a session bus of its own if it finds
 * none, and waits for Hello. */
static char *dup_system_address(void) {
  const char *address = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");
  return g_strdup(address != NULL ? address : "unix:path=/run/dbus/system_bus_socket");
}

/* What libdbus makes is freed by its own function. */
static char *dup_escaped(const char *text) {
  char *escaped = dbus_address_escape_value(text);
  char *copy = g_strdup(escaped);
  dbus_free(escaped);
  return copy;
}

static char *dup_session_address(void) {
  const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
  if (address != NULL)
    return g_strdup(address);
  g_autofree char *socket = g_build_filename(g_get_user_runtime_dir(), "bus", NULL);
  g_autofree char *escaped = dup_escaped(socket);
  return g_strconcat("unix:path=", escaped, NULL);
}

static char *dup_address(const char *bus) {
  if (bus == NULL || g_str_equal(bus, "system"))
    return dup_system_address();
  if (g_str_equal(bus, "session"))
    return dup_session_address();
  return g_strdup(bus);
}

static void set_unreachable(const char *bus, DBusError *problem, GError **error) {
  error_set(error, REGISTRY_ERROR_UNREACHABLE, "the %s bus can't be reached: %s",
            bus != NULL ? bus : "system",
            problem->message != NULL ? problem->message : "no reason given");
  dbus_error_free(problem);
}

gboolean loop_check_bus(const char *bus, GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  DBusAddressEntry **entries = NULL;
  int count = 0;
  g_autofree char *address = dup_address(bus);
  if (!g_utf8_validate(address, -1, NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "the address of the bus is not UTF-8");
  if (dbus_parse_address(address, &entries, &count, &problem)) {
    dbus_address_entries_free(entries);
    return TRUE;
  }
  error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
            "--bus=%s is neither system nor session nor an address: %s", bus != NULL ? bus : "",
            problem.message);
  dbus_error_free(&problem);
  return FALSE;
}

DBusConnection *loop_open(const char *bus, GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  g_autofree char *address = dup_address(bus);
  /* libdbus aborts at an address that is not text. */
  if (!g_utf8_validate(address, -1, NULL)) {
    error_set(error, REGISTRY_ERROR_UNREACHABLE, "the address of the bus is not UTF-8");
    return NULL;
  }
  DBusConnection *connection = dbus_connection_open_private(address, &problem);
  if (connection == NULL) {
    set_unreachable(bus, &problem, error);
    return NULL;
  }
  dbus_connection_set_exit_on_disconnect(connection, FALSE);
  return connection;
}

DBusMessage *loop_new_hello(void) {
  return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                      "Hello");
}

DBusConnection *loop_connect(const char *bus, GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  DBusConnection *connection = loop_open(bus, error);
  if (connection == NULL || dbus_bus_register(connection, &problem))
    return connection;
  loop_disconnect(connection);
  set_unreachable(bus, &problem, error);
  return NULL;
}

void loop_disconnect(DBusConnection *connection) {
  if (connection == NULL)
    return;
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
}

/* GLib takes a source's functions without const, and does not write to them. */
static GSource *make_source(const GSourceFuncs *functions, guint size) {
  return g_source_new((GSourceFuncs *)(guintptr)functions, size);
}

/* Where this thread runs the loop, it prepares before it polls again. */
static void wake_up(void *data) {
  LoopBinding *binding = data;
  if (!g_main_context_is_owner(binding->context))
    g_main_context_wakeup(binding->context);
}

/* ---- dispatching ---- */

typedef struct {
  GSource source;
  DBusConnection *connection;
  gboolean busy; /* a handler runs, maybe a loop of its own */
} DispatchSource;

static gboolean dispatch_source_prepare(GSource *source, gint *timeout_ms) {
  DispatchSource *self = (DispatchSource *)source;
  DBusDispatchStatus status = dbus_connection_get_dispatch_status(self->connection);
  *timeout_ms = status == DBUS_DISPATCH_NEED_MEMORY ? MEMORY_RETRY_MS : -1;
  return !self->busy && status == DBUS_DISPATCH_DATA_REMAINS;
}

static gboolean dispatch_source_check(GSource *source) {
  gint timeout_ms = -1;
  return dispatch_source_prepare(source, &timeout_ms);
}

/* A handler may free the binding, and with it the last other references. */
static void dispatch_messages(GSource *source) {
  DispatchSource *self = (DispatchSource *)g_source_ref(source);
  self->busy = TRUE;
  for (guint handled = 0; handled < DISPATCH_BATCH && !g_source_is_destroyed(source); handled++)
    if (dbus_connection_dispatch(self->connection) != DBUS_DISPATCH_DATA_REMAINS)
      break;
  self->busy = FALSE;
  g_source_unref(source);
}

static gboolean dispatch_source_dispatch(GSource *source, G_GNUC_UNUSED GSourceFunc callback,
                                         G_GNUC_UNUSED gpointer data) {
  dispatch_messages(source);
  return G_SOURCE_CONTINUE;
}

static void dispatch_source_finalize(GSource *source) {
  DispatchSource *self = (DispatchSource *)source;
  dbus_connection_unref(self->connection);
}

static const GSourceFuncs dispatch_source_functions = {
    .prepare = dispatch_source_prepare,
    .check = dispatch_source_check,
    .dispatch = dispatch_source_dispatch,
    .finalize = dispatch_source_finalize,
};

static GSource *dispatch_source_new(DBusConnection *connection) {
  GSource *source = make_source(&dispatch_source_functions, sizeof(DispatchSource));
  ((DispatchSource *)source)->connection = dbus_connection_ref(connection);
  g_source_set_static_name(source, "libdbus dispatch");
  return source;
}

/* ---- watches: file descriptors ---- */

typedef struct {
  GSource source;
  LoopBinding *binding; /* which removes the watch before it goes */
  DBusWatch *watch;
  gpointer tag; /* NULL while the loop does not poll it */
} WatchSource;

static GIOCondition watch_get_condition(DBusWatch *watch) {
  unsigned int flags = dbus_watch_get_flags(watch);
  GIOCondition condition = G_IO_ERR | G_IO_HUP;
  if (flags & DBUS_WATCH_READABLE)
    condition |= G_IO_IN;
  if (flags & DBUS_WATCH_WRITABLE)
    condition |= G_IO_OUT;
  return condition;
}

static unsigned int flags_from_condition(GIOCondition condition) {
  unsigned int flags = 0;
  if (condition & G_IO_IN)
    flags |= DBUS_WATCH_READABLE;
  if (condition & G_IO_OUT)
    flags |= DBUS_WATCH_WRITABLE;
  if (condition & G_IO_ERR)
    flags |= DBUS_WATCH_ERROR;
  if (condition & G_IO_HUP)
    flags |= DBUS_WATCH_HANGUP;
  return flags;
}

/* A large message comes in many pieces of what libdbus reads at once. Without this there would be a
 * round of the loop for each. */
static void read_on(WatchSource *self) {
  int waiting = 0;
  for (guint i = 0; i < READS_IN_A_ROUND && !g_source_is_destroyed((GSource *)self) &&
                    self->tag != NULL && dbus_watch_get_enabled(self->watch);
       i++) {
    if (ioctl(dbus_watch_get_unix_fd(self->watch), FIONREAD, &waiting) != 0 ||
        waiting < LIBDBUS_READ_BYTES)
      return;
    (void)dbus_watch_handle(self->watch, DBUS_WATCH_READABLE);
  }
}

static gboolean watch_source_dispatch(GSource *source, G_GNUC_UNUSED GSourceFunc callback,
                                      G_GNUC_UNUSED gpointer data) {
  WatchSource *self = (WatchSource *)source;
  if (self->tag == NULL || !dbus_watch_get_enabled(self->watch))
    return G_SOURCE_CONTINUE;
  unsigned int flags = flags_from_condition(g_source_query_unix_fd(source, self->tag));
  if (flags == 0)
    return G_SOURCE_CONTINUE;
  /* FALSE is a lack of memory: the descriptor is still ready in the next round. */
  (void)dbus_watch_handle(self->watch, flags);
  if (flags == DBUS_WATCH_READABLE)
    read_on(self);
  /* What has come is handled in this round already; both go with the binding. */
  GSource *dispatcher = g_source_is_destroyed(source) ? NULL : self->binding->dispatcher;
  if (dispatcher != NULL && dispatch_source_check(dispatcher))
    dispatch_messages(dispatcher);
  return G_SOURCE_CONTINUE;
}

/* A descriptor that is switched off is taken out altogether: poll() would go
 * on reporting its hang-up. */
static void watch_source_update(WatchSource *self) {
  gboolean enabled = dbus_watch_get_enabled(self->watch);
  if (enabled && self->tag == NULL) {
    self->tag = g_source_add_unix_fd(&self->source, dbus_watch_get_unix_fd(self->watch),
                                     watch_get_condition(self->watch));
  } else if (!enabled && self->tag != NULL) {
    g_source_remove_unix_fd(&self->source, self->tag);
    self->tag = NULL;
  }
}

static gboolean watch_source_prepare(GSource *source, gint *timeout_ms) {
  *timeout_ms = -1;
  watch_source_update((WatchSource *)source);
  return FALSE;
}

static const GSourceFuncs watch_source_functions = {.prepare = watch_source_prepare,
                                                    .dispatch = watch_source_dispatch};

static dbus_bool_t add_watch(DBusWatch *watch, void *data) {
  LoopBinding *binding = data;
  GSource *source = make_source(&watch_source_functions, sizeof(WatchSource));
  WatchSource *self = (WatchSource *)source;
  self->binding = binding;
  self->watch = watch;
  g_source_set_static_name(source, "libdbus watch");
  /* Reading runs no loop; else GLib would take the descriptor out for its length. */
  g_source_set_can_recurse(source, TRUE);
  watch_source_update(self);
  g_source_attach(source, binding->context);
  dbus_watch_set_data(watch, source, NULL);
  return TRUE;
}

static void remove_watch(DBusWatch *watch, G_GNUC_UNUSED void *data) {
  GSource *source = dbus_watch_get_data(watch);
  if (source == NULL)
    return;
  dbus_watch_set_data(watch, NULL, NULL);
  g_source_destroy(source);
  g_source_unref(source);
}

static void toggle_watch(G_GNUC_UNUSED DBusWatch *watch, void *data) {
  wake_up(data);
}

/* ---- timeouts ---- */

static gboolean on_timeout(gpointer data) {
  (void)dbus_timeout_handle(data);
  return G_SOURCE_CONTINUE;
}

static void remove_timeout(DBusTimeout *timeout, G_GNUC_UNUSED void *data) {
  GSource *source = dbus_timeout_get_data(timeout);
  if (source == NULL)
    return;
  dbus_timeout_set_data(timeout, NULL, NULL);
  g_source_destroy(source);
  g_source_unref(source);
}

static dbus_bool_t add_timeout(DBusTimeout *timeout, void *data) {
  LoopBinding *binding = data;
  if (!dbus_timeout_get_enabled(timeout))
    return TRUE;
  GSource *source = g_timeout_source_new((guint)dbus_timeout_get_interval(timeout));
  g_source_set_static_name(source, "libdbus timeout");
  g_source_set_callback(source, on_timeout, timeout, NULL);
  g_source_attach(source, binding->context);
  dbus_timeout_set_data(timeout, source, NULL);
  return TRUE;
}

/* The interval may have changed too: always a new source. */
static void toggle_timeout(DBusTimeout *timeout, void *data) {
  remove_timeout(timeout, data);
  (void)add_timeout(timeout, data);
}

/* ---- binding ---- */

LoopBinding *loop_bind(DBusConnection *connection, GMainContext *context) {
  LoopBinding *binding = g_new0(LoopBinding, 1);
  binding->connection = dbus_connection_ref(connection);
  binding->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  binding->dispatcher = dispatch_source_new(connection);
  g_source_attach(binding->dispatcher, binding->context);
  dbus_connection_set_wakeup_main_function(connection, wake_up, binding, NULL);
  if (dbus_connection_set_watch_functions(connection, add_watch, remove_watch, toggle_watch,
                                          binding, NULL) &&
      dbus_connection_set_timeout_functions(connection, add_timeout, remove_timeout, toggle_timeout,
                                            binding, NULL))
    return binding;
  loop_binding_free(binding);
  return NULL;
}

LoopBinding *loop_bind_server(DBusServer *server, GMainContext *context) {
  LoopBinding *binding = g_new0(LoopBinding, 1);
  binding->server = dbus_server_ref(server);
  binding->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  if (dbus_server_set_watch_functions(server, add_watch, remove_watch, toggle_watch, binding,
                                      NULL) &&
      dbus_server_set_timeout_functions(server, add_timeout, remove_timeout, toggle_timeout,
                                        binding, NULL))
    return binding;
  loop_binding_free(binding);
  return NULL;
}

/* Setting none removes each watch and timeout that was added. */
static void unbind_server(DBusServer *server) {
  (void)dbus_server_set_watch_functions(server, NULL, NULL, NULL, NULL, NULL);
  (void)dbus_server_set_timeout_functions(server, NULL, NULL, NULL, NULL, NULL);
  dbus_server_unref(server);
}

static void unbind_connection(LoopBinding *binding) {
  (void)dbus_connection_set_watch_functions(binding->connection, NULL, NULL, NULL, NULL, NULL);
  (void)dbus_connection_set_timeout_functions(binding->connection, NULL, NULL, NULL, NULL, NULL);
  dbus_connection_set_wakeup_main_function(binding->connection, NULL, NULL, NULL);
  g_source_destroy(binding->dispatcher);
  g_source_unref(binding->dispatcher);
  dbus_connection_unref(binding->connection);
}

void loop_binding_free(LoopBinding *binding) {
  if (binding == NULL)
    return;
  if (binding->connection != NULL)
    unbind_connection(binding);
  if (binding->server != NULL)
    unbind_server(binding->server);
  g_main_context_unref(binding->context);
  g_free(binding);
}

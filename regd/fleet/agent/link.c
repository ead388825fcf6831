/* SPDX-License-Identifier: MIT */
/* See link.h. */
#include "regd/fleet/agent/link-private.h"

#include <string.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/fleet/base/key.h"

#define AGENT_NAME "org.regd.FleetAgent1"
#define OWNER_RULE                                                                                 \
  "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"                  \
  "member='NameOwnerChanged',arg0='" REGISTRY_BUS_NAME "'"

/* Once for as long as it holds. */
static void complain(Link *link, const char *what) {
  if (g_strcmp0(link->complaint, what) == 0)
    return;
  g_free(link->complaint);
  link->complaint = g_strdup(what);
  g_printerr("regd-fleet: %s\n", what);
}

/* ---- what is freed ---- */

void link_proposal_free(LinkProposal *proposal) {
  if (proposal == NULL)
    return;
  g_clear_pointer(&proposal->head, g_bytes_unref);
  g_clear_pointer(&proposal->steps, g_ptr_array_unref);
  g_free(proposal);
}

void link_task_free(LinkTask *task) {
  if (task == NULL)
    return;
  g_clear_pointer(&task->info, g_bytes_unref);
  g_clear_pointer(&task->head, g_bytes_unref);
  g_clear_pointer(&task->steps, g_ptr_array_unref);
  g_free(task->host);
  g_free(task);
}

/* ---- reading signals, whose signatures have been checked ---- */

static GBytes *take_bytes(DBusMessageIter *iter) {
  DBusMessageIter bytes;
  const guint8 *data = NULL;
  int size = 0;
  dbus_message_iter_recurse(iter, &bytes);
  dbus_message_iter_get_fixed_array(&bytes, &data, &size);
  dbus_message_iter_next(iter);
  return g_bytes_new(data, (gsize)size);
}

/* NULL: it is of no known kind, or not for a key or value. */
static FleetStep *read_step(DBusMessageIter *structure) {
  DBusMessageIter part;
  guint32 kind;
  dbus_message_iter_recurse(structure, &part);
  dbus_message_iter_get_basic(&part, &kind);
  dbus_message_iter_next(&part);
  g_autoptr(GBytes) key = take_bytes(&part);
  g_autoptr(GBytes) record = take_bytes(&part);
  gsize size;
  const void *name = g_bytes_get_data(key, &size);
  if ((kind != ETCD_PUT && kind != ETCD_DELETE) || !fleet_key_is_record(name, size))
    return NULL;
  return fleet_step_new(key, kind == ETCD_PUT ? record : NULL);
}

/* NULL: one can't be read, or there are too many. */
static GPtrArray *take_steps(DBusMessageIter *iter) {
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(fleet_step_free);
  DBusMessageIter each;
  dbus_message_iter_recurse(iter, &each);
  for (; dbus_message_iter_get_arg_type(&each) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&each)) {
    FleetStep *step = read_step(&each);
    if (step == NULL || steps->len == FLEET_LIMIT_OPERATIONS) {
      g_clear_pointer(&step, fleet_step_free);
      return NULL;
    }
    g_ptr_array_add(steps, step);
  }
  dbus_message_iter_next(iter);
  return g_steal_pointer(&steps);
}

static void fail_ticket(Link *link, guint32 ticket, const char *why) {
  const LinkOutcome outcome = {.ticket = ticket, .what = "failed", .message = why};
  link_tell_outcome(link, &outcome);
}

static void on_propose(Link *link, DBusMessageIter *iter) {
  g_autoptr(LinkProposal) proposal = g_new0(LinkProposal, 1);
  dbus_message_iter_get_basic(iter, &proposal->ticket);
  dbus_message_iter_next(iter);
  dbus_message_iter_next(iter); /* the layer: there is one */
  g_autoptr(GBytes) guard = take_bytes(iter);
  proposal->head = take_bytes(iter);
  proposal->steps = take_steps(iter);
  if (proposal->steps == NULL || g_bytes_get_size(guard) != FLEET_ID_BYTES) {
    fail_ticket(link, proposal->ticket, "regd-fleet can't read the proposal");
    return;
  }
  memcpy(proposal->guard, g_bytes_get_data(guard, NULL), FLEET_ID_BYTES);
  link->events.proposed(g_steal_pointer(&proposal), link->events.data);
}

static const char *const task_names[N_LINK_TASKS] = {[LINK_TASK_INIT] = "init",
                                                     [LINK_TASK_JOIN] = "join",
                                                     [LINK_TASK_RESYNC] = "resync",
                                                     [LINK_TASK_FORGET] = "forget"};

static gboolean read_kind(const char *name, LinkTaskKind *kind) {
  for (guint i = 0; i < N_LINK_TASKS; i++)
    if (g_str_equal(task_names[i], name)) {
      *kind = (LinkTaskKind)i;
      return TRUE;
    }
  return FALSE;
}

/* NULL: it is not there, or not of this type. */
static gboolean get_content(const WireOptions *options, const char *name, const char *signature,
                            DBusMessageIter *content) {
  if (!wire_options_get_content(options, name, content))
    return FALSE;
  g_autofree char *given = wire_dup_signature(content);
  return g_str_equal(given, signature);
}

static gboolean read_init(const WireOptions *options, LinkTask *task) {
  DBusMessageIter content;
  if (!get_content(options, "fleet", "ay", &content))
    return FALSE;
  task->info = take_bytes(&content);
  if (!get_content(options, "head", "ay", &content))
    return FALSE;
  task->head = take_bytes(&content);
  if (!get_content(options, "operations", "a(uayay)", &content))
    return FALSE;
  task->steps = take_steps(&content);
  return task->steps != NULL;
}

static gboolean read_host(const WireOptions *options, LinkTask *task) {
  const char *host = NULL;
  (void)wire_options_get_string(options, "host", &host, NULL);
  task->host = g_strdup(host);
  return host != NULL;
}

static gboolean read_task(LinkTask *task, const char *name, const WireOptions *options) {
  return options != NULL && read_kind(name, &task->kind) &&
         (task->kind != LINK_TASK_INIT || read_init(options, task)) &&
         (task->kind != LINK_TASK_FORGET || read_host(options, task)) &&
         wire_options_get_boolean(options, "dry-run", &task->dry_run, NULL) &&
         wire_options_get_boolean(options, "force", &task->force, NULL);
}

static void on_task(Link *link, DBusMessageIter *iter) {
  g_autoptr(LinkTask) task = g_new0(LinkTask, 1);
  const char *name;
  dbus_message_iter_get_basic(iter, &task->ticket);
  dbus_message_iter_next(iter);
  dbus_message_iter_get_basic(iter, &name);
  dbus_message_iter_next(iter);
  g_autoptr(WireOptions) options = wire_options_read(iter, NULL);
  if (read_task(task, name, options))
    link->events.tasked(g_steal_pointer(&task), link->events.data);
  else
    fail_ticket(link, task->ticket, "regd-fleet can't do this task");
}

static void on_list_hosts(Link *link, DBusMessageIter *iter) {
  guint32 ticket;
  dbus_message_iter_get_basic(iter, &ticket);
  link->events.hosts_asked(ticket, link->events.data);
}

static void on_configure(Link *link, DBusMessageIter *iter) {
  g_autoptr(GError) error = NULL;
  AgentConfig *config = config_read(iter, &error);
  if (config == NULL)
    complain(link, error->message);
  else
    link->events.configured(config, link->events.data);
}

static const struct {
  const char *member;
  const char *signature;
  void (*handle)(Link *link, DBusMessageIter *iter);
} signals[] = {
    {"Configure", "a{sv}", on_configure},
    {"Propose", "usayaya(uayay)", on_propose},
    {"Task", "usa{sv}", on_task},
    {"ListHosts", "u", on_list_hosts},
};

static void handle_signal(Link *link, DBusMessage *message) {
  DBusMessageIter iter;
  if (g_strcmp0(dbus_message_get_sender(message), link->engine) != 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
    if (dbus_message_is_signal(message, ENGINE_INTERFACE, signals[i].member) &&
        dbus_message_has_signature(message, signals[i].signature)) {
      dbus_message_iter_init(message, &iter);
      signals[i].handle(link, &iter);
      return;
    }
}

/* ---- regd comes and goes ---- */

static void lose_engine(Link *link) {
  if (link->engine == NULL)
    return;
  g_clear_pointer(&link->engine, g_free);
  link->session++;
  link->events.lost(link->events.data);
}

static void on_attached(DBusMessage *reply, gpointer data) {
  Link *link = data;
  DBusMessageIter iter;
  g_autoptr(GError) error = NULL;
  if (wire_take_error(reply, &error)) {
    if (!g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
      complain(link, error->message);
    retry_later(link->retry);
    return;
  }
  g_free(link->engine);
  link->engine = g_strdup(dbus_message_get_sender(reply));
  g_clear_pointer(&link->complaint, g_free);
  retry_reset(link->retry);
  if (dbus_message_has_signature(reply, "a{sv}") && dbus_message_iter_init(reply, &iter))
    on_configure(link, &iter);
}

void link_attach(Link *link) {
  DBusMessage *call = link_new_call("Attach");
  DBusMessageIter iter, dict;
  dbus_message_iter_init_append(call, &iter);
  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
  wire_append_entry_string(&dict, "version", REGD_VERSION);
  wire_append_entry_uint32(&dict, "pid", (guint32)getpid());
  dbus_message_iter_close_container(&iter, &dict);
  link_call(link, call, on_attached, link, NULL);
}

static void on_owner_changed(Link *link, DBusMessage *message) {
  const char *name, *before, *after;
  if (!dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
      !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                             DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) ||
      !g_str_equal(name, REGISTRY_BUS_NAME))
    return;
  lose_engine(link);
  if (*after != '\0')
    link_attach(link);
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data) {
  Link *link = data;
  if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
    lose_engine(link);
    link->session++;
    dbus_connection_remove_filter(connection, on_message, link);
    g_clear_pointer(&link->binding, loop_binding_free);
    g_clear_pointer(&link->connection, loop_disconnect);
    retry_later(link->retry);
    return DBUS_HANDLER_RESULT_HANDLED;
  }
  if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
    on_owner_changed(link, message);
  else if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL)
    handle_signal(link, message);
  return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* ---- the bus ---- */

static gboolean take_name(DBusConnection *connection, GError **error) {
  DBusError problem = DBUS_ERROR_INIT;
  dbus_bus_add_match(connection, OWNER_RULE, &problem);
  if (dbus_error_is_set(&problem))
    return wire_take_dbus_error(&problem, error);
  int result = dbus_bus_request_name(connection, AGENT_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE, &problem);
  if (result < 0)
    return wire_take_dbus_error(&problem, error);
  return result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER ||
         error_set(error, REGISTRY_ERROR_FAILED, "there is another regd-fleet on this bus");
}

static gboolean connect_bus(Link *link, GError **error) {
  DBusConnection *connection = loop_connect(link->bus, error);
  if (connection == NULL)
    return FALSE;
  if (!take_name(connection, error)) {
    loop_disconnect(connection);
    return FALSE;
  }
  link->connection = connection;
  link->binding = loop_bind(connection, NULL);
  if (link->binding == NULL || !dbus_connection_add_filter(connection, on_message, link, NULL))
    g_error("no memory");
  return TRUE;
}

static void attempt(gpointer data) {
  Link *link = data;
  g_autoptr(GError) error = NULL;
  if (link->connection == NULL && !connect_bus(link, &error)) {
    if (!g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
      complain(link, error->message);
    retry_later(link->retry);
    return;
  }
  if (link->engine == NULL)
    link_attach(link);
}

Link *link_new(const char *bus, const LinkEvents *events) {
  Link *link = g_new0(Link, 1);
  link->bus = g_strdup(bus);
  link->events = *events;
  link->retry = retry_new(NULL, attempt, link);
  retry_later(link->retry);
  return link;
}

void link_free(Link *link) {
  if (link == NULL)
    return;
  retry_free(link->retry);
  if (link->connection != NULL)
    dbus_connection_remove_filter(link->connection, on_message, link);
  g_clear_pointer(&link->binding, loop_binding_free);
  loop_disconnect(link->connection);
  g_free(link->engine);
  g_free(link->complaint);
  g_free(link->told_state);
  g_free(link->bus);
  g_free(link);
}

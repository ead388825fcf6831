/* SPDX-License-Identifier: MIT */
/* See connector.h. The servers that it may connect to come from live views. An address
 * that is missing there is looked up again after a round trip to regd: it may have been
 * set a moment ago. Those of single accounts are asked for when they are needed
 * (account-servers.h): this process knows of no account but the names of those. */
#include "mailauth/connector/connector.h"

#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/threads/workers.h"
#include "mailauth/connector/account-servers.h"
#include "mailauth/connector/allowed-servers.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/settings/server-address.h"
#include "mailauth/settings/settings.h"

/* For names: their look-up may block. */
#define LOOKUP_THREADS 8U

static const SettingsKey keys[] = {SETTINGS_BROKERS, SETTINGS_POP3, SETTINGS_IMAP};

typedef struct {
  GMainLoop *loop;
  Channel *verifier;
  RegistryConnection *connection;
  RegistryView *views[G_N_ELEMENTS(keys)];
  NamedServers *servers; /* as the views had them when they were looked at last */
  AccountServers *of_accounts;
  Workers *workers;    /* for names */
  GHashTable *lookups; /* name -> Lookup, under way */
  GHashTable *dials;   /* number -> Dial */
  GQueue syncs;        /* of Sync */
} Connector;

typedef struct Lookup Lookup;

/* A question, from its arrival to its answer. */
typedef struct {
  Connector *connector;
  guint64 number;
  char *account; /* that names the server; "": a setting of all does */
  char *server;  /* as it is set */
  ServerAddress address;
  gboolean synced; /* the views are as current as the question; or the account is being asked for */
  gint64 deadline; /* of g_get_monotonic_time() */
  Lookup *lookup;  /* of its host, or NULL */
  const struct addrinfo *next;
  int descriptor; /* that is being connected, or -1 */
  guint source;   /* that waits for it */
  guint timer;
  int problem; /* errno with the last address; 0 for none */
} Dial;

/* One for all who want the same host at a time: a name that can't be found holds one
 * thread. It is kept while anybody tries the addresses. */
struct Lookup {
  guint references;
  Connector *connector;
  char *name; /* host:port */
  char *host;
  char port[8];
  GPtrArray *dials; /* that wait for it */
  struct addrinfo *addresses;
  int code;
};

static void lookup_unref(Lookup *lookup) {
  if (--lookup->references > 0)
    return;
  if (lookup->addresses != NULL)
    freeaddrinfo(lookup->addresses);
  g_ptr_array_unref(lookup->dials);
  g_free(lookup->name);
  g_free(lookup->host);
  g_free(lookup);
}

/* ---- the end of a dial ---- */

static void drop_descriptor(Dial *dial) {
  g_clear_handle_id(&dial->source, g_source_remove);
  g_clear_handle_id(&dial->timer, g_source_remove);
  if (dial->descriptor >= 0)
    close(dial->descriptor);
  dial->descriptor = -1;
}

static void dial_free(gpointer data) {
  Dial *dial = data;
  drop_descriptor(dial);
  if (dial->lookup != NULL) {
    g_ptr_array_remove(dial->lookup->dials, dial);
    lookup_unref(dial->lookup);
  }
  server_address_clear(&dial->address);
  g_free(dial->account);
  g_free(dial->server);
  g_free(dial);
}

/* @problem "": the socket goes along. A verifier that has gone is heard of by the
 * channel's end. */
static void answer(Dial *dial, const char *problem) {
  Connector *connector = dial->connector;
  (void)channel_send(connector->verifier, MESSAGE_CONNECTED,
                     g_variant_new("(ts)", dial->number, problem), &dial->descriptor,
                     *problem == '\0' ? 1 : 0, NULL);
  g_hash_table_remove(connector->dials, &dial->number);
}

/* ---- connecting ---- */

static void try_next(Dial *dial);

static void give_up(Dial *dial) {
  answer(dial, dial->problem != 0 ? g_strerror(dial->problem) : "it has no address");
}

static void on_refused(Dial *dial, int problem) {
  drop_descriptor(dial);
  dial->problem = problem;
  try_next(dial);
}

static gboolean on_connected(G_GNUC_UNUSED int descriptor, G_GNUC_UNUSED GIOCondition condition,
                             gpointer data) {
  Dial *dial = data;
  int problem = 0;
  socklen_t size = sizeof problem;
  dial->source = 0;
  if (getsockopt(dial->descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) < 0)
    problem = errno;
  if (problem == 0)
    answer(dial, "");
  else
    on_refused(dial, problem);
  return G_SOURCE_REMOVE;
}

static gboolean on_late(gpointer data) {
  Dial *dial = data;
  dial->timer = 0;
  on_refused(dial, ETIMEDOUT);
  return G_SOURCE_REMOVE;
}

/* Whether the server still stands is asked if nothing is said for long. */
static void set_options(int descriptor) {
  const int one = 1;
  const int idle = SERVER_KEEPALIVE_S;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
}

static int start_connecting(const struct sockaddr *address, socklen_t size) {
  int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0)
    return -1;
  if (address->sa_family != AF_UNIX)
    set_options(descriptor);
  if (connect(descriptor, address, size) == 0 || errno == EINPROGRESS)
    return descriptor;
  int problem = errno;
  close(descriptor);
  errno = problem;
  return -1;
}

static guint count_left(const Dial *dial) {
  guint count = 1;
  for (const struct addrinfo *address = dial->next; address != NULL; address = address->ai_next)
    count++;
  return count;
}

/* Each of several addresses has its share of the time. */
static void wait_for_connection(Dial *dial, int descriptor) {
  gint64 rest = MAX(dial->deadline - g_get_monotonic_time(), 0) / 1000;
  dial->descriptor = descriptor;
  dial->source = g_unix_fd_add(descriptor, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_connected, dial);
  dial->timer = g_timeout_add((guint)rest / count_left(dial), on_late, dial);
}

static void try_next(Dial *dial) {
  while (dial->next != NULL) {
    const struct addrinfo *address = dial->next;
    dial->next = address->ai_next;
    int descriptor = start_connecting(address->ai_addr, address->ai_addrlen);
    if (descriptor >= 0) {
      wait_for_connection(dial, descriptor);
      return;
    }
    dial->problem = errno;
  }
  give_up(dial);
}

static void connect_to_path(Dial *dial) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(dial->address.path) >= sizeof address.sun_path) {
    answer(dial, "the path is too long for a socket");
    return;
  }
  memcpy(address.sun_path, dial->address.path, strlen(dial->address.path));
  int descriptor = start_connecting((const struct sockaddr *)&address, sizeof address);
  if (descriptor >= 0)
    wait_for_connection(dial, descriptor);
  else
    answer(dial, g_strerror(errno));
}

/* ---- names ---- */

static void resolve(Lookup *lookup, int flags) {
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
  lookup->code = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->addresses);
}

static void look_up(gpointer job) {
  resolve(job, 0);
}

static void take_addresses(Dial *dial, const Lookup *lookup) {
  g_clear_handle_id(&dial->timer, g_source_remove);
  dial->next = lookup->addresses;
  if (lookup->code != 0)
    answer(dial, gai_strerror(lookup->code));
  else
    try_next(dial);
}

static void looked_up(gpointer job) {
  Lookup *lookup = job;
  g_autoptr(GPtrArray) dials = g_steal_pointer(&lookup->dials);
  lookup->dials = g_ptr_array_new();
  g_hash_table_remove(lookup->connector->lookups, lookup->name);
  for (guint i = 0; i < dials->len; i++)
    take_addresses(dials->pdata[i], lookup);
  lookup_unref(lookup);
}

static gboolean on_lookup_late(gpointer data) {
  Dial *dial = data;
  dial->timer = 0;
  answer(dial, "its name is not found in time");
  return G_SOURCE_REMOVE;
}

static Lookup *lookup_new(Connector *connector, const ServerAddress *address) {
  Lookup *lookup = g_new0(Lookup, 1);
  lookup->references = 1;
  lookup->connector = connector;
  lookup->host = g_strdup(address->host);
  g_snprintf(lookup->port, sizeof lookup->port, "%u", address->port);
  lookup->name = g_strdup_printf("%s:%s", lookup->host, lookup->port);
  lookup->dials = g_ptr_array_new();
  return lookup;
}

static void wait_for_lookup(Dial *dial, Lookup *lookup) {
  gint64 rest = MAX(dial->deadline - g_get_monotonic_time(), 0) / 1000;
  lookup->references++;
  dial->lookup = lookup;
  dial->timer = g_timeout_add((guint)rest, on_lookup_late, dial);
  g_ptr_array_add(lookup->dials, dial);
}

/* What is no name takes no thread. */
static void connect_to_host(Dial *dial) {
  Connector *connector = dial->connector;
  Lookup *lookup = lookup_new(connector, &dial->address);
  Lookup *same = g_hash_table_lookup(connector->lookups, lookup->name);
  if (same != NULL) {
    lookup_unref(lookup);
    wait_for_lookup(dial, same);
    return;
  }
  wait_for_lookup(dial, lookup);
  resolve(lookup, AI_NUMERICHOST);
  if (lookup->code == 0) {
    looked_up(lookup);
    return;
  }
  g_hash_table_insert(connector->lookups, lookup->name, lookup);
  workers_submit(connector->workers, look_up, looked_up, lookup, NULL);
}

/* ---- who may be connected to ---- */

static void add_servers(GHashTable *set, const RegistryView *view, const char *subkey,
                        const char *name) {
  const RegistryValue *value = registry_view_get(view, subkey, name);
  g_autofree char *text = value != NULL ? registry_value_dup_string(value) : NULL;
  if (text != NULL)
    named_servers_set_add(set, text);
}

static void add_brokers(GHashTable *set, const RegistryView *brokers) {
  g_auto(GStrv) instances = registry_view_list_keys(brokers, "");
  for (guint i = 0; instances != NULL && instances[i] != NULL; i++)
    add_servers(set, brokers, instances[i], "URI");
}

static void look_at_views(const Connector *connector) {
  GHashTable *set = named_servers_set_new();
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    if (keys[i] == SETTINGS_BROKERS)
      add_brokers(set, connector->views[i]);
    else
      add_servers(set, connector->views[i], "", "Backend");
  named_servers_replace(connector->servers, set, g_get_monotonic_time());
}

static gboolean has_read_all(const Connector *connector) {
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    if (registry_view_get_state(connector->views[i]) == REGISTRY_VIEW_WAITING)
      return FALSE;
  return TRUE;
}

static void go_on(Dial *dial) {
  g_autoptr(GError) error = NULL;
  g_clear_handle_id(&dial->timer, g_source_remove);
  if (!server_address_parse(dial->server, &dial->address, &error))
    answer(dial, error->message);
  else if (dial->address.path != NULL)
    connect_to_path(dial);
  else
    connect_to_host(dial);
}

/* It may have been answered meanwhile, and so has its number. */
typedef struct {
  GList link; /* in syncs */
  Connector *connector;
  guint64 number;
} Sync;

static void decide(Dial *dial);

static void on_synced(G_GNUC_UNUSED RegistryConnection *connection, G_GNUC_UNUSED gboolean current,
                      gpointer data) {
  g_autofree Sync *sync = data;
  Dial *dial = g_hash_table_lookup(sync->connector->dials, &sync->number);
  g_queue_unlink(&sync->connector->syncs, &sync->link);
  if (dial == NULL)
    return;
  dial->synced = TRUE;
  decide(dial);
}

static void synchronise(const Dial *dial) {
  Sync *sync = g_new0(Sync, 1);
  sync->link.data = sync;
  sync->connector = dial->connector;
  sync->number = dial->number;
  g_queue_push_tail_link(&dial->connector->syncs, &sync->link);
  registry_connection_sync(dial->connector->connection, on_synced, sync);
}

static gboolean is_regd_there(const Connector *connector) {
  return registry_connection_is_answering(connector->connection) &&
         registry_view_is_live(connector->views[0]);
}

/* While regd is away what was verified last holds. */
static void decide_of_account(Dial *dial) {
  Connector *connector = dial->connector;
  gboolean is_there = is_regd_there(connector);
  if (account_servers_have(connector->of_accounts, dial->account, dial->server,
                           g_get_monotonic_time(), !is_there)) {
    go_on(dial);
  } else if (is_there && !dial->synced) {
    dial->synced = TRUE;
    account_servers_ask(connector->of_accounts, dial->number, dial->account, dial->server);
  } else if (!is_there && has_read_all(connector)) {
    answer(dial, "regd is away, and does not tell whether the account names this server");
  }
}

static void on_account_asked(guint64 number, const char *problem, gpointer data) {
  const Connector *connector = data;
  Dial *dial = g_hash_table_lookup(connector->dials, &number);
  if (dial == NULL || dial->lookup != NULL || dial->descriptor >= 0)
    return;
  if (account_servers_have(connector->of_accounts, dial->account, dial->server,
                           g_get_monotonic_time(), !is_regd_there(connector)))
    go_on(dial);
  else
    answer(dial, problem);
}

/* Until everything has been read it waits for the views, at most as long as it has. */
static void decide(Dial *dial) {
  if (dial->lookup != NULL || dial->descriptor >= 0)
    return;
  if (*dial->account != '\0') {
    decide_of_account(dial);
    return;
  }
  if (named_servers_has(dial->connector->servers, dial->server, g_get_monotonic_time()))
    go_on(dial);
  else if (has_read_all(dial->connector) && dial->synced)
    answer(dial, "no setting names this server");
  else if (has_read_all(dial->connector))
    synchronise(dial);
}

static gboolean on_decision_late(gpointer data) {
  Dial *dial = data;
  dial->timer = 0;
  answer(dial, "which servers are set could not be read in time");
  return G_SOURCE_REMOVE;
}

static void on_changed(G_GNUC_UNUSED RegistryView *view, gpointer data) {
  Connector *connector = data;
  g_autoptr(GList) dials = NULL;
  if (connector->dials == NULL)
    return;
  look_at_views(connector);
  if (!has_read_all(connector))
    return;
  dials = g_hash_table_get_values(connector->dials);
  for (GList *link = dials; link != NULL; link = link->next)
    decide(link->data);
}

/* ---- questions ---- */

static void take_question(Connector *connector, const Message *message) {
  Dial *dial = g_new0(Dial, 1);
  guint32 timeout = 0;
  dial->connector = connector;
  dial->descriptor = -1;
  g_variant_get(message->body, "(tssu)", &dial->number, &dial->account, &dial->server, &timeout);
  timeout = MIN(timeout, MAX_CONNECT_MS);
  dial->deadline = g_get_monotonic_time() + (gint64)timeout * 1000;
  gboolean full = g_hash_table_size(connector->dials) >= MAX_CONNECTS;
  if (full || g_hash_table_contains(connector->dials, &dial->number)) {
    g_autoptr(GVariant) body = g_variant_ref_sink(
        g_variant_new("(ts)", dial->number, "too many connections are being made"));
    (void)channel_send(connector->verifier, MESSAGE_CONNECTED, body, NULL, 0, NULL);
    dial_free(dial);
    return;
  }
  g_hash_table_insert(connector->dials, &dial->number, dial);
  dial->timer = g_timeout_add(timeout, on_decision_late, dial);
  decide(dial);
}

static void on_message(G_GNUC_UNUSED Channel *channel, Message *message,
                       G_GNUC_UNUSED const GError *error, gpointer data) {
  Connector *connector = data;
  if (message != NULL)
    take_question(connector, message);
  else
    g_main_loop_quit(connector->loop);
}

/* ---- the whole ---- */

static void set_up(Connector *connector, const RoleStart *start) {
  connector->loop = g_main_loop_new(NULL, FALSE);
  connector->workers = workers_new(LOOKUP_THREADS, NULL);
  connector->lookups = g_hash_table_new(g_str_hash, g_str_equal);
  connector->dials = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, dial_free);
  connector->servers = named_servers_new();
  connector->of_accounts = account_servers_new(start->bus, on_account_asked, connector);
  connector->connection = registry_connection_new_patient(start->bus, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    connector->views[i] =
        registry_view_new(connector->connection, settings_get_path(keys[i]), on_changed, connector);
  connector->verifier = channel_new(start->descriptor, ROLE_CONNECTOR, ROLE_VERIFIER);
  channel_attach(connector->verifier, NULL, on_message, connector);
}

static void tear_down(Connector *connector) {
  g_clear_pointer(&connector->dials, g_hash_table_unref);
  channel_free(connector->verifier);
  workers_free(connector->workers);
  account_servers_free(connector->of_accounts);
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    registry_view_free(connector->views[i]);
  registry_connection_unref(connector->connection);
  /* A connection that is freed answers none. */
  for (Sync *sync; (sync = g_queue_peek_head(&connector->syncs)) != NULL; g_free(sync))
    g_queue_unlink(&connector->syncs, &sync->link);
  named_servers_free(connector->servers);
  g_hash_table_unref(connector->lookups);
  g_main_loop_unref(connector->loop);
}

int connector_run(const RoleStart *start) {
  Connector connector = {0};
  set_up(&connector, start);
  g_main_loop_run(connector.loop);
  /* A name that is not found for long is not waited for, and regd neither. */
  if (g_hash_table_size(connector.lookups) > 0 || account_servers_are_asking(connector.of_accounts))
    _exit(EXIT_SUCCESS);
  tear_down(&connector);
  return EXIT_SUCCESS;
}

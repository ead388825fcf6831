/* SPDX-License-Identifier: MIT */
/* See account-servers.h. */
#include "mailauth/connector/account-servers.h"

#include <string.h>

#include "client/registry.h"
#include "client/threads/workers.h"
#include "mailauth/base/limits.h"
#include "mailauth/settings/settings.h"

#define NOT_NAMED "the account does not name this server"

struct AccountServers {
  char *bus;
  AccountServersAnswer answer;
  gpointer data;
  Workers *worker; /* one thread */
  /* Only the thread's. No loop runs the context: calls wait for their answers themselves. */
  RegistryConnection *connection;
  GMainContext *context;
  GHashTable *verified; /* "account\nserver" -> Verified */
  GQueue order;         /* of Verified, the oldest first */
  guint asking;
};

typedef struct {
  GList link; /* in order */
  char *name;
  gint64 when; /* µs, monotonic */
} Verified;

typedef struct {
  AccountServers *servers;
  guint64 number;
  char *account, *server;
  char *problem;    /* NULL: it is named */
  gboolean is_away; /* regd could not be asked: that is no answer */
} Question;

static void verified_free(gpointer data) {
  Verified *verified = data;
  g_free(verified->name);
  g_free(verified);
}

AccountServers *account_servers_new(const char *bus, AccountServersAnswer answer, gpointer data) {
  AccountServers *servers = g_new0(AccountServers, 1);
  servers->bus = g_strdup(bus);
  servers->answer = answer;
  servers->data = data;
  servers->worker = workers_new(1, NULL);
  servers->context = g_main_context_new();
  servers->verified = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, verified_free);
  return servers;
}

void account_servers_free(AccountServers *servers) {
  if (servers == NULL)
    return;
  servers->answer = NULL;
  workers_free(servers->worker);
  while (servers->asking > 0)
    g_main_context_iteration(NULL, TRUE);
  registry_connection_unref(servers->connection);
  g_main_context_unref(servers->context);
  g_hash_table_unref(servers->verified);
  g_free(servers->bus);
  g_free(servers);
}

/* ---- what was verified ---- */

static char *dup_name(const char *account, const char *server) {
  return g_strdup_printf("%s\n%s", account, server);
}

static void forget(AccountServers *servers, const char *name) {
  Verified *verified = g_hash_table_lookup(servers->verified, name);
  if (verified == NULL)
    return;
  g_queue_unlink(&servers->order, &verified->link);
  g_hash_table_remove(servers->verified, name);
}

/* @name is taken. */
static void remember(AccountServers *servers, char *name) {
  Verified *verified = g_new0(Verified, 1);
  if (servers->order.length >= MAX_ACCOUNT_SERVERS)
    forget(servers, ((Verified *)servers->order.head->data)->name);
  verified->link.data = verified;
  verified->name = name;
  verified->when = g_get_monotonic_time();
  g_queue_push_tail_link(&servers->order, &verified->link);
  g_hash_table_insert(servers->verified, verified->name, verified);
}

gboolean account_servers_have(AccountServers *servers, const char *account, const char *server,
                              gint64 now, gboolean ever) {
  g_autofree char *name = dup_name(account, server);
  const Verified *verified = g_hash_table_lookup(servers->verified, name);
  return verified != NULL &&
         (ever || now - verified->when < (gint64)FORMER_SERVER_S * G_USEC_PER_SEC);
}

/* ---- questions ---- */

/* An account that could be another key is none. */
static gboolean is_account(const char *account) {
  return *account != '\0' && strchr(account, '\\') == NULL;
}

static gboolean names_server(const RegistryValue *value, const char *server) {
  g_autofree char *text = registry_value_dup_string(value);
  g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", -1);
  return *server != '\0' && g_strv_contains((const char *const *)words, server);
}

/* On the thread. */
static char *find_problem(AccountServers *servers, Question *question) {
  g_autoptr(GError) error = NULL;
  if (!is_account(question->account))
    return g_strdup(NOT_NAMED);
  question->is_away = TRUE;
  if (servers->connection == NULL)
    servers->connection = registry_connection_new(servers->bus, servers->context, &error);
  if (servers->connection == NULL)
    return g_strdup(error->message);
  g_autofree char *key = g_strconcat(ACCOUNTS_PATH "\\", question->account, NULL);
  g_autoptr(RegistryValue) value =
      registry_get_value(servers->connection, key, BACKEND_VALUE, &error);
  question->is_away = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE);
  if (question->is_away)
    g_clear_pointer(&servers->connection, registry_connection_unref); /* the next makes another */
  if (value != NULL && names_server(value, question->server))
    return NULL;
  return g_strdup_printf(NOT_NAMED "%s%s", error != NULL ? ": " : "",
                         error != NULL ? error->message : "");
}

static void work(gpointer job) {
  Question *question = job;
  question->problem = find_problem(question->servers, question);
}

static void done(gpointer job) {
  Question *question = job;
  AccountServers *servers = question->servers;
  g_autofree char *name = dup_name(question->account, question->server);
  servers->asking--;
  if (!question->is_away)
    forget(servers, name);
  if (question->problem == NULL)
    remember(servers, g_steal_pointer(&name));
  if (servers->answer != NULL)
    servers->answer(question->number, question->problem, servers->data);
  g_free(question->account);
  g_free(question->server);
  g_free(question->problem);
  g_free(question);
}

void account_servers_ask(AccountServers *servers, guint64 number, const char *account,
                         const char *server) {
  Question *question = g_new0(Question, 1);
  *question = (Question){servers, number, g_strdup(account), g_strdup(server), NULL, FALSE};
  servers->asking++;
  workers_submit(servers->worker, work, done, question, NULL);
}

gboolean account_servers_are_asking(const AccountServers *servers) {
  return servers->asking > 0;
}

/* SPDX-License-Identifier: MIT */
/* See sql-role.h. */
#include "mailauth/sql/sql-role.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "mailauth/process/sandbox.h"
#include "mailauth/sql/sql-driver.h"

typedef struct {
  Channel *channel;
  const SqlDriver *driver; /* NULL before it has been told what to do */
  ConnectionWords *words;
  SqlQuery *query;
  Secret password;
  SqlPlan plan;
  gpointer connection; /* NULL: none */
} SqlRole;

static const SqlDriver *const drivers[N_SQL_KINDS] = {
    [SQL_POSTGRESQL] = &sql_driver_postgresql,
    [SQL_MYSQL] = &sql_driver_mysql,
};

/* Where systems keep the certificate authorities that they trust, in one file. */
static const char *find_authorities(void) {
  static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                      "/etc/ssl/cert.pem"};
  for (guint i = 0; i < G_N_ELEMENTS(files); i++)
    if (access(files[i], R_OK) == 0)
      return files[i];
  return NULL;
}

/* ---- what there is to do ---- */

static gboolean confine(const SqlRole *role) {
  guint16 ports[MAX_SQL_HOSTS];
  g_autoptr(GError) error = NULL;
  guint n_ports = connection_words_list_ports(role->words, ports);
  if (sandbox_enter_server(ports, n_ports, connection_words_has_names(role->words), &error))
    return TRUE;
  g_printerr("mailauthd: The sql role does not serve: %s\n", error->message);
  return FALSE;
}

static gboolean begin(SqlRole *role, const Message *message) {
  guint8 kind = 0;
  const char *connection = NULL;
  const char *query = NULL;
  gsize size = 0;
  g_autoptr(GVariant) password = NULL;
  g_variant_get(message->body, "(y&s@ay&s)", &kind, &connection, &password, &query);
  if (role->driver != NULL || kind >= N_SQL_KINDS)
    return FALSE;
  role->driver = drivers[kind];
  role->words = connection_words_new(connection, (SqlKind)kind, NULL);
  role->query = sql_query_new(query, (SqlKind)kind, NULL);
  gconstpointer bytes = g_variant_get_fixed_array(password, &size, 1);
  secret_append(&role->password, bytes, size);
  role->plan =
      (SqlPlan){role->words, secret_get_text(&role->password), find_authorities(), role->query};
  return role->words != NULL && role->query != NULL && confine(role);
}

/* ---- questions ---- */

static void drop_connection(SqlRole *role) {
  if (role->connection != NULL)
    role->driver->close(role->connection);
  role->connection = NULL;
}

/* FALSE: the connection that there was is lost, and another may do. */
static gboolean ask_once(SqlRole *role, const char *const *values, gint64 deadline,
                         SqlAnswer *answer) {
  gboolean is_used = role->connection != NULL;
  if (!is_used)
    role->connection = role->driver->open(&role->plan, deadline, answer);
  if (role->connection == NULL ||
      role->driver->ask(role->connection, &role->plan, values, deadline, answer))
    return TRUE;
  drop_connection(role);
  return !is_used || answer->status != SQL_UNREACHABLE || g_get_monotonic_time() >= deadline;
}

/* A server closes connections that are not used for long. */
static void ask(SqlRole *role, const char *const *values, gint64 deadline, SqlAnswer *answer) {
  if (ask_once(role, values, deadline, answer))
    return;
  sql_answer_clear(answer);
  (void)ask_once(role, values, deadline, answer);
}

static gboolean answer_question(SqlRole *role, const Message *message) {
  guint64 number = 0;
  const char *user = NULL;
  gint64 deadline = 0;
  const SqlQuery *query = role->query;
  g_auto(SqlAnswer) answer = {0};
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
  if (role->driver == NULL)
    return FALSE;
  g_variant_get(message->body, "(t&sx)", &number, &user, &deadline);
  for (guint i = 0; i < query->n_parameters; i++)
    g_ptr_array_add(values, sql_parameter_dup_value(query->parameters[i], user));
  ask(role, (const char *const *)values->pdata, deadline, &answer);
  return channel_send(role->channel, MESSAGE_SQL_ANSWER, sql_answer_pack(&answer, number), NULL, 0,
                      NULL);
}

static gboolean take(SqlRole *role, const Message *message) {
  return message->kind == MESSAGE_SQL_BEGIN ? begin(role, message) : answer_question(role, message);
}

/* FALSE when there is nothing more to come. */
static gboolean serve_one(SqlRole *role) {
  struct pollfd waiting = {.fd = channel_get_descriptor(role->channel), .events = POLLIN};
  g_auto(Message) message = MESSAGE_INIT;
  if (poll(&waiting, 1, -1) < 0)
    return errno == EINTR;
  ChannelResult result = channel_receive(role->channel, &message, NULL);
  return result == CHANNEL_MESSAGE ? take(role, &message) : result == CHANNEL_EMPTY;
}

/* Client libraries take servers, files and passwords from the environment. */
static void leave_environment(void) {
  clearenv();
  (void)setenv("HOME", "/nonexistent", 1);
}

int sql_role_run(const RoleStart *start) {
  SqlRole role = {.channel = channel_new(start->descriptor, ROLE_SQL, ROLE_VERIFIER)};
  leave_environment();
  while (serve_one(&role))
    continue;
  drop_connection(&role);
  secret_clear(&role.password);
  connection_words_free(role.words);
  sql_query_free(role.query);
  channel_free(role.channel);
  return EXIT_SUCCESS;
}

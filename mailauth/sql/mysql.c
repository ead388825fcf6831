/* SPDX-License-Identifier: MIT */
/* MySQL and MariaDB, by libmariadb's prepared statements. Its calls block: each is kept to the
 * deadline in whole seconds, and the verifier ends what hangs longer. Rows are not gathered, so
 * that a query which finds everybody is given up at the second. */
#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <string.h>
#include <sys/stat.h>

#include "mailauth/sql/mysql-proof.h"
#include "mailauth/sql/sql-driver.h"

/* What a socket is called in the folder that `host` names. */
#define SOCKET_NAME "mysqld.sock"
/* libmariadb takes any way of proving oneself that a server asks for, even to send the password as
 * it is. Of these only caching_sha2_password shows it to the server, encrypted: by TLS, or for a
 * key that the server tells. */
#define METHODS "mysql_native_password,caching_sha2_password,client_ed25519"
/* Of a statement that was ended (MariaDB), and of text that a column can't have (MySQL 8); older
 * headers don't name them. */
#define STATEMENT_ENDED 1969
#define CONNECTION_ENDED 1927
#define TEXT_UNFIT 3988

typedef struct {
  MYSQL *server;
  MYSQL_STMT *statement; /* NULL before it has been prepared */
} Connection;

/* Where the value of a column is put. */
typedef struct {
  unsigned long size;
  my_bool is_null;
  char text[MAX_SQL_VALUE + 1];
} Place;

static void close_connection(gpointer data) {
  Connection *connection = data;
  /* In this order: to close a statement is to read all its rows, if there is a server. */
  mysql_close(connection->server);
  if (connection->statement != NULL)
    mysql_stmt_close(connection->statement);
  g_free(connection);
}

/* ---- options ---- */

static unsigned int get_seconds(gint64 deadline) {
  gint64 rest = deadline - g_get_monotonic_time();
  return rest > 0 ? (unsigned int)((rest + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC) : 1;
}

static void set_limits(MYSQL *server, const SqlPlan *plan, gint64 deadline) {
  const char *text = connection_words_get(plan->words, "connect_timeout");
  const unsigned int seconds = get_seconds(deadline);
  unsigned int connecting = text != NULL ? (unsigned int)g_ascii_strtoull(text, NULL, 10) : 0;
  const unsigned long packet = MAX_SQL_PACKET;
  const unsigned int no = 0;
  if (connecting == 0 || connecting > seconds)
    connecting = seconds;
  mysql_optionsv(server, MYSQL_OPT_CONNECT_TIMEOUT, &connecting);
  mysql_optionsv(server, MYSQL_OPT_READ_TIMEOUT, &seconds);
  mysql_optionsv(server, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  mysql_optionsv(server, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
  /* A server may ask for any file otherwise. */
  mysql_optionsv(server, MYSQL_OPT_LOCAL_INFILE, &no);
  mysql_optionsv(server, MARIADB_OPT_RESTRICTED_AUTH, METHODS);
  mysql_optionsv(server, MYSQL_SET_CHARSET_NAME, "utf8mb4");
}

static gboolean is_one_of(const char *word, const char *const *words) {
  return word != NULL && g_strv_contains(words, word);
}

static gboolean needs_tls(const SqlPlan *plan) {
  static const char *const modes[] = {"require", "verify-ca", "verify-full", NULL};
  return is_one_of(connection_words_get(plan->words, "sslmode"), modes);
}

/* libmariadb before 3.4 can't check only the issuer: verify-ca checks the name as well. */
static gboolean needs_proof(const SqlPlan *plan) {
  const char *mode = connection_words_get(plan->words, "sslmode");
  return mode != NULL && g_str_has_prefix(mode, "verify-");
}

static void set_tls(MYSQL *server, const SqlPlan *plan) {
  static const char *const without[] = {"disable", "allow", NULL};
  const char *mode = connection_words_get(plan->words, "sslmode");
  const char *authorities = connection_words_get(plan->words, "sslrootcert");
  const my_bool yes = 1;
  const my_bool verifies = needs_proof(plan);
  if (is_one_of(mode, without))
    return;
  if (needs_tls(plan))
    mysql_optionsv(server, MYSQL_OPT_SSL_ENFORCE, &yes);
  mysql_ssl_set(server, connection_words_get(plan->words, "sslkey"),
                connection_words_get(plan->words, "sslcert"),
                authorities == NULL && verifies ? plan->authorities : authorities, NULL, NULL);
  mysql_optionsv(server, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verifies);
  if (verifies)
    mysql_proof_set_up(server);
}

/* ---- a connection ---- */

/* The path of the socket in a folder, or of one that is named itself. Owned. */
static char *dup_socket(const char *host) {
  struct stat status;
  gboolean is_folder = stat(host, &status) == 0 && S_ISDIR(status.st_mode);
  return is_folder ? g_build_filename(host, SOCKET_NAME, NULL) : g_strdup(host);
}

static gboolean connect_to(MYSQL *server, const SqlPlan *plan) {
  const ConnectionWords *words = plan->words;
  const char *address = connection_words_get(words, "hostaddr");
  const char *host = address != NULL ? address : connection_words_get(words, "host");
  const unsigned int protocol =
      host == NULL || *host == '/' ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  gboolean is_local = protocol == MYSQL_PROTOCOL_SOCKET;
  g_autofree char *path = is_local && host != NULL ? dup_socket(host) : NULL;
  guint16 ports[MAX_SQL_HOSTS] = {0};
  connection_words_list_ports(words, ports);
  mysql_optionsv(server, MYSQL_OPT_PROTOCOL, &protocol);
  return mysql_real_connect(server, is_local ? NULL : host, connection_words_get(words, "user"),
                            plan->password, connection_words_get(words, "dbname"), ports[0], path,
                            0) != NULL;
}

static void refuse(MYSQL *server, const SqlPlan *plan, SqlAnswer *answer) {
  if (mysql_errno(server) == ER_ACCESS_DENIED_ERROR && *plan->password == '\0')
    sql_answer_fail(answer, SQL_UNREACHABLE, SQL_NEEDS_PASSWORD);
  else
    sql_answer_fail(answer, SQL_UNREACHABLE, "no connection: %s", mysql_error(server));
}

/* What the connection is without (static); NULL: nothing. */
static const char *find_fault(MYSQL *server, const SqlPlan *plan) {
  if (!needs_tls(plan))
    return NULL;
  if (mysql_get_ssl_cipher(server) == NULL)
    return "the server has no TLS";
  return needs_proof(plan) ? mysql_proof_find_fault(server) : NULL;
}

static gpointer open_connection(const SqlPlan *plan, gint64 deadline, SqlAnswer *answer) {
  Connection *connection = g_new0(Connection, 1);
  connection->server = mysql_init(NULL);
  set_limits(connection->server, plan, deadline);
  set_tls(connection->server, plan);
  gboolean is_connected = connect_to(connection->server, plan);
  const char *fault = is_connected ? find_fault(connection->server, plan) : NULL;
  if (is_connected && fault == NULL)
    return connection;
  if (!is_connected)
    refuse(connection->server, plan, answer);
  else
    sql_answer_fail(answer, SQL_UNREACHABLE, "no connection: %s", fault);
  close_connection(connection);
  return NULL;
}

/* ---- a question ---- */

/* A name of characters that no column can have is nobody's. */
static gboolean is_unfit_name(unsigned int code, const SqlPlan *plan, const char *const *values) {
  gboolean is_of_text = code == ER_CANT_AGGREGATE_2COLLATIONS || code == TEXT_UNFIT ||
                        code == ER_CANT_AGGREGATE_NCOLLATIONS ||
                        code == ER_TRUNCATED_WRONG_VALUE_FOR_FIELD;
  return is_of_text && !sql_query_binds_ascii(plan->query, values);
}

static gboolean is_passing(unsigned int code) {
  return code == ER_SERVER_SHUTDOWN || code == ER_CON_COUNT_ERROR || code == ER_LOCK_WAIT_TIMEOUT ||
         code == STATEMENT_ENDED || code == CONNECTION_ENDED;
}

/* Returns whether the connection may be used again. */
static gboolean take_error(unsigned int code, const char *text, SqlAnswer *answer) {
  gboolean is_lost = code >= CR_MIN_ERROR && code <= CR_MAX_ERROR;
  if (is_lost && code != CR_NET_PACKET_TOO_LARGE)
    return sql_answer_fail(answer, SQL_UNREACHABLE, "the connection is lost: %s", text);
  sql_answer_fail(answer, is_passing(code) ? SQL_UNREACHABLE : SQL_FAILED, "%s (error %u)", text,
                  code);
  return !is_lost && code != CONNECTION_ENDED;
}

static gboolean take_statement_error(const Connection *connection, SqlAnswer *answer) {
  return take_error(mysql_stmt_errno(connection->statement),
                    mysql_stmt_error(connection->statement), answer);
}

/* Once for each connection. */
static gboolean prepare(Connection *connection, const SqlPlan *plan) {
  if (connection->statement != NULL)
    return TRUE;
  connection->statement = mysql_stmt_init(connection->server);
  return mysql_stmt_prepare(connection->statement, plan->query->text, strlen(plan->query->text)) ==
         0;
}

static gboolean bind_and_execute(MYSQL_STMT *statement, const SqlPlan *plan,
                                 const char *const *values) {
  MYSQL_BIND parameters[MAX_SQL_PARAMETERS] = {{0}};
  for (guint i = 0; i < plan->query->n_parameters; i++) {
    parameters[i].buffer_type = MYSQL_TYPE_STRING;
    parameters[i].buffer = (gpointer)(guintptr)values[i];
    parameters[i].buffer_length = strlen(values[i]);
  }
  return mysql_stmt_bind_param(statement, parameters) == 0 && mysql_stmt_execute(statement) == 0;
}

static gboolean take_columns(const Connection *connection, SqlAnswer *answer) {
  MYSQL_RES *result = mysql_stmt_result_metadata(connection->statement);
  if (result == NULL)
    return sql_answer_fail(answer, SQL_FAILED, "`Query` is none that answers rows");
  const MYSQL_FIELD *fields = mysql_fetch_fields(result);
  guint count = mysql_num_fields(result);
  gboolean taken =
      count <= MAX_SQL_COLUMNS ||
      sql_answer_fail(answer, SQL_FAILED, "the answer has more than %d columns", MAX_SQL_COLUMNS);
  for (guint i = 0; i < count && taken; i++)
    taken = sql_answer_add_column(answer, fields[i].name, i);
  mysql_free_result(result);
  return taken && sql_answer_end_columns(answer);
}

/* Columns that nobody asked for are cut to nothing. */
static gboolean bind_places(const Connection *connection, const SqlAnswer *answer, Place *places) {
  guint count = mysql_stmt_field_count(connection->statement);
  g_autofree MYSQL_BIND *results = g_new0(MYSQL_BIND, count);
  for (guint i = 0; i < count; i++) {
    SqlColumn column = sql_answer_find_column(answer, i);
    results[i].buffer_type = MYSQL_TYPE_STRING;
    if (column == N_SQL_COLUMNS)
      continue;
    results[i].buffer = places[column].text;
    results[i].buffer_length = sizeof places[column].text;
    results[i].length = &places[column].size;
    results[i].is_null = &places[column].is_null;
  }
  return mysql_stmt_bind_result(connection->statement, results) == 0;
}

static gboolean take_values(SqlAnswer *answer, const Place *places) {
  for (guint column = 0; column < N_SQL_COLUMNS; column++) {
    const Place *place = &places[column];
    if (!answer->values[column].is_there)
      continue;
    gsize size = MIN(place->size, sizeof place->text);
    if (!sql_answer_set(answer, (SqlColumn)column, place->is_null ? NULL : place->text, size))
      return FALSE;
  }
  answer->status = SQL_ROW;
  return TRUE;
}

static gboolean has_row(int fetched) {
  return fetched == 0 || fetched == MYSQL_DATA_TRUNCATED;
}

/* FALSE: the connection has rows left, or is lost. */
static gboolean take_rows(const Connection *connection, SqlAnswer *answer, Place *places) {
  int fetched = mysql_stmt_fetch(connection->statement);
  if (fetched == MYSQL_NO_DATA) {
    answer->status = SQL_NO_ROW;
    return TRUE;
  }
  if (!has_row(fetched))
    return take_statement_error(connection, answer);
  if (!take_values(answer, places))
    return FALSE;
  fetched = mysql_stmt_fetch(connection->statement);
  if (has_row(fetched))
    return sql_answer_fail(answer, SQL_FAILED, "the answer has more than one row");
  return fetched == MYSQL_NO_DATA || take_statement_error(connection, answer);
}

/* ---- whose row it is ---- */

/* Of that type a parameter is compared byte by byte. */
#define EXACT_PARAMETER "CAST(? AS BINARY)"

static char *dup_exact(const SqlQuery *query) {
  GString *text = g_string_new(NULL);
  gsize at = 0;
  for (guint i = 0; i < query->n_parameters; i++) {
    g_string_append_len(text, query->text + at, (gssize)(query->places[i] - at));
    g_string_append(text, EXACT_PARAMETER);
    at = query->places[i] + 1;
  }
  g_string_append(text, query->text + at);
  return g_string_free(text, FALSE);
}

static gboolean is_there_exactly(const Connection *connection, const SqlPlan *plan,
                                 const char *const *values) {
  g_autofree char *text = dup_exact(plan->query);
  MYSQL_STMT *statement = mysql_stmt_init(connection->server);
  gboolean is_there = mysql_stmt_prepare(statement, text, strlen(text)) == 0 &&
                      bind_and_execute(statement, plan, values) &&
                      has_row(mysql_stmt_fetch(statement));
  mysql_stmt_close(statement);
  return is_there;
}

/* Collations find ann by her name with accents, too, which would be another account with her
 * password, and one more to guess it by. ASCII in lower case is found by nothing else. */
static void check_name(const Connection *connection, const SqlPlan *plan, const char *const *values,
                       SqlAnswer *answer) {
  gboolean is_told = sql_answer_get(answer, SQL_USER) != NULL;
  if (answer->status == SQL_ROW && !is_told && !sql_query_binds_ascii(plan->query, values) &&
      !is_there_exactly(connection, plan, values))
    sql_answer_fail(answer, SQL_FAILED,
                    "the row was found by a name that is not byte for byte the same: have `Query` "
                    "answer the account's name in a column 'user'");
}

static gboolean ask(gpointer data, const SqlPlan *plan, const char *const *values,
                    G_GNUC_UNUSED gint64 deadline, SqlAnswer *answer) {
  Connection *connection = data;
  Place places[N_SQL_COLUMNS] = {{0}};
  answer->status = SQL_FAILED;
  gboolean executed =
      prepare(connection, plan) && bind_and_execute(connection->statement, plan, values);
  unsigned int code = mysql_stmt_errno(connection->statement);
  if (!executed && is_unfit_name(code, plan, values)) {
    answer->status = SQL_NO_ROW;
    return TRUE;
  }
  if (!executed) {
    /* What could not be prepared is prepared anew, by another connection. */
    take_statement_error(connection, answer);
    return FALSE;
  }
  if (!take_columns(connection, answer) || !bind_places(connection, answer, places))
    return FALSE;
  gboolean is_usable =
      take_rows(connection, answer, places) && mysql_stmt_free_result(connection->statement) == 0;
  explicit_bzero(places, sizeof places);
  if (is_usable)
    check_name(connection, plan, values, answer);
  return is_usable;
}

const SqlDriver sql_driver_mysql = {open_connection, ask, close_connection};

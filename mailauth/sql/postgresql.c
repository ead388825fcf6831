/* SPDX-License-Identifier: MIT */
/* PostgreSQL, by libpq's calls that do not block: only the look-up of a host's name may. Rows are
 * taken one at a time, so that a query which finds everybody is given up at the second. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "mailauth/sql/sql-driver.h"

/* The words of a connection and what is added to them. */
#define MAX_WORDS 40U

/* "53300", too many connections, and the like; "57P03", the server is starting or stopping. */
#define CLASS_RESOURCES "53"
#define CLASS_OPERATOR "57"
/* A value that does not fit; the message quotes it, and it may be a hash. Of text that the database
 * has no characters for: "22021" or "22P05". */
#define CLASS_DATA "22"
#define NOT_IN_REPERTOIRE "22021"
#define UNTRANSLATABLE "22P05"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)

typedef struct {
  const char *words[MAX_WORDS];
  const char *values[MAX_WORDS];
  guint count;
} Words;

static void add_word(const char *word, const char *value, gpointer data) {
  Words *words = data;
  words->words[words->count] = word;
  words->values[words->count++] = value;
}

static void add_words(const SqlPlan *plan, Words *words) {
  const char *mode = connection_words_get(plan->words, "sslmode");
  gboolean verifies = mode != NULL && g_str_has_prefix(mode, "verify-");
  connection_words_visit(plan->words, add_word, words);
  add_word("client_encoding", "UTF8", words);
  add_word("fallback_application_name", "mailauthd", words);
  if (*plan->password != '\0')
    add_word("password", plan->password, words);
  if (connection_words_get(plan->words, "gssencmode") == NULL)
    add_word("gssencmode", "disable", words);
  if (verifies && plan->authorities != NULL &&
      connection_words_get(plan->words, "sslrootcert") == NULL)
    add_word("sslrootcert", plan->authorities, words);
}

/* ---- waiting ---- */

/* FALSE: not in time. */
static gboolean wait_for(const PGconn *connection, short events, gint64 deadline) {
  for (;;) {
    struct pollfd socket = {.fd = PQsocket(connection), .events = events};
    gint64 rest = (deadline - g_get_monotonic_time() + 999) / 1000;
    if (rest <= 0 || socket.fd < 0)
      return FALSE;
    int ready = poll(&socket, 1, (int)MIN(rest, G_MAXINT));
    if (ready > 0)
      return TRUE;
    if (ready < 0 && errno != EINTR)
      return FALSE;
  }
}

/* `connect_timeout`, which libpq leaves to those who wait themselves. */
static gint64 get_connect_deadline(const SqlPlan *plan, gint64 deadline) {
  const char *text = connection_words_get(plan->words, "connect_timeout");
  guint64 seconds = text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0;
  if (seconds == 0)
    return deadline;
  return MIN(deadline, g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC);
}

/* ---- a connection ---- */

static void ignore_notice(G_GNUC_UNUSED void *data, G_GNUC_UNUSED const PGresult *result) {
}

/* FALSE: it is not in time; else the connection is made or has failed. */
static gboolean finish_connecting(PGconn *connection, gint64 deadline) {
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    if (!wait_for(connection, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
      return FALSE;
    state = PQconnectPoll(connection);
  }
  return TRUE;
}

static gpointer open_connection(const SqlPlan *plan, gint64 deadline, SqlAnswer *answer) {
  Words words = {.count = 0};
  add_words(plan, &words);
  PGconn *connection = PQconnectStartParams(words.words, words.values, 0);
  gboolean in_time = TRUE;
  if (connection != NULL)
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
  if (connection != NULL && PQstatus(connection) != CONNECTION_BAD)
    in_time = finish_connecting(connection, get_connect_deadline(plan, deadline));
  if (connection != NULL && in_time && PQstatus(connection) == CONNECTION_OK &&
      PQsetnonblocking(connection, 1) == 0)
    return connection;
  if (!in_time)
    sql_answer_fail(answer, SQL_UNREACHABLE, "no connection in time");
  else if (connection != NULL && PQconnectionNeedsPassword(connection))
    sql_answer_fail(answer, SQL_UNREACHABLE, SQL_NEEDS_PASSWORD);
  else
    sql_answer_fail(answer, SQL_UNREACHABLE, "no connection: %s",
                    connection != NULL ? PQerrorMessage(connection) : "there is no memory");
  PQfinish(connection);
  return NULL;
}

static void close_connection(gpointer connection) {
  PQfinish(connection);
}

/* ---- a question ---- */

typedef struct {
  PGconn *connection;
  gint64 deadline;
  gboolean is_ascii; /* what is asked about */
  guint rows;
  SqlAnswer *answer;
} Question;

static gboolean lose(const Question *question) {
  return sql_answer_fail(question->answer, SQL_UNREACHABLE, "the connection is lost: %s",
                         PQerrorMessage(question->connection));
}

static gboolean give_up(const Question *question) {
  if (PQstatus(question->connection) == CONNECTION_BAD)
    return lose(question);
  return sql_answer_fail(question->answer, SQL_UNREACHABLE, "no answer in time");
}

static gboolean send_all(const Question *question) {
  for (;;) {
    int left = PQflush(question->connection);
    if (left == 0)
      return TRUE;
    if (left < 0)
      return lose(question);
    if (!wait_for(question->connection, POLLIN | POLLOUT, question->deadline))
      return give_up(question);
    if (PQconsumeInput(question->connection) == 0)
      return lose(question);
  }
}

/* *@result: owned; NULL after the last one. */
static gboolean next_result(const Question *question, PGresult **result) {
  while (PQisBusy(question->connection) != 0) {
    if (!wait_for(question->connection, POLLIN, question->deadline))
      return give_up(question);
    if (PQconsumeInput(question->connection) == 0)
      return lose(question);
  }
  *result = PQgetResult(question->connection);
  return TRUE;
}

static gboolean take_columns(SqlAnswer *answer, const PGresult *result) {
  int count = PQnfields(result);
  if (count > MAX_SQL_COLUMNS)
    return sql_answer_fail(answer, SQL_FAILED, "the answer has more than %d columns",
                           MAX_SQL_COLUMNS);
  for (int i = 0; i < count; i++)
    if (!sql_answer_add_column(answer, PQfname(result, i), (guint)i))
      return FALSE;
  return sql_answer_end_columns(answer);
}

static gboolean take_row(SqlAnswer *answer, const PGresult *result) {
  if (!take_columns(answer, result))
    return FALSE;
  for (int i = 0; i < PQnfields(result); i++) {
    SqlColumn column = sql_answer_find_column(answer, (guint)i);
    gboolean is_null = PQgetisnull(result, 0, i) != 0;
    if (column != N_SQL_COLUMNS &&
        !sql_answer_set(answer, column, is_null ? NULL : PQgetvalue(result, 0, i),
                        (gsize)PQgetlength(result, 0, i)))
      return FALSE;
  }
  answer->status = SQL_ROW;
  return TRUE;
}

/* A name of characters that the database does not have is nobody's. */
static gboolean is_unfit_name(const Question *question, const char *state) {
  return !question->is_ascii &&
         (g_str_equal(state, UNTRANSLATABLE) || g_str_equal(state, NOT_IN_REPERTOIRE));
}

/* The connection may live on: the next result tells. */
static gboolean take_error(const Question *question, const PGresult *result) {
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (PQstatus(question->connection) == CONNECTION_BAD || state == NULL || text == NULL)
    return lose(question);
  if (is_unfit_name(question, state)) {
    question->answer->status = SQL_NO_ROW;
    return TRUE;
  }
  if (g_str_has_prefix(state, CLASS_DATA))
    text = "a value in the row, or the user's name, does not fit `Query`";
  gboolean passes =
      g_str_has_prefix(state, CLASS_RESOURCES) || g_str_has_prefix(state, CLASS_OPERATOR);
  sql_answer_fail(question->answer, passes ? SQL_UNREACHABLE : SQL_FAILED, "%s (SQLSTATE %s)", text,
                  state);
  return TRUE;
}

/* FALSE: there is nothing more to be had from the connection. */
static gboolean take_result(Question *question, const PGresult *result) {
  SqlAnswer *answer = question->answer;
  switch (PQresultStatus(result)) {
  case PGRES_SINGLE_TUPLE:
    if (question->rows++ > 0)
      return sql_answer_fail(answer, SQL_FAILED, "the answer has more than one row");
    return take_row(answer, result);
  case PGRES_TUPLES_OK:
    if (question->rows > 0)
      return TRUE;
    answer->status = SQL_NO_ROW;
    return take_columns(answer, result);
  case PGRES_FATAL_ERROR:
    return take_error(question, result);
  default:
    return sql_answer_fail(answer, SQL_FAILED, "`Query` is none that answers rows");
  }
}

static gboolean take_results(Question *question) {
  for (;;) {
    g_autoptr(PGresult) result = NULL;
    if (!next_result(question, &result))
      return FALSE;
    if (result == NULL)
      return TRUE;
    if (!take_result(question, result))
      return FALSE;
  }
}

static gboolean ask(gpointer connection, const SqlPlan *plan, const char *const *values,
                    gint64 deadline, SqlAnswer *answer) {
  const SqlQuery *query = plan->query;
  Question question = {connection, deadline, sql_query_binds_ascii(query, values), 0, answer};
  answer->status = SQL_FAILED;
  if (PQsendQueryParams(connection, query->text, (int)query->n_parameters, NULL, values, NULL, NULL,
                        0) == 0 ||
      PQsetSingleRowMode(connection) == 0)
    return lose(&question);
  return send_all(&question) && take_results(&question);
}

const SqlDriver sql_driver_postgresql = {open_connection, ask, close_connection};

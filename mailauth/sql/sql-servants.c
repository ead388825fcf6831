/* SPDX-License-Identifier: MIT */
/* See sql-servants.h. */
#include "mailauth/sql/sql-servants.h"

#include <string.h>
#include <unistd.h>

#include "mailauth/base/limits.h"
#include "mailauth/query/connection-words.h"
#include "mailauth/servant/servant-pool.h"

struct SqlServants {
  SqlWant want;
  SqlEnd end;
  gpointer data;
  GPtrArray *pools; /* of SqlPool: those in use, and those that end */
  guint64 last_request;
};

struct SqlPool {
  SqlServants *servants;
  ServantPool *processes;
  char *digest; /* of the settings */
  char *broker;
  char *place;
  guint32 timeout;   /* ms */
  GHashTable *asked; /* a set of Question: those that are not answered */
  gboolean is_ended; /* no more are asked */
  guint source;      /* that frees it; 0: none */
  char *problem;     /* of the last answer; NULL: none */
};

typedef struct {
  SqlPool *pool;
  guint64 number;
  SqlAnswered answered;
  gpointer data;
  guint source; /* that answers it, if it was not even asked; 0 else */
} Question;

static void question_free(gpointer data) {
  Question *question = data;
  g_clear_handle_id(&question->source, g_source_remove);
  g_free(question);
}

/* ---- a pool ---- */

static void pool_free(gpointer data) {
  SqlPool *pool = data;
  g_clear_handle_id(&pool->source, g_source_remove);
  servant_pool_free(pool->processes);
  g_hash_table_unref(pool->asked);
  g_free(pool->digest);
  g_free(pool->broker);
  g_free(pool->place);
  g_free(pool->problem);
  g_free(pool);
}

static gboolean on_over(gpointer data) {
  SqlPool *pool = data;
  pool->source = 0;
  g_ptr_array_remove_fast(pool->servants->pools, pool);
  return G_SOURCE_REMOVE;
}

/* Not from inside a callback of its processes. */
static void free_if_over(SqlPool *pool) {
  if (pool->is_ended && g_hash_table_size(pool->asked) == 0 && pool->source == 0)
    pool->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_over, pool, NULL);
}

static void end_pool(SqlPool *pool) {
  pool->is_ended = TRUE;
  servant_pool_drop_idle(pool->processes);
  free_if_over(pool);
}

static gboolean want(guint64 request, gpointer data) {
  const SqlServants *servants = ((const SqlPool *)data)->servants;
  return servants->want(request, servants->data);
}

static void end(guint64 request, gpointer data) {
  const SqlServants *servants = ((const SqlPool *)data)->servants;
  if (servants->end != NULL)
    servants->end(request, servants->data);
}

static char *dup_place(const Broker *broker, SqlKind kind) {
  g_autoptr(ConnectionWords) words = connection_words_new(broker->connection, kind, NULL);
  return words != NULL ? connection_words_dup_place(words) : g_strdup(broker->type);
}

static void add_text(GChecksum *digest, const char *text) {
  g_checksum_update(digest, (const guchar *)text, (gssize)strlen(text) + 1); /* with its NUL */
}

static char *dup_digest(const Settings *settings) {
  const Broker *broker = &settings->chosen;
  const guint32 numbers[] = {broker->timeout, broker->pool_size};
  g_autoptr(GChecksum) digest = g_checksum_new(G_CHECKSUM_SHA256);
  add_text(digest, settings->broker);
  add_text(digest, broker->type);
  add_text(digest, broker->connection);
  add_text(digest, broker->connection_password);
  add_text(digest, broker->query);
  g_checksum_update(digest, (const guchar *)numbers, sizeof numbers);
  return g_strdup(g_checksum_get_string(digest));
}

static SqlPool *pool_new(SqlServants *servants, const Settings *settings) {
  const Broker *broker = &settings->chosen;
  SqlKind kind = sql_kind_find(broker->type);
  SqlPool *pool = g_new0(SqlPool, 1);
  const ServantPoolFacts facts = {.role = ROLE_SQL,
                                  .most = MIN(broker->pool_size, MAX_SQL_PROCESSES),
                                  .idle = SQL_IDLE_S,
                                  .last_request = &servants->last_request,
                                  .want = want,
                                  .end = end,
                                  .data = pool};
  pool->servants = servants;
  pool->digest = dup_digest(settings);
  pool->broker = g_strdup(settings->broker);
  pool->place = dup_place(broker, kind);
  pool->timeout = broker->timeout;
  pool->asked = g_hash_table_new_full(NULL, NULL, question_free, NULL);
  pool->processes = servant_pool_new(&facts);
  servant_pool_greet(pool->processes, MESSAGE_SQL_BEGIN,
                     g_variant_new("(ys@ays)", (guint8)kind, broker->connection,
                                   message_secret_new(broker->connection_password,
                                                      strlen(broker->connection_password)),
                                   broker->query));
  g_ptr_array_add(servants->pools, pool);
  return pool;
}

/* ---- all of them ---- */

SqlServants *sql_servants_new(SqlWant wanted, SqlEnd ended, gpointer data) {
  SqlServants *servants = g_new0(SqlServants, 1);
  *servants = (SqlServants){wanted, ended, data, g_ptr_array_new_with_free_func(pool_free), 0};
  return servants;
}

void sql_servants_free(SqlServants *servants) {
  if (servants == NULL)
    return;
  g_ptr_array_unref(servants->pools);
  g_free(servants);
}

void sql_servants_take(SqlServants *servants, guint64 request, int descriptor) {
  for (guint i = 0; i < servants->pools->len; i++) {
    const SqlPool *pool = servants->pools->pdata[i];
    if (servant_pool_take(pool->processes, request, descriptor))
      return;
  }
  close(descriptor); /* it was not asked for, or by a pool that has gone */
}

void sql_servants_take_refusal(SqlServants *servants, guint64 request, const char *problem) {
  for (guint i = 0; i < servants->pools->len; i++) {
    const SqlPool *pool = servants->pools->pdata[i];
    if (servant_pool_take_refusal(pool->processes, request, problem))
      return;
  }
}

guint sql_servants_count(const SqlServants *servants) {
  guint count = 0;
  for (guint i = 0; i < servants->pools->len; i++)
    count += servant_pool_count(((const SqlPool *)servants->pools->pdata[i])->processes);
  return count;
}

guint sql_servants_count_waiting(const SqlServants *servants) {
  guint count = 0;
  for (guint i = 0; i < servants->pools->len; i++)
    count += servant_pool_count_waiting(((const SqlPool *)servants->pools->pdata[i])->processes);
  return count;
}

static SqlPool *look_up(const SqlServants *servants, const Settings *settings) {
  g_autofree char *digest = dup_digest(settings);
  for (guint i = 0; i < servants->pools->len; i++) {
    SqlPool *pool = servants->pools->pdata[i];
    if (!pool->is_ended && g_str_equal(pool->digest, digest))
      return pool;
  }
  return NULL;
}

/* Another broker's stays for as long as it has connections: it may be chosen again soon. */
static void end_others(const SqlServants *servants, const char *broker) {
  for (guint i = 0; i < servants->pools->len; i++) {
    SqlPool *pool = servants->pools->pdata[i];
    gboolean is_unused =
        g_hash_table_size(pool->asked) == 0 && servant_pool_count(pool->processes) == 0;
    if (!pool->is_ended && (is_unused || g_str_equal(pool->broker, broker)))
      end_pool(pool);
  }
}

SqlPool *sql_servants_find(SqlServants *servants, const Settings *settings, gboolean *is_new) {
  SqlPool *pool = look_up(servants, settings);
  *is_new = pool == NULL;
  if (pool != NULL)
    return pool;
  end_others(servants, settings->broker);
  return pool_new(servants, settings);
}

const char *sql_servants_get_problem(const SqlServants *servants, const Settings *settings) {
  const SqlPool *pool = look_up(servants, settings);
  return pool != NULL ? pool->problem : NULL;
}

/* ---- questions ---- */

static void fail_unanswered(const SqlPool *pool, ServantEnd how, const char *why,
                            SqlAnswer *answer) {
  if (how == SERVANT_LATE)
    sql_answer_fail(answer, SQL_UNREACHABLE,
                    "no answer within %u ms (`Timeout`); its connection is given up",
                    pool->timeout);
  else if (how == SERVANT_WAITED)
    sql_answer_fail(answer, SQL_UNREACHABLE,
                    "no connection was free within %u ms (`Timeout`): `Pool Size` is too small, or "
                    "the database too slow",
                    pool->timeout);
  else if (how == SERVANT_NONE)
    sql_answer_fail(answer, SQL_UNREACHABLE, "no process for it can be had: %s", why);
  else
    sql_answer_fail(answer, SQL_FAILED, "%s", why);
}

static void name_place(const SqlPool *pool, SqlAnswer *answer) {
  g_autofree char *problem = g_steal_pointer(&answer->problem);
  if (problem != NULL)
    answer->problem = g_strdup_printf("%s: %s", pool->place, problem);
}

/* The newest answer counts: a problem that is over is none. */
static void tell(Question *question, SqlAnswer *answer) {
  SqlPool *pool = question->pool;
  name_place(pool, answer);
  g_free(pool->problem);
  pool->problem = g_strdup(answer->problem);
  g_hash_table_steal(pool->asked, question);
  question->answered(answer, question->data);
  free_if_over(pool);
  question_free(question);
}

static gboolean on_answered(ServantEnd how, const Message *message, const char *why,
                            gpointer data) {
  Question *question = data;
  const SqlPool *pool = question->pool;
  g_auto(SqlAnswer) answer = {0};
  guint64 number = 0;
  gboolean understood = how == SERVANT_ANSWERED &&
                        sql_answer_unpack(message->body, &number, &answer) &&
                        number == question->number;
  gboolean is_kept = understood && !pool->is_ended;
  if (how != SERVANT_ANSWERED)
    fail_unanswered(pool, how, why, &answer);
  else if (!understood)
    sql_answer_fail(&answer, SQL_FAILED, "its process has not answered what it was asked");
  tell(question, &answer);
  return is_kept;
}

static gboolean on_crowded(gpointer data) {
  Question *question = data;
  g_auto(SqlAnswer) answer = {0};
  question->source = 0;
  sql_answer_fail(&answer, SQL_UNREACHABLE, "too many logins wait for it");
  tell(question, &answer);
  return G_SOURCE_REMOVE;
}

void sql_pool_ask(SqlPool *pool, const char *user, guint32 timeout, SqlAnswered answered,
                  gpointer data) {
  Question *question = g_new(Question, 1);
  gint64 deadline = g_get_monotonic_time() + (gint64)timeout * 1000;
  *question = (Question){pool, servant_pool_number(pool->processes), answered, data, 0};
  g_hash_table_add(pool->asked, question);
  if (servant_pool_count_waiting(pool->processes) >= MAX_SQL_WAITING)
    question->source = g_idle_add(on_crowded, question);
  else
    servant_pool_ask(pool->processes, MESSAGE_SQL_QUESTION,
                     g_variant_new("(tsx)", question->number, user, deadline),
                     timeout + SQL_GRACE_MS, on_answered, question);
}

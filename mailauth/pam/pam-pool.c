/* SPDX-License-Identifier: MIT */
/* The processes that PAM's modules run in: see pam-pool.h. What is particular to PAM: the
 * questions, and what their answers may be. */
#include "mailauth/pam/pam-pool.h"

#include <unistd.h>

#include "mailauth/base/limits.h"
#include "mailauth/servant/servant-pool.h"

#define IDLE_SECONDS 60
/* Modules lose memory: a process is not asked for ever. */
#define MAX_ANSWERS 1000

struct PamPool {
  PamPoolWant want;
  gpointer data;
  guint64 last_request;
  ServantPool *processes;
  GHashTable *questions; /* a set of Question */
  gboolean is_stale;     /* a right that the processes lack may have been given since they began */
};

/* A login, from the question to the answer. */
typedef struct {
  PamPool *pool;
  guint64 number;
  char *service;
  gboolean exists; /* FALSE: a name that no account can have */
  guint32 timeout;
  OutcomeAnswer answer;
  gpointer data;
} Question;

static void question_free(gpointer data) {
  Question *question = data;
  g_free(question->service);
  g_free(question);
}

static gboolean want(guint64 request, gpointer data) {
  const PamPool *pool = data;
  return pool->want(request, pool->data);
}

PamPool *pam_pool_new(PamPoolWant wanted, gpointer data) {
  PamPool *pool = g_new0(PamPool, 1);
  const ServantPoolFacts facts = {.role = ROLE_PAM,
                                  .most = PAM_PROCESSES,
                                  .max_answers = MAX_ANSWERS,
                                  .idle = IDLE_SECONDS,
                                  .last_request = &pool->last_request,
                                  .want = want,
                                  .data = pool};
  pool->want = wanted;
  pool->data = data;
  pool->processes = servant_pool_new(&facts);
  pool->questions = g_hash_table_new_full(NULL, NULL, question_free, NULL);
  return pool;
}

void pam_pool_free(PamPool *pool) {
  if (pool == NULL)
    return;
  servant_pool_free(pool->processes);
  g_hash_table_unref(pool->questions);
  g_free(pool);
}

guint pam_pool_count(const PamPool *pool) {
  return servant_pool_count(pool->processes);
}

guint pam_pool_count_waiting(const PamPool *pool) {
  return servant_pool_count_waiting(pool->processes);
}

/* ---- answers ---- */

/* What a password may be answered with; modules are anybody's code. */
static gboolean is_possible(guint32 outcome) {
  static const Outcome possible[] = {
      OUTCOME_OK,          OUTCOME_BAD_PASSWORD,     OUTCOME_DISABLED,        OUTCOME_NO_SUCH_USER,
      OUTCOME_BAD_SETTING, OUTCOME_ACCOUNTS_MISSING, OUTCOME_ACCOUNTS_DENIED, OUTCOME_PAM_DENIED};
  for (guint i = 0; i < G_N_ELEMENTS(possible); i++)
    if (outcome == (guint32)possible[i])
      return TRUE;
  return FALSE;
}

/* FALSE: it is no answer to the question. */
static gboolean read_answer(const Question *question, const Message *message, Outcome *outcome,
                            const char **detail) {
  guint64 number = 0;
  guint32 told = 0;
  g_variant_get(message->body, "(tu&s)", &number, &told, detail);
  *outcome = (Outcome)told;
  return number == question->number && is_possible(told) &&
         (told != OUTCOME_OK || question->exists);
}

/* Why there is no answer. Owned. */
static char *describe_failure(const Question *question, ServantEnd how, const char *why) {
  if (how == SERVANT_LATE)
    return g_strdup_printf("PAM service '%s': its modules have not answered within %u ms, and "
                           "were ended",
                           question->service, question->timeout);
  if (how == SERVANT_WAITED)
    return g_strdup_printf("PAM service '%s': no process was free within %u ms: modules hang, or "
                           "%u processes are too few",
                           question->service, question->timeout, PAM_PROCESSES);
  if (how == SERVANT_NONE)
    return g_strdup_printf("No process for PAM can be had: %s", why);
  return g_strdup_printf("PAM service '%s': %s", question->service,
                         why != NULL ? why : "its process has not answered what it was asked");
}

static gboolean on_answered(ServantEnd how, const Message *message, const char *why,
                            gpointer data) {
  Question *question = data;
  Outcome outcome = OUTCOME_ACCOUNTS_MISSING;
  const char *detail = NULL;
  gboolean understood =
      how == SERVANT_ANSWERED && read_answer(question, message, &outcome, &detail);
  g_autofree char *failure = understood ? NULL : describe_failure(question, how, why);
  question->pool->is_stale |= understood && outcome == OUTCOME_PAM_DENIED;
  g_hash_table_steal(question->pool->questions, question);
  question->answer(understood ? outcome : OUTCOME_ACCOUNTS_MISSING, understood ? detail : failure,
                   question->data);
  question_free(question);
  return understood;
}

/* ---- questions ---- */

void pam_pool_ask(PamPool *pool, const PamPoolQuestion *question, OutcomeAnswer answer,
                  gpointer data) {
  Question *job = g_new0(Question, 1);
  *job = (Question){.pool = pool,
                    .number = servant_pool_number(pool->processes),
                    .service = g_strdup(question->service),
                    .exists = question->account != NULL,
                    .timeout = question->timeout,
                    .answer = answer,
                    .data = data};
  g_hash_table_add(pool->questions, job);
  if (pool->is_stale) /* others begin with the groups of their time */
    servant_pool_drop_idle(pool->processes);
  pool->is_stale = FALSE;
  servant_pool_ask(
      pool->processes, MESSAGE_PAM_QUESTION,
      g_variant_new("(tsbss@ay)", job->number, question->service, job->exists,
                    job->exists ? question->account : "", question->address,
                    message_secret_new(question->password->bytes, question->password->size)),
      question->timeout, on_answered, job);
  secret_clear(question->password);
}

void pam_pool_take_helper(PamPool *pool, guint64 request, int descriptor) {
  if (!servant_pool_take(pool->processes, request, descriptor))
    close(descriptor); /* it was not asked for */
}

void pam_pool_take_refusal(PamPool *pool, guint64 request, const char *problem) {
  servant_pool_take_refusal(pool->processes, request, problem);
}

/* SPDX-License-Identifier: MIT */
/* The processes that PAM's modules run in: see pam-pool.h. */
#include "mailauth/pam/pam-pool.h"

#include <unistd.h>

#include "mailauth/base/limits.h"
#include "mailauth/ipc/channel.h"

#define IDLE_SECONDS 60
/* Modules lose memory: a process is not asked for ever. */
#define MAX_ANSWERS 1000

typedef struct Job Job;

typedef struct {
  PamPool *pool;
  Channel *channel;
  Job *job;         /* NULL: idle */
  guint idle_timer; /* 0 while it is not */
  guint answers;
  gboolean is_stale; /* it lacks a right that may have been given since it began */
} Helper;

/* A login, from the question to the answer. */
struct Job {
  PamPool *pool;
  guint64 number;
  char *service;
  char *account; /* NULL: a name that no account can have */
  char *address;
  Secret password; /* until it is sent */
  guint32 timeout;
  OutcomeAnswer answer;
  gpointer data;
  Helper *helper; /* NULL while it waits for one */
  guint timer;
};

struct PamPool {
  PamPoolWant want;
  gpointer data;
  GPtrArray *helpers;  /* of Helper */
  GHashTable *jobs;    /* number -> Job */
  GQueue waiting;      /* of Job */
  GHashTable *wanted;  /* requests that are not answered yet */
  guint64 last_number; /* of jobs, and of requests */
  guint source;        /* that gives work to processes; 0 for none */
};

static void job_free(gpointer data) {
  Job *job = data;
  g_source_remove(job->timer);
  secret_clear(&job->password);
  g_free(job->service);
  g_free(job->account);
  g_free(job->address);
  g_free(job);
}

static void helper_free(gpointer data) {
  Helper *helper = data;
  g_clear_handle_id(&helper->idle_timer, g_source_remove);
  channel_free(helper->channel);
  g_free(helper);
}

PamPool *pam_pool_new(PamPoolWant want, gpointer data) {
  PamPool *pool = g_new0(PamPool, 1);
  pool->want = want;
  pool->data = data;
  pool->helpers = g_ptr_array_new_with_free_func(helper_free);
  pool->jobs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, job_free);
  pool->wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init(&pool->waiting);
  return pool;
}

void pam_pool_free(PamPool *pool) {
  if (pool == NULL)
    return;
  g_clear_handle_id(&pool->source, g_source_remove);
  g_queue_clear(&pool->waiting);
  g_hash_table_unref(pool->jobs);
  g_ptr_array_unref(pool->helpers);
  g_hash_table_unref(pool->wanted);
  g_free(pool);
}

guint pam_pool_count(const PamPool *pool) {
  return pool->helpers->len;
}

guint pam_pool_count_waiting(const PamPool *pool) {
  return pool->waiting.length;
}

static void distribute_soon(PamPool *pool);

/* ---- the end of a job ---- */

static void drop(Helper *helper) {
  PamPool *pool = helper->pool;
  g_ptr_array_remove_fast(pool->helpers, helper);
  distribute_soon(pool);
}

/* The job is freed before the caller is told. */
static void finish(Job *job, Outcome outcome, const char *detail) {
  OutcomeAnswer answer = job->answer;
  gpointer data = job->data;
  if (job->helper != NULL)
    job->helper->job = NULL;
  else
    g_queue_remove(&job->pool->waiting, job);
  g_hash_table_remove(job->pool->jobs, &job->number);
  answer(outcome, detail, data);
}

static char *describe_delay(const Job *job) {
  if (job->helper != NULL)
    return g_strdup_printf("PAM service '%s': its modules have not answered within %u ms, and "
                           "were ended",
                           job->service, job->timeout);
  return g_strdup_printf("PAM service '%s': no process was free within %u ms: modules hang, or "
                         "%u processes are too few",
                         job->service, job->timeout, PAM_PROCESSES);
}

static gboolean on_late(gpointer data) {
  Job *job = data;
  Helper *helper = job->helper;
  g_autofree char *detail = describe_delay(job);
  if (helper != NULL)
    drop(helper);
  job->helper = NULL;
  finish(job, OUTCOME_ACCOUNTS_MISSING, detail);
  return G_SOURCE_CONTINUE; /* removed with the job */
}

/* ---- a process ---- */

static gboolean on_idle_long(gpointer data) {
  Helper *helper = data;
  helper->idle_timer = 0;
  drop(helper);
  return G_SOURCE_REMOVE;
}

static void become_idle(Helper *helper) {
  if (++helper->answers >= MAX_ANSWERS) {
    drop(helper);
    return;
  }
  helper->idle_timer = g_timeout_add_seconds(IDLE_SECONDS, on_idle_long, helper);
  distribute_soon(helper->pool);
}

static void on_ended(Helper *helper, const char *why) {
  Job *job = helper->job;
  drop(helper);
  if (job == NULL)
    return;
  g_autofree char *detail = g_strdup_printf("PAM service '%s': %s", job->service, why);
  job->helper = NULL;
  finish(job, OUTCOME_ACCOUNTS_MISSING, detail);
}

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

static void take_answer(Helper *helper, const Message *message) {
  guint64 number = 0;
  guint32 outcome = 0;
  const char *detail = NULL;
  Job *job = helper->job;
  g_variant_get(message->body, "(tu&s)", &number, &outcome, &detail);
  gboolean understood = job != NULL && job->number == number && is_possible(outcome) &&
                        (outcome != OUTCOME_OK || job->account != NULL);
  if (!understood) {
    on_ended(helper, "its process has not answered what it was asked");
    return;
  }
  finish(job, (Outcome)outcome, detail);
  helper->is_stale = outcome == OUTCOME_PAM_DENIED;
  become_idle(helper);
}

static void on_message(G_GNUC_UNUSED Channel *channel, Message *message, const GError *error,
                       gpointer data) {
  Helper *helper = data;
  if (message != NULL)
    take_answer(helper, message);
  else
    on_ended(helper, error != NULL ? error->message : "its process has ended");
}

/* ---- questions to processes ---- */

static Helper *find_idle(const PamPool *pool) {
  for (guint i = pool->helpers->len; i > 0; i--) {
    Helper *helper = pool->helpers->pdata[i - 1];
    if (helper->job == NULL)
      return helper;
  }
  return NULL;
}

static void give(Job *job, Helper *helper) {
  const char *account = job->account != NULL ? job->account : "";
  g_autoptr(GVariant) body = g_variant_ref_sink(
      g_variant_new("(tsbss@ay)", job->number, job->service, job->account != NULL, account,
                    job->address, message_secret_new(job->password.bytes, job->password.size)));
  g_clear_handle_id(&helper->idle_timer, g_source_remove);
  g_queue_remove(&job->pool->waiting, job);
  helper->job = job;
  job->helper = helper;
  secret_clear(&job->password);
  /* One that has ended says so by its channel. */
  (void)channel_send(helper->channel, MESSAGE_PAM_QUESTION, body, NULL, 0, NULL);
}

static void refuse_waiting(PamPool *pool, const char *problem) {
  g_autofree char *detail = g_strdup_printf("No process for PAM can be had: %s", problem);
  for (guint left = pool->waiting.length; left > 0 && pool->waiting.head != NULL; left--)
    finish(pool->waiting.head->data, OUTCOME_ACCOUNTS_MISSING, detail);
}

static gboolean want_one(PamPool *pool) {
  guint64 request = ++pool->last_number;
  g_hash_table_add(pool->wanted, g_memdup2(&request, sizeof request));
  if (pool->want(request, pool->data))
    return TRUE;
  g_hash_table_remove(pool->wanted, &request);
  return FALSE;
}

static void want_more(PamPool *pool) {
  guint coming = g_hash_table_size(pool->wanted);
  while (coming < pool->waiting.length && pool->helpers->len + coming < PAM_PROCESSES) {
    if (!want_one(pool)) {
      refuse_waiting(pool, "none can be started");
      return;
    }
    coming++;
  }
}

/* Another process begins with the groups of its time. */
static void drop_stale(PamPool *pool) {
  for (guint i = pool->helpers->len; i > 0; i--) {
    Helper *helper = pool->helpers->pdata[i - 1];
    if (helper->job == NULL && helper->is_stale)
      g_ptr_array_remove_index_fast(pool->helpers, i - 1);
  }
}

static gboolean distribute(gpointer data) {
  PamPool *pool = data;
  Helper *helper;
  pool->source = 0;
  drop_stale(pool);
  while (pool->waiting.head != NULL && (helper = find_idle(pool)) != NULL)
    give(pool->waiting.head->data, helper);
  want_more(pool);
  return G_SOURCE_REMOVE;
}

static void distribute_soon(PamPool *pool) {
  if (pool->source == 0 && pool->waiting.head != NULL)
    pool->source = g_idle_add_full(G_PRIORITY_DEFAULT, distribute, pool, NULL);
}

void pam_pool_ask(PamPool *pool, const PamPoolQuestion *question, OutcomeAnswer answer,
                  gpointer data) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.pool = pool,
               .number = ++pool->last_number,
               .service = g_strdup(question->service),
               .account = g_strdup(question->account),
               .address = g_strdup(question->address),
               .timeout = question->timeout,
               .answer = answer,
               .data = data};
  secret_move(&job->password, question->password);
  g_hash_table_insert(pool->jobs, &job->number, job);
  g_queue_push_tail(&pool->waiting, job);
  job->timer = g_timeout_add(question->timeout, on_late, job);
  distribute_soon(pool);
}

void pam_pool_take_helper(PamPool *pool, guint64 request, int descriptor) {
  if (!g_hash_table_remove(pool->wanted, &request)) {
    close(descriptor); /* it was not asked for */
    return;
  }
  Helper *helper = g_new0(Helper, 1);
  helper->pool = pool;
  helper->channel = channel_new(descriptor, ROLE_VERIFIER, ROLE_PAM);
  helper->idle_timer = g_timeout_add_seconds(IDLE_SECONDS, on_idle_long, helper);
  channel_attach(helper->channel, NULL, on_message, helper);
  g_ptr_array_add(pool->helpers, helper);
  distribute_soon(pool);
}

/* Those that wait are served by the processes that there are; if there is none, and none
 * on its way, they wait for nothing. */
void pam_pool_take_refusal(PamPool *pool, guint64 request, const char *problem) {
  if (g_hash_table_remove(pool->wanted, &request) && pool->helpers->len == 0 &&
      g_hash_table_size(pool->wanted) == 0)
    refuse_waiting(pool, problem);
}

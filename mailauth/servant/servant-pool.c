/* SPDX-License-Identifier: MIT */
/* See servant-pool.h. */
#include "mailauth/servant/servant-pool.h"

#include <unistd.h>

typedef struct Job Job;

typedef struct {
  ServantPool *pool;
  Channel *channel;
  guint64 request;  /* that it was started for */
  Job *job;         /* NULL: idle */
  guint idle_timer; /* 0 while it is not */
  guint answers;
} Servant;

/* A question, until it is answered. */
struct Job {
  ServantPool *pool;
  MessageKind kind;
  GVariant *body; /* until it is sent */
  ServantAnswered answered;
  gpointer data;
  Servant *servant; /* NULL while it waits for one */
  guint timer;
};

struct ServantPool {
  ServantPoolFacts facts;
  MessageKind greeting_kind;
  GVariant *greeting;  /* NULL: none */
  GPtrArray *servants; /* of Servant */
  GHashTable *jobs;    /* a set of Job */
  GQueue waiting;      /* of Job */
  GHashTable *wanted;  /* requests that are not answered yet */
  guint64 last_number;
  guint source;        /* that gives questions to processes; 0 for none */
  gboolean drops_idle; /* when it comes to that */
};

static void job_free(gpointer data) {
  Job *job = data;
  g_source_remove(job->timer);
  g_clear_pointer(&job->body, g_variant_unref);
  g_free(job);
}

static void servant_free(gpointer data) {
  Servant *servant = data;
  g_clear_handle_id(&servant->idle_timer, g_source_remove);
  channel_free(servant->channel);
  g_free(servant);
}

ServantPool *servant_pool_new(const ServantPoolFacts *facts) {
  ServantPool *pool = g_new0(ServantPool, 1);
  pool->facts = *facts;
  pool->servants = g_ptr_array_new_with_free_func(servant_free);
  pool->jobs = g_hash_table_new_full(NULL, NULL, job_free, NULL);
  pool->wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init(&pool->waiting);
  return pool;
}

void servant_pool_free(ServantPool *pool) {
  if (pool == NULL)
    return;
  g_clear_handle_id(&pool->source, g_source_remove);
  g_queue_clear(&pool->waiting);
  g_hash_table_unref(pool->jobs);
  g_ptr_array_unref(pool->servants);
  g_hash_table_unref(pool->wanted);
  g_clear_pointer(&pool->greeting, g_variant_unref);
  g_free(pool);
}

void servant_pool_greet(ServantPool *pool, MessageKind kind, GVariant *body) {
  g_clear_pointer(&pool->greeting, g_variant_unref);
  pool->greeting_kind = kind;
  pool->greeting = g_variant_ref_sink(body);
}

guint servant_pool_count(const ServantPool *pool) {
  return pool->servants->len;
}

guint servant_pool_count_waiting(const ServantPool *pool) {
  return pool->waiting.length;
}

static void distribute_soon(ServantPool *pool);

/* ---- the end of a question ---- */

static void drop(Servant *servant) {
  ServantPool *pool = servant->pool;
  g_ptr_array_remove_fast(pool->servants, servant);
  distribute_soon(pool);
}

/* The job is freed before its owner is told. */
static gboolean finish(Job *job, ServantEnd end, const Message *message, const char *why) {
  ServantAnswered answered = job->answered;
  gpointer data = job->data;
  if (job->servant != NULL)
    job->servant->job = NULL;
  else
    g_queue_remove(&job->pool->waiting, job);
  g_hash_table_remove(job->pool->jobs, job);
  return answered(end, message, why, data);
}

/* A process that is stopped does not see the end of its channel. */
static gboolean on_late(gpointer data) {
  Job *job = data;
  Servant *servant = job->servant;
  const ServantPoolFacts *facts = &job->pool->facts;
  job->servant = NULL;
  if (servant == NULL) {
    finish(job, SERVANT_WAITED, NULL, NULL);
    return G_SOURCE_CONTINUE; /* removed with the job */
  }
  if (facts->end != NULL)
    facts->end(servant->request, facts->data);
  drop(servant);
  finish(job, SERVANT_LATE, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

/* ---- a process ---- */

static gboolean on_idle_long(gpointer data) {
  Servant *servant = data;
  servant->idle_timer = 0;
  drop(servant);
  return G_SOURCE_REMOVE;
}

static void become_idle(Servant *servant) {
  const ServantPoolFacts *facts = &servant->pool->facts;
  if (facts->max_answers > 0 && servant->answers >= facts->max_answers) {
    drop(servant);
    return;
  }
  servant->idle_timer = g_timeout_add_seconds(facts->idle, on_idle_long, servant);
  distribute_soon(servant->pool);
}

static void on_ended(Servant *servant, const char *why) {
  Job *job = servant->job;
  drop(servant);
  if (job == NULL)
    return;
  job->servant = NULL;
  finish(job, SERVANT_ENDED, NULL, why);
}

static void take_answer(Servant *servant, const Message *message) {
  Job *job = servant->job;
  if (job == NULL) {
    drop(servant); /* it was not asked */
    return;
  }
  servant->answers++;
  if (finish(job, SERVANT_ANSWERED, message, NULL))
    become_idle(servant);
  else
    drop(servant);
}

static void on_message(G_GNUC_UNUSED Channel *channel, Message *message, const GError *error,
                       gpointer data) {
  Servant *servant = data;
  if (message != NULL)
    take_answer(servant, message);
  else
    on_ended(servant, error != NULL ? error->message : "its process has ended");
}

/* ---- questions to processes ---- */

static Servant *find_idle(const ServantPool *pool) {
  for (guint i = pool->servants->len; i > 0; i--) {
    Servant *servant = pool->servants->pdata[i - 1];
    if (servant->job == NULL)
      return servant;
  }
  return NULL;
}

static void give(Job *job, Servant *servant) {
  g_clear_handle_id(&servant->idle_timer, g_source_remove);
  g_queue_remove(&job->pool->waiting, job);
  servant->job = job;
  job->servant = servant;
  /* One that has ended says so by its channel. */
  (void)channel_send(servant->channel, job->kind, job->body, NULL, 0, NULL);
  g_clear_pointer(&job->body, g_variant_unref);
}

static void refuse_waiting(ServantPool *pool, const char *problem) {
  for (guint left = pool->waiting.length; left > 0 && pool->waiting.head != NULL; left--)
    finish(pool->waiting.head->data, SERVANT_NONE, NULL, problem);
}

static gboolean want_one(ServantPool *pool) {
  guint64 request = ++*pool->facts.last_request;
  g_hash_table_add(pool->wanted, g_memdup2(&request, sizeof request));
  if (pool->facts.want(request, pool->facts.data))
    return TRUE;
  g_hash_table_remove(pool->wanted, &request);
  return FALSE;
}

/* One that is there at once is counted as coming all the same, for this time. */
static void want_more(ServantPool *pool) {
  guint coming = g_hash_table_size(pool->wanted);
  while (coming < pool->waiting.length && pool->servants->len + coming < pool->facts.most) {
    if (!want_one(pool)) {
      refuse_waiting(pool, "none can be started");
      return;
    }
    coming++;
  }
}

static void drop_idle(ServantPool *pool) {
  pool->drops_idle = FALSE;
  for (guint i = pool->servants->len; i > 0; i--) {
    const Servant *servant = pool->servants->pdata[i - 1];
    if (servant->job == NULL)
      g_ptr_array_remove_index_fast(pool->servants, i - 1);
  }
}

static gboolean distribute(gpointer data) {
  ServantPool *pool = data;
  Servant *servant;
  pool->source = 0;
  if (pool->drops_idle)
    drop_idle(pool);
  while (pool->waiting.head != NULL && (servant = find_idle(pool)) != NULL)
    give(pool->waiting.head->data, servant);
  want_more(pool);
  return G_SOURCE_REMOVE;
}

static void distribute_soon(ServantPool *pool) {
  if (pool->source == 0 && (pool->waiting.head != NULL || pool->drops_idle))
    pool->source = g_idle_add_full(G_PRIORITY_DEFAULT, distribute, pool, NULL);
}

guint64 servant_pool_number(ServantPool *pool) {
  return ++pool->last_number;
}

void servant_pool_ask(ServantPool *pool, MessageKind kind, GVariant *body, guint timeout,
                      ServantAnswered answered, gpointer data) {
  Job *job = g_new0(Job, 1);
  *job = (Job){.pool = pool,
               .kind = kind,
               .body = g_variant_ref_sink(body),
               .answered = answered,
               .data = data};
  g_hash_table_add(pool->jobs, job);
  g_queue_push_tail(&pool->waiting, job);
  job->timer = g_timeout_add(timeout, on_late, job);
  distribute_soon(pool);
}

void servant_pool_prepare(ServantPool *pool) {
  if (pool->servants->len == 0 && g_hash_table_size(pool->wanted) == 0)
    (void)want_one(pool);
}

/* Not from inside, where one may just have answered. */
void servant_pool_drop_idle(ServantPool *pool) {
  pool->drops_idle = TRUE;
  distribute_soon(pool);
}

/* ---- processes that come ---- */

gboolean servant_pool_take(ServantPool *pool, guint64 request, int descriptor) {
  if (!g_hash_table_remove(pool->wanted, &request))
    return FALSE;
  Servant *servant = g_new0(Servant, 1);
  servant->pool = pool;
  servant->request = request;
  servant->channel = channel_new(descriptor, ROLE_VERIFIER, pool->facts.role);
  servant->idle_timer = g_timeout_add_seconds(pool->facts.idle, on_idle_long, servant);
  channel_attach(servant->channel, NULL, on_message, servant);
  g_ptr_array_add(pool->servants, servant);
  if (pool->greeting != NULL)
    (void)channel_send(servant->channel, pool->greeting_kind, pool->greeting, NULL, 0, NULL);
  distribute_soon(pool);
  return TRUE;
}

/* Those that wait are served by the processes that there are; if there is none, and none on its
 * way, they wait for nothing. */
gboolean servant_pool_take_refusal(ServantPool *pool, guint64 request, const char *problem) {
  if (!g_hash_table_remove(pool->wanted, &request))
    return FALSE;
  if (pool->servants->len == 0 && g_hash_table_size(pool->wanted) == 0)
    refuse_waiting(pool, problem);
  return TRUE;
}

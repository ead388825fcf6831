/* SPDX-License-Identifier: MIT */
/* See workers.h. A job holds what it shares with the workers, so that a thread that is
 * stuck in somebody else's file may outlive them. */
#include "client/threads/workers.h"

#include "client/threads/result-queue.h"

/* How soon a thread that could not be made is tried again. */
#define RETRY_MS 200

/* Counted: the workers hold one reference, each job another. */
typedef struct {
  GMainContext *context;
  ResultQueue *results; /* of Task */
  gint wait;            /* of the job that was taken last, in µs; atomic */
  gint abandoned;       /* atomic */
} Shared;

struct Workers {
  Shared *shared;
  GThreadPool *pool;
  guint threads;
  gint limit;
  GSource *retry; /* for a thread that could not be made; NULL if none is missing */
};

typedef struct {
  Shared *shared;
  WorkersStep work, done;
  GDestroyNotify destroy;
  gpointer job;
  gint64 submitted; /* monotonic, in µs */
} Task;

static void shared_clear(gpointer data) {
  Shared *shared = data;
  result_queue_unref(shared->results);
  g_main_context_unref(shared->context);
}

static void shared_unref(Shared *shared) {
  g_atomic_rc_box_release_full(shared, shared_clear);
}

/* On the loop. */
static void finish(gpointer data) {
  Task *task = data;
  if (!g_atomic_int_get(&task->shared->abandoned))
    task->done(task->job);
  else if (task->destroy != NULL)
    task->destroy(task->job);
  shared_unref(task->shared);
  g_free(task);
}

static void run(gpointer data, G_GNUC_UNUSED gpointer user_data) {
  Task *task = data;
  Shared *shared = task->shared;
  gint64 waited = g_get_monotonic_time() - task->submitted;
  g_atomic_int_set(&shared->wait, (gint)MIN(waited, G_MAXINT));
  if (!g_atomic_int_get(&shared->abandoned))
    task->work(task->job);
  result_queue_push(shared->results, task);
}

Workers *workers_new(gint threads, GMainContext *context) {
  Workers *workers = g_new0(Workers, 1);
  gint limit = threads == WORKERS_PROCESSORS ? (gint)g_get_num_processors() : threads;
  workers->limit = limit;
  workers->threads = limit == WORKERS_UNLIMITED ? G_MAXUINT : (guint)limit;
  workers->shared = g_atomic_rc_box_new0(Shared);
  workers->shared->context =
      g_main_context_ref(context != NULL ? context : g_main_context_default());
  workers->shared->results = result_queue_new(context, finish);
  workers->pool = g_thread_pool_new(run, NULL, limit, FALSE, NULL);
  return workers;
}

static void drop_retry(Workers *workers) {
  if (workers->retry == NULL)
    return;
  g_source_destroy(workers->retry);
  g_clear_pointer(&workers->retry, g_source_unref);
}

/* Setting the limit starts threads for the jobs that wait. */
static gboolean start_threads(gpointer data) {
  Workers *workers = data;
  if (!g_thread_pool_set_max_threads(workers->pool, workers->limit, NULL))
    return G_SOURCE_CONTINUE;
  drop_retry(workers);
  return G_SOURCE_REMOVE;
}

/* The job waits in the pool, but if that has no thread yet nobody takes it. */
static void retry_later(Workers *workers) {
  if (workers->retry != NULL)
    return;
  workers->retry = g_timeout_source_new(RETRY_MS);
  g_source_set_callback(workers->retry, start_threads, workers, NULL);
  g_source_attach(workers->retry, workers->shared->context);
}

static void close_down(Workers *workers, gboolean waits) {
  drop_retry(workers);
  g_thread_pool_free(workers->pool, FALSE, waits);
  shared_unref(workers->shared);
  g_free(workers);
}

void workers_free(Workers *workers) {
  if (workers != NULL)
    close_down(workers, TRUE);
}

void workers_abandon(Workers *workers) {
  if (workers == NULL)
    return;
  g_atomic_int_set(&workers->shared->abandoned, TRUE);
  close_down(workers, FALSE);
}

void workers_submit(Workers *workers, WorkersStep work, WorkersStep done, gpointer job,
                    GDestroyNotify destroy) {
  Task *task = g_new0(Task, 1);
  *task = (Task){.shared = g_atomic_rc_box_acquire(workers->shared),
                 .work = work,
                 .done = done,
                 .destroy = destroy,
                 .job = job,
                 .submitted = g_get_monotonic_time()};
  if (!g_thread_pool_push(workers->pool, task, NULL))
    retry_later(workers);
}

GMainContext *workers_get_context(const Workers *workers) {
  return workers->shared->context;
}

guint workers_get_waiting(const Workers *workers) {
  return g_thread_pool_unprocessed(workers->pool);
}

guint workers_get_threads(const Workers *workers) {
  return workers->threads;
}

gint64 workers_get_wait(const Workers *workers) {
  return g_atomic_int_get(&workers->shared->wait);
}

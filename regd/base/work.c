/* SPDX-License-Identifier: MIT */
/* A pool of threads whose results come back to the main context. A job holds
 * the shared state, so that a thread that is stuck in a stranger's file may
 * outlive the Work that it was submitted to. */
#include "regd/base/work.h"

typedef struct {
  GMainContext *context;
  gboolean closed; /* atomic */
} Shared;

struct Work {
  Shared *shared;
  GThreadPool *pool;
};

typedef struct {
  Shared *shared;
  WorkFunction run;
  WorkFunction done;
  GDestroyNotify destroy;
  gpointer data;
} Job;

static void shared_clear(gpointer data) {
  Shared *shared = data;
  g_main_context_unref(shared->context);
}

/* The source's destroy function: @done has taken the data, or never will. */
static void job_free(gpointer data) {
  Job *job = data;
  if (job->data != NULL && job->destroy != NULL)
    job->destroy(job->data);
  g_atomic_rc_box_release_full(job->shared, shared_clear);
  g_free(job);
}

static gboolean finish_job(gpointer data) {
  Job *job = data;
  if (!g_atomic_int_get(&job->shared->closed))
    job->done(g_steal_pointer(&job->data));
  return G_SOURCE_REMOVE;
}

static void run_job(gpointer data, gpointer pool_data) {
  (void)pool_data;
  Job *job = data;
  if (!g_atomic_int_get(&job->shared->closed))
    job->run(job->data);
  g_autoptr(GMainContext) context = g_main_context_ref(job->shared->context);
  g_autoptr(GSource) source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, finish_job, job, job_free);
  g_source_attach(source, context);
}

Work *work_new(GMainContext *context) {
  Work *work = g_new0(Work, 1);
  work->shared = g_atomic_rc_box_new0(Shared);
  work->shared->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  work->pool = g_thread_pool_new(run_job, NULL, -1, FALSE, NULL);
  return work;
}

void work_free(Work *work) {
  if (work == NULL)
    return;
  g_atomic_int_set(&work->shared->closed, TRUE);
  g_thread_pool_free(work->pool, FALSE, FALSE);
  g_atomic_rc_box_release_full(work->shared, shared_clear);
  g_free(work);
}

GMainContext *work_get_context(Work *work) {
  return work->shared->context;
}

void work_submit(Work *work, WorkFunction run, WorkFunction done, gpointer data,
                 GDestroyNotify destroy) {
  Job *job = g_new0(Job, 1);
  job->shared = g_atomic_rc_box_acquire(work->shared);
  job->run = run;
  job->done = done;
  job->destroy = destroy;
  job->data = data;
  g_thread_pool_push(work->pool, job, NULL);
}

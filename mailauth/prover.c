/* Work off the main loop: see prover.h. */
#include "mailauth/prover.h"

struct Prover {
  GThreadPool *pool;
  GMainContext *context;
  guint threads;
};

typedef struct {
  ProverStep work, done;
  gpointer job;
  GMainContext *context;
} Task;

static gboolean finish(gpointer data) {
  Task *task = data;
  task->done(task->job);
  g_main_context_unref(task->context);
  g_free(task);
  return G_SOURCE_REMOVE;
}

static void run(gpointer data, G_GNUC_UNUSED gpointer user_data) {
  Task *task = data;
  task->work(task->job);
  GSource *source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, finish, task, NULL);
  g_source_attach(source, task->context);
  g_source_unref(source);
}

Prover *prover_new(guint threads, GMainContext *context) {
  Prover *prover = g_new0(Prover, 1);
  prover->threads = threads > 0 ? threads : g_get_num_processors();
  prover->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
  prover->pool = g_thread_pool_new(run, NULL, (gint)prover->threads, FALSE, NULL);
  return prover;
}

void prover_free(Prover *prover) {
  if (prover == NULL)
    return;
  g_thread_pool_free(prover->pool, FALSE, TRUE);
  g_main_context_unref(prover->context);
  g_free(prover);
}

void prover_submit(Prover *prover, ProverStep work, ProverStep done, gpointer job) {
  Task *task = g_new0(Task, 1);
  *task = (Task){work, done, job, g_main_context_ref(prover->context)};
  g_thread_pool_push(prover->pool, task, NULL);
}

guint prover_get_waiting(const Prover *prover) {
  return g_thread_pool_unprocessed(prover->pool);
}

guint prover_get_threads(const Prover *prover) {
  return prover->threads;
}

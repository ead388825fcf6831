/* SPDX-License-Identifier: MIT */
/* Work off the main loop: see workers.h. What is done waits in a list for the
 * loop, which is woken for the first in it alone, by a descriptor of its own: a thread
 * that asks GLib to wake the loop holds a lock that the loop wants as it wakes. */
#include "mailauth/base/workers.h"

#include <sys/eventfd.h>
#include <unistd.h>

struct Prover {
  GThreadPool *pool;
  GSource *back; /* on the loop: ready while something is done */
  int bell;      /* an eventfd of that source; -1 where there was none to be had */
  GMutex lock;
  GQueue done; /* of Task; under the lock */
  guint threads;
  gint wait;      /* of the job that was taken last, in µs; atomic */
  gboolean freed; /* only what is in the list is left to do */
};

typedef struct {
  GSource source;
  Prover *prover;
} BackSource;

typedef struct {
  ProverStep work, done;
  gpointer job;
  gint64 submitted; /* monotonic, in µs */
} Task;

static void prover_destroy(Prover *prover) {
  g_source_destroy(prover->back);
  g_source_unref(prover->back);
  if (prover->bell >= 0)
    close(prover->bell);
  g_mutex_clear(&prover->lock);
  g_free(prover);
}

static void ring(Prover *prover) {
  if (prover->bell < 0 || eventfd_write(prover->bell, 1) < 0)
    g_source_set_ready_time(prover->back, 0);
}

static void hush(Prover *prover) {
  eventfd_t count;
  g_source_set_ready_time(prover->back, -1);
  if (prover->bell >= 0)
    (void)eventfd_read(prover->bell, &count);
}

static GQueue take_done(Prover *prover) {
  g_mutex_lock(&prover->lock);
  GQueue done = prover->done;
  g_queue_init(&prover->done);
  g_mutex_unlock(&prover->lock);
  return done;
}

static gboolean dispatch(GSource *source, G_GNUC_UNUSED GSourceFunc callback,
                         G_GNUC_UNUSED gpointer data) {
  Prover *prover = ((BackSource *)source)->prover;
  Task *task;
  hush(prover);
  GQueue done = take_done(prover);
  /* All threads have ended then: nothing comes after these. */
  if (prover->freed)
    prover_destroy(prover);
  while ((task = g_queue_pop_head(&done)) != NULL) {
    task->done(task->job);
    g_free(task);
  }
  return G_SOURCE_CONTINUE;
}

static GSource *back_source_new(Prover *prover, GMainContext *context) {
  static GSourceFuncs functions = {.dispatch = dispatch};
  GSource *source = g_source_new(&functions, sizeof(BackSource));
  ((BackSource *)source)->prover = prover;
  g_source_set_static_name(source, "prover");
  /* What is done may run no loop: GLib would take the descriptor out for its length. */
  g_source_set_can_recurse(source, TRUE);
  if (prover->bell >= 0)
    g_source_add_unix_fd(source, prover->bell, G_IO_IN);
  g_source_attach(source, context);
  return source;
}

static void run(gpointer data, gpointer user_data) {
  Task *task = data;
  Prover *prover = user_data;
  g_atomic_int_set(&prover->wait, (gint)MIN(g_get_monotonic_time() - task->submitted, G_MAXINT));
  task->work(task->job);
  g_mutex_lock(&prover->lock);
  gboolean first = g_queue_is_empty(&prover->done);
  g_queue_push_tail(&prover->done, task);
  g_mutex_unlock(&prover->lock);
  if (first)
    ring(prover);
}

Prover *prover_new(guint threads, GMainContext *context) {
  Prover *prover = g_new0(Prover, 1);
  prover->threads = threads > 0 ? threads : g_get_num_processors();
  g_mutex_init(&prover->lock);
  g_queue_init(&prover->done);
  prover->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  prover->back = back_source_new(prover, context);
  prover->pool = g_thread_pool_new(run, prover, (gint)prover->threads, FALSE, NULL);
  return prover;
}

void prover_free(Prover *prover) {
  if (prover == NULL)
    return;
  g_thread_pool_free(prover->pool, FALSE, TRUE);
  if (g_queue_is_empty(&prover->done))
    prover_destroy(prover);
  else
    prover->freed = TRUE;
}

void prover_submit(Prover *prover, ProverStep work, ProverStep done, gpointer job) {
  Task *task = g_new0(Task, 1);
  *task = (Task){work, done, job, g_get_monotonic_time()};
  g_thread_pool_push(prover->pool, task, NULL);
}

guint prover_get_waiting(const Prover *prover) {
  return g_thread_pool_unprocessed(prover->pool);
}

guint prover_get_threads(const Prover *prover) {
  return prover->threads;
}

gint64 prover_get_wait(const Prover *prover) {
  return g_atomic_int_get(&prover->wait);
}

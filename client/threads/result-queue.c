/* SPDX-License-Identifier: MIT */
/* See result-queue.h. The loop is woken for the first result in the queue only, and by a
 * descriptor of the queue's own: a thread that asks GLib to wake the loop holds a lock
 * that the loop wants as it wakes. */
#include "client/threads/result-queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* Results are handled for so long, in µs, before the loop's other sources have a turn. */
#define SLICE 5000

struct ResultQueue {
  gatomicrefcount references; /* of those who hold the queue, and one for each result in it */
  ResultHandler handle;
  GSource *source; /* on the loop: ready while there are results */
  int bell;        /* an eventfd of that source; -1 if there was none to be had */
  GMutex lock;
  GQueue results; /* under the lock */
};

typedef struct {
  GSource source;
  ResultQueue *queue;
} QueueSource;

static void ring(ResultQueue *queue) {
  if (queue->bell < 0 || eventfd_write(queue->bell, 1) < 0)
    g_source_set_ready_time(queue->source, 0);
}

static void silence(ResultQueue *queue) {
  eventfd_t count;
  g_source_set_ready_time(queue->source, -1);
  if (queue->bell >= 0)
    (void)eventfd_read(queue->bell, &count);
}

static GQueue take_results(ResultQueue *queue) {
  g_mutex_lock(&queue->lock);
  GQueue results = queue->results;
  g_queue_init(&queue->results);
  g_mutex_unlock(&queue->lock);
  return results;
}

/* Puts what was not handled before what has come meanwhile. */
static void put_back(ResultQueue *queue, GQueue *results) {
  g_mutex_lock(&queue->lock);
  while (!g_queue_is_empty(results))
    g_queue_push_head(&queue->results, g_queue_pop_tail(results));
  g_mutex_unlock(&queue->lock);
  ring(queue);
}

static gboolean dispatch(GSource *source, G_GNUC_UNUSED GSourceFunc callback,
                         G_GNUC_UNUSED gpointer data) {
  g_autoptr(ResultQueue) queue = result_queue_ref(((QueueSource *)source)->queue);
  silence(queue);
  GQueue results = take_results(queue);
  gint64 end = g_get_monotonic_time() + SLICE;
  while (!g_queue_is_empty(&results)) {
    queue->handle(g_queue_pop_head(&results));
    result_queue_unref(queue);
    if (g_queue_is_empty(&results) || g_get_monotonic_time() < end)
      continue;
    put_back(queue, &results);
    break;
  }
  return G_SOURCE_CONTINUE;
}

static GSource *new_source(ResultQueue *queue, GMainContext *context) {
  static GSourceFuncs functions = {.dispatch = dispatch};
  GSource *source = g_source_new(&functions, sizeof(QueueSource));
  ((QueueSource *)source)->queue = queue;
  g_source_set_static_name(source, "results");
  /* No handler runs the loop. Were it not said, GLib would take the descriptor out of the
   * poll for the length of each dispatch. */
  g_source_set_can_recurse(source, TRUE);
  if (queue->bell >= 0)
    g_source_add_unix_fd(source, queue->bell, G_IO_IN);
  g_source_attach(source, context);
  return source;
}

ResultQueue *result_queue_new(GMainContext *context, ResultHandler handle) {
  ResultQueue *queue = g_new0(ResultQueue, 1);
  g_atomic_ref_count_init(&queue->references);
  queue->handle = handle;
  g_mutex_init(&queue->lock);
  g_queue_init(&queue->results);
  queue->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  queue->source = new_source(queue, context);
  return queue;
}

ResultQueue *result_queue_ref(ResultQueue *queue) {
  g_atomic_ref_count_inc(&queue->references);
  return queue;
}

void result_queue_unref(ResultQueue *queue) {
  if (queue == NULL || !g_atomic_ref_count_dec(&queue->references))
    return;
  g_source_destroy(queue->source);
  g_source_unref(queue->source);
  if (queue->bell >= 0)
    close(queue->bell);
  g_mutex_clear(&queue->lock);
  g_free(queue);
}

void result_queue_push(ResultQueue *queue, gpointer result) {
  result_queue_ref(queue);
  g_mutex_lock(&queue->lock);
  gboolean first = g_queue_is_empty(&queue->results);
  g_queue_push_tail(&queue->results, result);
  g_mutex_unlock(&queue->lock);
  if (first)
    ring(queue);
}

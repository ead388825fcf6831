/* SPDX-License-Identifier: MIT */
/* Results of threads, handed back to a main loop in the order in which they come, and in slices
 * of a few milliseconds, between which the loop does what else it has to do. */
#ifndef CLIENT_THREADS_RESULT_QUEUE_H
#define CLIENT_THREADS_RESULT_QUEUE_H

#include <glib.h>

typedef struct ResultQueue ResultQueue;
/* On the loop; takes @result. */
typedef void (*ResultHandler)(gpointer result);

/* @context: whose loop runs @handle; NULL is the default one. */
ResultQueue *result_queue_new(GMainContext *context, ResultHandler handle);
/* The queue lives until nobody holds it and all that was pushed has been handled. Any
 * thread may take a reference from one that holds it; the last is given back on the
 * loop's thread. */
ResultQueue *result_queue_ref(ResultQueue *queue);
void result_queue_unref(ResultQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ResultQueue, result_queue_unref)

/* On any thread that holds the queue. @result is handled exactly once, as soon as the
 * loop runs; never from inside this function. */
void result_queue_push(ResultQueue *queue, gpointer result);

#endif

/* SPDX-License-Identifier: MIT */
/* Work that takes long or may block, off the main loop: a function runs on a thread, and
 * another one afterwards on the loop. */
#ifndef CLIENT_THREADS_WORKERS_H
#define CLIENT_THREADS_WORKERS_H

#include <glib.h>

/* How many threads, besides a number of them. */
#define WORKERS_PROCESSORS 0   /* as many as there are processors */
#define WORKERS_UNLIMITED (-1) /* one for each job: whoever submits bounds how many there are */

typedef struct Workers Workers;
typedef void (*WorkersStep)(gpointer job);

/* @context: whose loop is meant; NULL is the default one. */
Workers *workers_new(gint threads, GMainContext *context);
/* Waits for all jobs; what remains of them on the loop still runs when the loop does. */
void workers_free(Workers *workers);
/* Waits for nothing: jobs that run are left to themselves, the others don't start. Each
 * of them is destroyed on the loop, if that still runs when their thread has ended. */
void workers_abandon(Workers *workers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Workers, workers_free)

/* Runs @work on a thread, then @done, which takes @job, on the loop: exactly once, and
 * never from inside this function; if no thread can be made now, later. @destroy takes @job in the
 * place of @done after workers_abandon(); NULL if that is not called. */
void workers_submit(Workers *workers, WorkersStep work, WorkersStep done, gpointer job,
                    GDestroyNotify destroy);

/* Borrowed. */
GMainContext *workers_get_context(const Workers *workers);
/* Jobs that wait for a thread. */
guint workers_get_waiting(const Workers *workers);
guint workers_get_threads(const Workers *workers);
/* How long the job that a thread took last had waited for it, in µs. */
gint64 workers_get_wait(const Workers *workers);

#endif

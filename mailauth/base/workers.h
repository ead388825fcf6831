/* SPDX-License-Identifier: MIT */
/* Work that takes long, off the main loop: passwords on as many threads as there
 * are processors, look-ups in files on others. */
#ifndef MAILAUTH_BASE_WORKERS_H
#define MAILAUTH_BASE_WORKERS_H

#include <glib.h>

typedef struct Prover Prover;
/* @work is run on a worker thread, then @done on the loop; both get the job,
 * and @done frees it. @done is called exactly once, never from inside
 * prover_submit(). */
typedef void (*ProverStep)(gpointer job);

/* @threads 0: as many as there are processors. @context: whose loop @done runs
 * on; NULL is the default one. */
Prover *prover_new(guint threads, GMainContext *context);
/* Waits for what is being worked on; its @done still runs when the loop does. */
void prover_free(Prover *prover);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Prover, prover_free)

void prover_submit(Prover *prover, ProverStep work, ProverStep done, gpointer job);
/* Jobs that wait for a thread. */
guint prover_get_waiting(const Prover *prover);
guint prover_get_threads(const Prover *prover);
/* How long the job that a thread took last had waited for it, in µs. */
gint64 prover_get_wait(const Prover *prover);

#endif

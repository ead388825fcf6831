/* SPDX-License-Identifier: MIT */
/* Calls for the status that wait, for a moment at most, for what has to be asked first: the
 * front's counts, and look-ups on a worker. */
#ifndef MAILAUTH_VERIFIER_STATUS_CALLS_H
#define MAILAUTH_VERIFIER_STATUS_CALLS_H

#include <glib.h>

typedef struct StatusCalls StatusCalls;

StatusCalls *status_calls_new(void);
/* Those that still wait are not answered. NULL is fine. */
void status_calls_free(StatusCalls *calls);

/* @done is called once with @call: by status_calls_settle(), or after STATUS_WAIT_MS. */
void status_calls_add(StatusCalls *calls, void (*done)(gpointer call), gpointer call);
/* Whether the front's counts are on their way. */
void status_calls_await_counts(StatusCalls *calls, gboolean await);
void status_calls_answer_all(StatusCalls *calls);
/* Answers all that wait, unless counts are awaited or a look-up runs. */
void status_calls_settle(StatusCalls *calls, gboolean is_looking);

#endif

/* SPDX-License-Identifier: MIT */
/* Changes that wait for the writer, and those that share one flush. Knows neither threads nor
 * the store. */
#ifndef REGD_BASE_BATCH_H
#define REGD_BASE_BATCH_H

#include "client/base/change.h"
#include "regd/base/result.h"

/* A change that somebody has handed in, and what became of it. */
typedef struct {
  Identity *who;
  guint32 payer; /* the user who waits for their turn with it */
  gboolean is_undo;
  Change *change;
  WriteDone done; /* may be NULL */
  gpointer data;
  WriteResult result;
} Request;
/* References @who, who waits for their turn with it; takes @change. */
Request *request_new(Identity *who, Change *change, WriteDone done, gpointer data);
/* A change of the daemon's own; takes @change. */
Request *request_new_own(Change *change, WriteDone done, gpointer data);
/* The end of a trial that nobody has confirmed: the daemon undoes @revision. It takes a turn of
 * @uid, who made the change. */
Request *request_new_undo(guint64 revision, guint32 uid, WriteDone done, gpointer data);
void request_free(Request *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)
/* Tells who waits for it what became of it, and frees it. @data: the Request. */
void request_deliver(gpointer data);
/* Whatever had become of it: it is refused. */
void request_fail(Request *request, const GError *failure);

typedef struct {
  GPtrArray *requests; /* of Request */
  guint operations;    /* of all of them */
  guint64 steps;
} Batch;
Batch *batch_new(void);
void batch_free(Batch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)
/* Whether @next may share the flush. @last_cost: of what its user did last, which tells what it
 * may cost. */
gboolean batch_takes(const Batch *batch, const Request *next, guint64 last_cost);
/* Whether @change, of which nothing is still to be read, is so large that it shares the flush with
 * no other: then it is not applied again if the commit fails. */
gboolean batch_is_own(const Change *change);
/* Takes @request. */
void batch_add(Batch *batch, Request *request);
void batch_fail(Batch *batch, const GError *failure);
/* What became of all of them together. */
typedef struct {
  gboolean kept;           /* something is to be committed */
  gboolean purged;         /* old data was forgotten */
  gboolean trials_changed; /* a trial began or ended */
  gboolean undone;         /* a trial that was due was among them */
  guint refused;
} BatchOutcome;
BatchOutcome batch_get_outcome(const Batch *batch);

#endif

/* SPDX-License-Identifier: MIT */
/* Processes that serve the verifier, each with one question at a time: as many as are needed, up
 * to a limit. A process that does not answer in time is given up, so that whatever hangs in it
 * holds nothing for ever, and another is begun. Only for the loop's thread. */
#ifndef MAILAUTH_SERVANT_SERVANT_POOL_H
#define MAILAUTH_SERVANT_SERVANT_POOL_H

#include "mailauth/ipc/channel.h"

typedef struct ServantPool ServantPool;

typedef struct {
  Role role;
  guint most;            /* processes at once */
  guint max_answers;     /* of one process, before another takes its place; 0: no matter how many */
  guint idle;            /* s that one is kept unasked */
  guint64 *last_request; /* counted on; borrowed, and shared by all pools of the role */
  /* Has a process started, for which servant_pool_take() or servant_pool_take_refusal() is called,
   * now or later. FALSE: there will be none. */
  gboolean (*want)(guint64 request, gpointer data);
  /* Has the process that was started for @request killed; NULL: one whose channel is closed ends
   * by itself. */
  void (*end)(guint64 request, gpointer data);
  gpointer data;
} ServantPoolFacts;

/* Copies @facts. */
ServantPool *servant_pool_new(const ServantPoolFacts *facts);
/* Ends the processes; no question is answered any more. Not from a callback of the pool's. NULL is
 * fine. */
void servant_pool_free(ServantPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ServantPool, servant_pool_free)

/* What each process that comes from now on is told first. @body may be floating. */
void servant_pool_greet(ServantPool *pool, MessageKind kind, GVariant *body);
/* Has a process started, if there is none: questions will come. */
void servant_pool_prepare(ServantPool *pool);
/* Ends the processes that have nothing to do, when the loop runs again. */
void servant_pool_drop_idle(ServantPool *pool);

/* What has come of a question. */
typedef enum {
  SERVANT_ANSWERED, /* by a message, which may be anything that the role may send */
  SERVANT_LATE,     /* a process had it for too long, and is given up */
  SERVANT_WAITED,   /* no process was free in time */
  SERVANT_ENDED,    /* the process has ended, or has sent what it may not */
  SERVANT_NONE,     /* no process can be had */
} ServantEnd;

/* Called exactly once, never from inside servant_pool_ask(). @message: only if ANSWERED. @why:
 * for administrators, if ENDED or NONE. Returns whether the process may be asked again, which
 * counts if ANSWERED. */
typedef gboolean (*ServantAnswered)(ServantEnd end, const Message *message, const char *why,
                                    gpointer data);

/* A number that no question of the pool's had before. */
guint64 servant_pool_number(ServantPool *pool);
/* @body: of a message of @kind, for a process; may be floating. @timeout: ms, waiting for a process
 * included. */
void servant_pool_ask(ServantPool *pool, MessageKind kind, GVariant *body, guint timeout,
                      ServantAnswered answered, gpointer data);

/* FALSE: @request is none of this pool's, or not any more. @descriptor, of the channel to the
 * process, is taken if it is. */
gboolean servant_pool_take(ServantPool *pool, guint64 request, int descriptor);
gboolean servant_pool_take_refusal(ServantPool *pool, guint64 request, const char *problem);

/* Processes that there are, and questions that wait for one. */
guint servant_pool_count(const ServantPool *pool);
guint servant_pool_count_waiting(const ServantPool *pool);

#endif

/* SPDX-License-Identifier: MIT */
/* The processes that PAM's modules run in (pam-helper.h): as many as are needed, up to a
 * limit, each with one login at a time. A process that does not answer in time is ended
 * with all that it started, so that a module that hangs holds nothing for ever. Only for
 * the loop's thread. */
#ifndef MAILAUTH_PAM_PAM_POOL_H
#define MAILAUTH_PAM_PAM_POOL_H

#include "mailauth/base/outcome.h"
#include "mailauth/base/secret.h"

typedef struct PamPool PamPool;

/* Has a process started, which pam_pool_take_helper() or pam_pool_take_refusal()
 * answers, now or later. FALSE: there will be none. */
typedef gboolean (*PamPoolWant)(guint64 request, gpointer data);

PamPool *pam_pool_new(PamPoolWant want, gpointer data);
/* Ends the processes; no question is answered any more. NULL is fine. */
void pam_pool_free(PamPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PamPool, pam_pool_free)

typedef struct {
  const char *service;
  const char *account; /* NULL: a name that no account can have */
  Secret *password;    /* taken; if there can be an account it is not empty and has no NUL */
  const char *address;
  guint32 timeout; /* ms, waiting for a process included */
} PamPoolQuestion;

/* Takes the password and copies the rest of @question. @answer is called exactly once, never from
 * inside. */
void pam_pool_ask(PamPool *pool, const PamPoolQuestion *question, OutcomeAnswer answer,
                  gpointer data);

/* @descriptor: of the channel to the process; taken. */
void pam_pool_take_helper(PamPool *pool, guint64 request, int descriptor);
void pam_pool_take_refusal(PamPool *pool, guint64 request, const char *problem);

/* Processes that there are, and logins that wait for one. */
guint pam_pool_count(const PamPool *pool);
guint pam_pool_count_waiting(const PamPool *pool);

#endif

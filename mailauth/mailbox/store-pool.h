/* SPDX-License-Identifier: MIT */
/* Store processes as the verifier sees them: split off one that the parent started
 * as the mail's user, each for one Maildir, and used again by its next session. */
#ifndef MAILAUTH_MAILBOX_STORE_POOL_H
#define MAILAUTH_MAILBOX_STORE_POOL_H

#include "mailauth/base/outcome.h"
#include "mailauth/ipc/channel.h"

typedef struct Stores Stores;

typedef struct {
  const char *user;       /* for records, as the next */
  const char *address;    /* the client's; may be NULL */
  const char *maildir;    /* absolute */
  const char *mail_user;  /* "" for the Maildir's owner */
  const char *unique_ids; /* as maildir_open() */
  guint32 idle_timeout;   /* s */
} StoreRequest;

/* OUTCOME_OK with the socket that POP3 is served on, the callee's to close; or
 * NO_MAILBOX or MAILBOX_IN_USE with -1 and, if there is one, a @problem. */
typedef void (*StoreOpened)(Outcome outcome, const char *problem, int descriptor, gpointer data);

/* A message of @user's is stored in a way that can't be read here: to be recorded before it
 * returns. */
typedef void (*StoreUnreadable)(const char *user, const char *address, const char *problem,
                                gpointer data);

/* @parent: the channel to the parent, borrowed. @unreadable may be NULL. */
Stores *stores_new(Channel *parent, StoreUnreadable unreadable, gpointer data);
/* Nothing is answered any more. The sessions that are open go on. */
void stores_free(Stores *stores);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stores, stores_free)

/* @opened is called exactly once, never from inside, unless the stores are freed. */
void stores_open(Stores *stores, const StoreRequest *request, StoreOpened opened, gpointer data);

/* MESSAGE_STORE and MESSAGE_STORE_REFUSED, from the parent. */
void stores_take_store(Stores *stores, Message *message);
void stores_take_refusal(Stores *stores, const Message *message);

/* Sessions open now, and processes that wait for one. */
guint stores_count_sessions(Stores *stores);
guint stores_count_idle(Stores *stores);

#endif

/* SPDX-License-Identifier: MIT */
/* The logins that the front has asked the verifier about, of its own sessions and of
 * other servers: each waits for one verdict, or for a challenge first. If no verifier
 * answers in time, they are told that there is no verdict. */
#ifndef MAILAUTH_FRONT_FRONT_LOGINS_H
#define MAILAUTH_FRONT_FRONT_LOGINS_H

#include "mailauth/front/auth-session.h"
#include "mailauth/front/front-channel.h"
#include "mailauth/front/session.h"

typedef struct FrontLogins FrontLogins;

/* Borrows both. @verifier: the channel that is asked by. */
FrontLogins *front_logins_new(Poller *poller, FrontChannel *verifier);
/* No client is told anything any more. NULL is fine. */
void front_logins_free(FrontLogins *logins);

/* Asks about what the client has said so far; the login is a new one unless the
 * session or @other has its number already, after a challenge. */
void front_logins_ask(FrontLogins *logins, Session *session, Step step);
void front_logins_ask_other(FrontLogins *logins, AuthLogin *other);
/* The client has gone. */
void front_logins_cancel(FrontLogins *logins, guint64 number);

/* VERDICT and SCRAM_CHALLENGE. */
void front_logins_take_verdict(FrontLogins *logins, Message *message);
/* The session that the verdict of login @number was for is over. */
void front_logins_tell_end(FrontLogins *logins, guint64 number);
void front_logins_take_challenge(FrontLogins *logins, const Message *message);

/* A new verifier is there: asks it about all that wait. */
void front_logins_ask_again(FrontLogins *logins);
/* Tells all that wait that there is no verdict: now, or when the loop runs again. Those
 * that are with their clients are told when they come back. */
void front_logins_give_up(FrontLogins *logins);
void front_logins_give_up_soon(FrontLogins *logins);

#endif

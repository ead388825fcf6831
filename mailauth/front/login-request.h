/* SPDX-License-Identifier: MIT */
/* What the front asks the verifier about: the bodies of LOGIN, SCRAM_FIRST, SCRAM_FINAL
 * and INCIDENT, made of what a client, or another server's client, has said. */
#ifndef MAILAUTH_FRONT_LOGIN_REQUEST_H
#define MAILAUTH_FRONT_LOGIN_REQUEST_H

#include "mailauth/front/auth-session.h"
#include "mailauth/front/session.h"
#include "mailauth/ipc/messages.h"

/* A login that waits for its verdict: a session's, or another server's. */
typedef struct {
  guint64 number;
  Session *session;
  Step step;
  AuthLogin *other;        /* if there is no session */
  gboolean is_with_client; /* it has been challenged, and waits for nobody here */
} FrontLogin;

/* What the client has given so far. Borrowed. */
const Credentials *front_login_get_credentials(const FrontLogin *login);
/* The question that the login's step is, and its *@kind; floating. What held a
 * password is wiped: a login asks once. */
GVariant *login_request_new(const FrontLogin *login, MessageKind *kind);
/* CLEAR_TEXT or NO_CERTIFICATE, which ends no login if @number is 0. Floating. */
GVariant *login_request_new_incident(guint64 number, Outcome outcome, const Session *session,
                                     const char *user);
/* A row of SESSIONS: the session whose login has been let in, now, as @user. Floating. */
GVariant *login_request_new_session(const FrontLogin *login, const char *user, gboolean is_native);

#endif

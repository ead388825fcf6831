/* SPDX-License-Identifier: MIT */
/* One connection of another server's, from accept() to its end, and the logins that it
 * asks about: many at once on a Dovecot socket, a single one on a saslauthd socket. It
 * knows no channel: its host asks the verifier. */
#ifndef MAILAUTH_FRONT_AUTH_SESSION_H
#define MAILAUTH_FRONT_AUTH_SESSION_H

#include "mailauth/base/kinds.h"
#include "mailauth/poll/poller.h"
#include "mailauth/protocol/auth-request.h"

typedef struct AuthSession AuthSession;
/* A login that waits for its verdict. */
typedef struct AuthLogin AuthLogin;

/* What sessions share. */
typedef struct {
  Poller *poller;
  gpointer owner;
  /* A login waits for auth_login_take_verdict() or auth_login_take_challenge(),
   * which must not be called in here. After a challenge it is the same login. */
  void (*ask)(AuthLogin *login, gpointer owner);
  /* A login that waited does not any more: it is freed after this. */
  void (*cancel)(AuthLogin *login, gpointer owner);
  /* The session is freed after this. */
  void (*ended)(AuthSession *session, gpointer owner);
  gboolean has_scram; /* SCRAM-SHA-256 is offered to those who come now */
  guint left_out;     /* MECHANISM_BIT() of each mechanism that is not, whatever else holds */
} AuthHost;

/* Takes @descriptor, a connected socket. @connection: never used twice, and with
 * @cookie (32 hexadecimal digits) for Dovecot's handshake. Nothing is said yet. */
AuthSession *auth_session_new(const AuthHost *host, int descriptor, AuthKind kind, guint connection,
                              const char *cookie);
/* Begins; may end at once, but its memory stays until the loop waits again. */
void auth_session_start(AuthSession *session);
/* Ends it now: what waits is cancelled and has no answer. */
void auth_session_end(AuthSession *session);
AuthKind auth_session_get_kind(const AuthSession *session);
/* Whether no login of its waits for anything. */
gboolean auth_session_is_idle(const AuthSession *session);

/* While it waits. */
const AuthRequest *auth_login_get_request(const AuthLogin *login);
void auth_login_wipe_password(AuthLogin *login);
/* @user: the account's name if the outcome is OK. @delay_ms: before the other server is
 * told. The login is gone after this. */
void auth_login_take_verdict(AuthLogin *login, Outcome outcome, const char *user, guint delay_ms);
/* What its client is to be asked first: another host->ask() follows, or
 * host->cancel(). */
void auth_login_take_challenge(AuthLogin *login, const guint8 *bytes, gsize size);
/* As auth_login_take_verdict() if it is OK, once the client has seen and answered what
 * proves the server to it. */
void auth_login_take_proof(AuthLogin *login, const char *user, const guint8 *bytes, gsize size);
/* A mark for the owner's use; 0 at first. */
void auth_login_set_number(AuthLogin *login, guint64 number);
guint64 auth_login_get_number(const AuthLogin *login);

#endif

/* SPDX-License-Identifier: MIT */
/* The front's part for other servers: the sockets that they connect to, and their
 * connections, within limits. */
#ifndef MAILAUTH_FRONT_AUTH_FRONT_H
#define MAILAUTH_FRONT_AUTH_FRONT_H

#include "mailauth/front/auth-session.h"

typedef struct AuthFront AuthFront;

/* What asks the verifier; see AuthHost. */
typedef struct {
  void (*ask)(AuthLogin *login, gpointer data);
  void (*cancel)(AuthLogin *login, gpointer data);
  void (*refused)(gpointer data); /* a connection, as there are too many */
  gpointer data;
} AuthFrontHooks;

/* @poller: borrowed. */
AuthFront *auth_front_new(Poller *poller, const AuthFrontHooks *hooks);
/* All connections end, and their logins are cancelled. */
void auth_front_end_all(AuthFront *front);
/* After the above, and before the poller goes. */
void auth_front_free(AuthFront *front);

/* Takes @descriptor, which listens, in place of the one before; -1: none. */
void auth_front_set_socket(AuthFront *front, AuthKind kind, int descriptor);
/* Connections are accepted from now on. */
void auth_front_open(AuthFront *front);
/* Whether SCRAM-SHA-256 is offered to those who come from now on. */
void auth_front_offer(AuthFront *front, gboolean has_scram, guint left_out);
guint auth_front_count(const AuthFront *front, AuthKind kind);

#endif

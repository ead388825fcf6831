/* SPDX-License-Identifier: MIT */
/* The Unix sockets that other servers ask about their users on: opened, given their mode
 * and group, and removed as the settings ask. It accepts no connection. Users who may
 * change these settings decide what is bound where; but only sockets are ever removed,
 * and none that a program listens on. */
#ifndef MAILAUTH_PARENT_AUTH_SOCKETS_H
#define MAILAUTH_PARENT_AUTH_SOCKETS_H

#include <glib.h>

#include "mailauth/base/kinds.h"

typedef struct AuthSockets AuthSockets;

/* @socket: listens; borrowed. -1: it is about to be closed. */
typedef void (*AuthSocketChanged)(AuthKind kind, int socket, gpointer data);

AuthSockets *auth_sockets_new(AuthSocketChanged changed, gpointer data);
/* Removes them without calling back. */
void auth_sockets_free(AuthSockets *sockets);
/* @wanted: (asus), as MESSAGE_SOCKETS has it. A socket whose path stays is kept; a new
 * mode or group applies to it from then on. */
void auth_sockets_replace(AuthSockets *sockets, GVariant *wanted);
/* Tries those that are wanted and do not listen again; TRUE if one does now. */
gboolean auth_sockets_retry(AuthSockets *sockets);
gboolean auth_sockets_have_problem(const AuthSockets *sockets);
/* Calls back for each that listens. */
void auth_sockets_foreach(const AuthSockets *sockets, AuthSocketChanged callback, gpointer data);
/* as, as MESSAGE_SOCKETS_STATE has it. Floating. */
GVariant *auth_sockets_report(const AuthSockets *sockets);

#endif

/* SPDX-License-Identifier: MIT */
/* Mailboxes at a mail server behind this one: connects, logs in as the user through the
 * master user, and hands the connection over. The master user's password and the keys of
 * the TLS towards the server stay in this process: behind TLS it is one end of a pair of
 * sockets that is handed over, and a pump carries on here. */
#ifndef MAILAUTH_BACKEND_BACKEND_H
#define MAILAUTH_BACKEND_BACKEND_H

#include "mailauth/base/outcome.h"
#include "mailauth/base/server-code.h"
#include "mailauth/connector/dialer.h"
#include "mailauth/settings/settings.h"

typedef struct Backends Backends;

typedef struct {
  Outcome outcome;          /* OUTCOME_OK, BACKEND_UNREACHABLE, BACKEND_REFUSED */
  const char *detail;       /* for administrators, or NULL */
  int descriptor;           /* non-blocking; the callee's to close; -1 if not OK */
  const char *capabilities; /* an IMAP server's, after login; "" for unknown */
  GBytes *pending;          /* what it has said since; never NULL if OK */
  ServerWord word;          /* what it has refused with */
} BackendResult;
typedef void (*BackendOpened)(const BackendResult *result, gpointer data);

/* @dialer: borrowed. */
Backends *backends_new(Dialer *dialer);
/* Sessions through TLS end; nothing is answered any more. */
void backends_free(Backends *backends);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Backends, backends_free)

typedef struct {
  const ProtocolSettings *settings; /* of the protocol: its master user, and whom it believes */
  const char *account;
  const char *own;                   /* the account's own `Backend`, and */
  const BackendAddress *own_address; /* what it is; @own NULL: the protocol's */
  const char *client;                /* its address, which the server is told; "" for none */
  guint16 client_port;               /* 0: not known */
} BackendRequest;

/* @request is copied. @opened is called exactly once, never from inside, unless the backends are
 * freed. Takes BACKEND_SECONDS at most. */
void backends_open(Backends *backends, const BackendRequest *request, BackendOpened opened,
                   gpointer data);

/* Why @server, a protocol's `Backend` as the setting has it, could not be reached when it was tried
 * last; NULL: it could, or has not been tried. Borrowed. */
const char *backends_get_problem(const Backends *backends, Protocol protocol, const char *server);

/* Sessions that a pump carries now. */
guint backends_count_pumps(const Backends *backends);

#endif

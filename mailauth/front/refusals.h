/* SPDX-License-Identifier: MIT */
/* Clients that a limit has refused, or whose TLS handshake has failed: told to the verifier,
 * which counts them and makes events. A flood of them does not hold up logins: beyond some a
 * second they are counted here, and told with the next. */
#ifndef MAILAUTH_FRONT_REFUSALS_H
#define MAILAUTH_FRONT_REFUSALS_H

#include "mailauth/base/client-address.h"
#include "mailauth/base/kinds.h"
#include "mailauth/base/outcome.h"
#include "mailauth/front/front-channel.h"

typedef struct Refusals Refusals;

typedef struct {
  Outcome outcome; /* TLS_FAILED, TOO_MANY_CONNECTIONS or PROXY_HEADER */
  Protocol protocol;
  const ClientAddress *address; /* NULL: none */
  guint64 session;              /* 0: none */
  const char *detail;           /* for administrators; no client's words; static */
} Refusal;

/* @verifier is borrowed. */
Refusals *refusals_new(FrontChannel *verifier);
void refusals_free(Refusals *refusals);

void refusals_tell(Refusals *refusals, const Refusal *refusal);
/* Tells what was only counted so far. */
void refusals_flush(Refusals *refusals);

#endif

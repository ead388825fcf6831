/* SPDX-License-Identifier: MIT */
/* The saslauthd protocol: how programs with Cyrus SASL ask about their users. A
 * connection is one question, counted strings of login, password, service and realm, and
 * one answer. Pure.
 *
 * There is no answer for an outage: a connection that closes without one is taken for
 * it, where "NO" would be taken for a wrong password. */
#ifndef MAILAUTH_PROTOCOL_SASLAUTHD_H
#define MAILAUTH_PROTOCOL_SASLAUTHD_H

#include "mailauth/protocol/auth-request.h"

/* The most bytes that a question can have. */
#define MAX_SASLAUTHD_QUESTION 8192

typedef enum {
  SASLAUTHD_MORE,  /* the question has not ended */
  SASLAUTHD_LOGIN, /* @request is filled in */
  SASLAUTHD_BAD,   /* no login can be made of it: "NO" */
} SaslauthdStep;

/* @bytes: all that came so far. Newer clients add a fifth string, the client's
 * "address;port", in the same write: it is taken if it is there, and not waited for. The
 * login is user@realm if a realm is given and the user's name has none. @request: all
 * zero before; the caller's to clear. */
SaslauthdStep saslauthd_parse(const guint8 *bytes, gsize size, AuthRequest *request);
/* Not for an OUTAGE. */
void saslauthd_answer(AuthVerdict verdict, GString *out);

#endif

/* SPDX-License-Identifier: MIT */
/* A login that another server asks about on a socket, in any of the protocols, and the
 * verdicts that it may get. Pure. */
#ifndef MAILAUTH_PROTOCOL_AUTH_REQUEST_H
#define MAILAUTH_PROTOCOL_AUTH_REQUEST_H

#include "mailauth/base/outcome.h"
#include "mailauth/protocol/credentials.h"

/* All zero is none. */
typedef struct {
  guint32 id; /* the asking server's, if its protocol has one */
  Credentials credentials;
  char *address; /* the client's, as the asking server gives it; NULL: not given, or none that
                    can be used */
  char *service; /* what the client is logged in for, as the asking server calls it ("smtp"), in
                    lower case; NULL: not given */
} AuthRequest;

void auth_request_clear(AuthRequest *request);
/* "192.0.2.1" or "2001:db8::1", of @size bytes, as it is written everywhere; anything else is no
 * address. */
char *auth_address_new(const char *text, gsize size);
/* "smtp", of @size bytes in any case; NULL: none, or longer than MAX_AUTH_SERVICE, or not of
 * letters, digits, `-` and `_`. */
char *auth_service_new(const char *text, gsize size);

typedef enum {
  AUTH_RIGHT,
  AUTH_WRONG,  /* what the client can be blamed for */
  AUTH_OUTAGE, /* everything else: no verdict, or the client would be told that its password is
                  wrong */
} AuthVerdict;

AuthVerdict auth_verdict_from_outcome(Outcome outcome);

#endif

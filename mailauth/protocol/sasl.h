/* SPDX-License-Identifier: MIT */
/* The server's side of the SASL mechanisms PLAIN (RFC 4616), LOGIN
 * (draft-murchison-sasl-login) and SCRAM-SHA-256 with and without channel binding (RFC
 * 7677), as far as a client speaks it: responses in base64, out comes a login. Pure.
 * Proving passwords and making SCRAM's challenges is done elsewhere. */
#ifndef MAILAUTH_PROTOCOL_SASL_H
#define MAILAUTH_PROTOCOL_SASL_H

#include "mailauth/protocol/machine.h"

typedef struct SaslMechanism SaslMechanism;

/* One exchange; all zero is none. */
typedef struct {
  const SaslMechanism *mechanism;
  char *user;  /* LOGIN: the first response */
  guint taken; /* SCRAM: responses that were */
} SaslExchange;

typedef enum {
  SASL_BEGUN,
  SASL_UNKNOWN, /* there is no mechanism of that name, or it is left out */
  SASL_BARRED,  /* not without TLS */
} SaslBeginning;

typedef enum {
  SASL_CHALLENGE, /* send the challenge, wait for a response */
  SASL_DONE,      /* the credentials are complete */
  SASL_ASK,       /* they are as far as they go: the challenge is somebody else's to say */
  SASL_MALFORMED, /* no base64, or not what the mechanism asks for */
} SaslResult;

/* Whether the server has it there, and does not leave it out; it may be barred without TLS. */
gboolean sasl_is_there(Mechanism mechanism, const Surroundings *surroundings);
/* Each mechanism that is offered there, between @before and @after, appended. */
void sasl_append_names(const Surroundings *surroundings, const char *before, const char *after,
                       GString *out);
/* The mechanism's name as it is written, static; NULL for none (any case). */
const char *sasl_find_name(const char *name);
SaslBeginning sasl_begin(SaslExchange *exchange, const char *name,
                         const Surroundings *surroundings);
/* @response: base64 text; NULL if the client has given no initial response, "=" for an
 * empty one. @challenge: base64 of what to ask, appended. */
SaslResult sasl_respond(SaslExchange *exchange, const char *response, GString *challenge,
                        Credentials *credentials);
/* Whether somebody else has been asked for a challenge: a client that breaks off
 * then has cost something. */
gboolean sasl_has_asked(const SaslExchange *exchange);
/* Base64 of @bytes, appended. */
void sasl_append_challenge(const guint8 *bytes, gsize size, GString *challenge);
void sasl_clear(SaslExchange *exchange);

#endif

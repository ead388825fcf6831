/* The server's side of the SASL mechanisms PLAIN (RFC 4616) and LOGIN
 * (draft-murchison-sasl-login), as far as a client speaks it: responses in
 * base64, out comes a login. Pure. Who proves the password is elsewhere. */
#ifndef MAILAUTH_SASL_H
#define MAILAUTH_SASL_H

#include "mailauth/conversation.h"

typedef struct SaslMechanism SaslMechanism;

/* One exchange; all zero is none. */
typedef struct {
  const SaslMechanism *mechanism;
  char *user; /* LOGIN: the first response */
} SaslExchange;

typedef enum {
  SASL_CHALLENGE, /* send the challenge, wait for a response */
  SASL_DONE,      /* the credentials are complete */
  SASL_MALFORMED, /* no base64, or not what the mechanism asks for */
  SASL_NO_PROXY,  /* an authorisation identity that is not the user's own */
} SaslResult;

/* The NULL-terminated list of the mechanisms that are offered; static. */
const char *const *sasl_get_names(void);
/* FALSE: no mechanism of that name (any case). */
gboolean sasl_begin(SaslExchange *exchange, const char *name);
/* @response: base64 text; NULL where the client has given no initial response,
 * "=" for an empty one. @challenge: base64 of what to ask, appended. */
SaslResult sasl_respond(SaslExchange *exchange, const char *response, GString *challenge,
                        Credentials *credentials);
void sasl_clear(SaslExchange *exchange);

/* Strict base64 (RFC 4648, section 4): padded, nothing else between. */
gboolean base64_decode(const char *text, Secret *bytes);

#endif

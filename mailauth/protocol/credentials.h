/* SPDX-License-Identifier: MIT */
/* A login as a client gave it: a mechanism, a name, and a password or a message of
 * SCRAM. It answers for what can be a name and a password at all. Pure. */
#ifndef MAILAUTH_PROTOCOL_CREDENTIALS_H
#define MAILAUTH_PROTOCOL_CREDENTIALS_H

#include "mailauth/base/secret.h"

typedef enum {
  CREDENTIALS_PASSWORD,
  CREDENTIALS_SCRAM_FIRST, /* instead of a password: the client's first message */
  CREDENTIALS_SCRAM_FINAL, /* its answer to the challenge; the user is that of the first */
  CREDENTIALS_SCRAM_END,   /* nothing: it has seen the server's proof */
} CredentialsKind;

/* A login as the client gave it. */
typedef struct {
  CredentialsKind kind;
  const char *mechanism; /* as in MESSAGE_LOGIN; static */
  char *user;            /* UTF-8, 1 to MAX_USER bytes; or NULL if it is not known */
  char *identity;        /* the authorisation identity, as @user; NULL if there is none */
  Secret password;
} Credentials;

/* Takes the name and the password if both can be used: 1 to MAX_USER bytes without
 * control characters (bytes that are no UTF-8 are replaced, so such a name is nobody's)
 * and at most MAX_PASSWORD bytes without NUL. */
gboolean credentials_take(Credentials *credentials, const char *mechanism, gconstpointer user,
                          gsize user_size, gconstpointer password, gsize password_size);
/* Takes the authorisation identity after them, which may be as a name may be, or empty. */
gboolean credentials_take_identity(Credentials *credentials, gconstpointer identity, gsize size);
/* Takes what a SCRAM client says, UTF-8 of any size, and leaves the user. */
void credentials_take_message(Credentials *credentials, CredentialsKind kind, gconstpointer bytes,
                              gsize size);
void credentials_clear(Credentials *credentials);

#endif

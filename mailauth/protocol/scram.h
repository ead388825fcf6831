/* SPDX-License-Identifier: MIT */
/* The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) as
 * messages, base64 taken off: what a client may say, what it is answered, and whether it
 * has proved that it knows the password. Pure: keys, random bytes and channel bindings
 * are given. The pre-login role reads messages with it, so that it can refuse what is
 * none; the role that has the keys runs the exchange. */
#ifndef MAILAUTH_PROTOCOL_SCRAM_H
#define MAILAUTH_PROTOCOL_SCRAM_H

#include "mailauth/base/secret.h"
#include "mailauth/protocol/scram-keys.h"

/* What a client says first, taken apart. All owned; all zero is none. */
typedef struct {
  char flag;      /* 'n': knows no channel binding; 'y': takes the server for one that knows none;
                     'p': uses one */
  char *type;     /* of the channel binding that is used, or NULL */
  char *user;     /* UTF-8 */
  char *identity; /* for authorisation; NULL if there is none */
  char *header;   /* the part that the channel binding covers (gs2-header) */
  char *bare;     /* the rest (client-first-message-bare) */
  char *nonce;    /* the client's */
} ScramFirst;

/* FALSE: @bytes are no such message, or ask for an extension (m=), or @plus
 * (whether the mechanism is the one with channel binding) is not what they say. */
gboolean scram_first_parse(const guint8 *bytes, gsize size, gboolean plus, ScramFirst *first);
void scram_first_clear(ScramFirst *first);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScramFirst, scram_first_clear)

/* Whether @bytes are what a client may say last. */
gboolean scram_final_is_valid(const guint8 *bytes, gsize size);

/* One exchange. */
typedef struct Scram Scram;

/* NULL if scram_first_parse() is FALSE. */
Scram *scram_new(const guint8 *bytes, gsize size, gboolean plus);
/* NULL is fine. */
void scram_free(Scram *scram);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scram, scram_free)

/* Says that the connection has a channel binding of @type, and so that the
 * client has been offered the mechanism that uses it. One type may have several
 * values, any of which will do. FALSE: there are too many, or it is too long. */
gboolean scram_add_binding(Scram *scram, const char *type, const guint8 *bytes, gsize size);
/* As the client gave it. */
const char *scram_get_user(const Scram *scram);
/* The authorisation identity; NULL if there is none. */
const char *scram_get_identity(const Scram *scram);

/* The server's first message, for the client: borrowed. Of @keys only the salt and the
 * count are used. @nonce: the server's own, printable without a comma, never used
 * before. Once an exchange. */
const char *scram_ask(Scram *scram, const ScramKeys *keys, const char *nonce);

typedef enum {
  SCRAM_RIGHT,
  SCRAM_WRONG,     /* the proof is not that of the password, or for another exchange */
  SCRAM_UNBOUND,   /* the channel binding is that of another connection, of a type that the
                      connection has not, or was taken from what the client was offered */
  SCRAM_OVERTAKEN, /* @keys are not those that the client was asked by any more */
  SCRAM_MALFORMED, /* scram_final_is_valid() is FALSE */
} ScramResult;

/* What the client says last. *@signature if it is RIGHT: the message that proves the
 * server to the client; owned by the caller. */
ScramResult scram_prove(const Scram *scram, const guint8 *bytes, gsize size, const ScramKeys *keys,
                        char **signature);

#endif

/* SPDX-License-Identifier: MIT */
/* The certificates that connections begin with. It takes them from the parent as open
 * files, tells the verifier which are in use, and renews the keys that TLS tickets are
 * sealed with. */
#ifndef MAILAUTH_FRONT_FRONT_KEYS_H
#define MAILAUTH_FRONT_FRONT_KEYS_H

#include "mailauth/front/front-channel.h"
#include "mailauth/tls/tls-server.h"

typedef struct FrontKeys FrontKeys;

/* Borrows both. @verifier: the channel by which is told what is in use. FAILED. */
FrontKeys *front_keys_new(Poller *poller, FrontChannel *verifier, GError **error);
/* Connections may outlive neither it nor what they were begun from. NULL is fine. */
void front_keys_free(FrontKeys *keys);

/* KEYS. Connections that are open keep the pair they began with. */
void front_keys_take(FrontKeys *keys, const Message *message);
/* Tells the verifier of all that are in use: it is a new one. */
void front_keys_report(FrontKeys *keys);
/* The least version of TLS: 0x0303 is 1.2. */
void front_keys_set_minimum(FrontKeys *keys, guint16 version);
/* What TLS 1.2 may use; tls_server_set_ciphers(). A list that can't be used changes nothing. */
void front_keys_set_ciphers(FrontKeys *keys, const char *ciphers);
/* What connections begin from; NULL while there is no certificate at all. Borrowed,
 * until the next front_keys_take(). */
SSL_CTX *front_keys_get_context(const FrontKeys *keys);

#endif

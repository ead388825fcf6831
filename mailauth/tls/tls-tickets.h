/* SPDX-License-Identifier: MIT */
/* The keys that session tickets are sealed with (RFC 5077, section 4; RFC 8446, section
 * 4.6.1): made at random, kept only in memory, and changed. A ticket holds all that
 * resumption takes, so sessions cost no memory here; and once the keys are gone a
 * recorded conversation can't be opened with them. */
#ifndef MAILAUTH_TLS_TLS_TICKETS_H
#define MAILAUTH_TLS_TLS_TICKETS_H

#include <glib.h>
#include <openssl/ssl.h>

/* How long a key seals tickets, and how long a ticket is good; in s. A key that
 * has been replaced opens tickets for as long again. */
#define TICKET_SECONDS 3600

typedef struct {
  guint8 name[16];
  guint8 cipher[32]; /* AES-256 */
  guint8 seal[32];   /* HMAC-SHA-256 */
} TicketKey;

/* [0] seals and opens, [1] only opens. All zero: there are none. */
typedef struct {
  TicketKey keys[2];
  guint count;
} TicketKeys;

/* A new key seals from now on; the one that did opens until the next time, and the one
 * before is wiped. FALSE: the system has no random bytes; all keys are wiped then. */
gboolean ticket_keys_rotate(TicketKeys *keys);
void ticket_keys_wipe(TicketKeys *keys);

/* What OpenSSL asks of a callback set by SSL_CTX_set_tlsext_ticket_key_evp_cb(). */
int ticket_keys_use(const TicketKeys *keys, guint8 *name, guint8 *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *seal, gboolean sealing);

#endif

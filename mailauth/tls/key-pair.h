/* SPDX-License-Identifier: MIT */
/* A certificate and its private key, read from files and checked. tls-server.h has what
 * connections make of them, stream.h the bytes on the wire. */
#ifndef MAILAUTH_TLS_KEY_PAIR_H
#define MAILAUTH_TLS_KEY_PAIR_H

#include <glib.h>
#include <openssl/ssl.h>

/* Immutable, and shared by the connections that use it. */
typedef struct {
  gatomicrefcount references;
  X509 *certificate;
  STACK_OF(X509) * chain; /* what follows it in the file; may be empty */
  EVP_PKEY *key;
} TlsPair;

/* Reads a certificate (with its chain) and its private key, both PEM, from
 * descriptors that stay the caller's. INVALID_VALUE: one can't be read, is too
 * weak, or they do not belong together; @error says which and why. Whether the
 * certificate has expired is not asked. */
TlsPair *tls_pair_new(int certificate, int key, GError **error);
TlsPair *tls_pair_ref(TlsPair *pair);
void tls_pair_unref(TlsPair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsPair, tls_pair_unref)
/* Whether clients could not tell one from the other. NULL is equal only to NULL. */
gboolean tls_pair_equal(const TlsPair *left, const TlsPair *right);

/* What administrators want to know of a pair. */
typedef struct {
  char *subject;     /* RFC 4514, ASCII, at most MAX_SUBJECT bytes */
  char *algorithm;   /* "RSA 2048", "EC P-256", "ED25519" */
  char *fingerprint; /* SHA-256 of the certificate: "AB:CD:..." */
  gint64 not_before; /* s since 1970; G_MININT64 if it can't be read */
  gint64 not_after;  /* s since 1970; G_MAXINT64 if it can't be read */
  gboolean covers;   /* one of the certificate's names stands for the host */
} TlsFacts;

/* @host: canonical, as in host-name.h; "" covers always. Clear @facts. */
void tls_pair_get_facts(const TlsPair *pair, const char *host, TlsFacts *facts);
void tls_facts_clear(TlsFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TlsFacts, tls_facts_clear)

#endif

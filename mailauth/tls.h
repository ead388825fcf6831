/* TLS as a server has it: what a certificate and its key make, ready for
 * connections. It reads the two files from descriptors; bytes on the wire are
 * stream.h's. */
#ifndef MAILAUTH_TLS_H
#define MAILAUTH_TLS_H

#include <glib.h>
#include <openssl/ssl.h>

/* Reads a certificate (with its chain) and its private key, both PEM, from
 * descriptors that stay the caller's. @minimum_version: 0x0303 for TLS 1.2.
 * INVALID_VALUE: one can't be read, or they do not belong together; @error says
 * which and why. */
SSL_CTX *tls_context_new(int certificate, int key, guint16 minimum_version, GError **error);
/* For connections that begin from now on. */
void tls_context_set_minimum(SSL_CTX *context, guint16 minimum_version);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)

#endif

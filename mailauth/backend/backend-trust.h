/* SPDX-License-Identifier: MIT */
/* Whose certificates are believed: the authorities of a file, or the system's. */
#ifndef MAILAUTH_BACKEND_BACKEND_TRUST_H
#define MAILAUTH_BACKEND_BACKEND_TRUST_H

#include <glib.h>
#include <openssl/ssl.h>

typedef struct BackendTrust BackendTrust;

BackendTrust *backend_trust_new(void);
void backend_trust_free(BackendTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackendTrust, backend_trust_free)

/* A client's context, TLS 1.2 at least, that takes certificates of the authorities in
 * @ca_file ("": the system's) only. Kept, and made anew when the file has changed. NULL and
 * INVALID_VALUE if the file can't be used. Borrowed until the next call. */
SSL_CTX *backend_trust_get_context(BackendTrust *trust, const char *ca_file, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Which ciphers TLS 1.2 may use: the server's own list, and what another one may be. */
#ifndef MAILAUTH_TLS_TLS_CIPHERS_H
#define MAILAUTH_TLS_TLS_CIPHERS_H

#include <glib.h>

/* RFC 9325, section 4.2. TLS 1.3 has its own list, which OpenSSL keeps well. */
#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* Whether @ciphers ("" for TLS_CIPHERS) is a list as ciphers(1) has it of which a cipher is
 * left. OpenSSL itself passes over names that it does not know; here each must select
 * something. The security level can't be changed by it. INVALID_VALUE says what is wrong. */
gboolean tls_ciphers_check(const char *ciphers, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* The server's side of TLS: which certificate a connection gets, by the name that the
 * client asks for and the algorithms that it knows, and which sessions may be resumed.
 * Pairs change while connections are open; those keep what they began with. */
#ifndef MAILAUTH_TLS_TLS_SERVER_H
#define MAILAUTH_TLS_TLS_SERVER_H

#include "mailauth/base/kinds.h"
#include "mailauth/tls/key-pair.h"

typedef struct TlsServer TlsServer;

/* Without a certificate: no connection can begin TLS yet. FAILED: no memory. */
TlsServer *tls_server_new(GError **error);
/* Connections may outlive neither the server nor what it was made of. */
void tls_server_free(TlsServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TlsServer, tls_server_free)

/* What connections begin from; NULL while there is no certificate at all. Borrowed,
 * and the same one as long as it is not NULL. */
SSL_CTX *tls_server_get_context(const TlsServer *server);
/* @version: 0x0303 for TLS 1.2, which is the least. For connections that begin
 * from now on. */
void tls_server_set_minimum(TlsServer *server, guint16 version);

/* @ciphers: as tls_ciphers_check() lets pass, for TLS 1.2; "": the server's own list. For
 * connections that begin from now on. FALSE: it can't be used, and nothing has changed. */
gboolean tls_server_set_ciphers(TlsServer *server, const char *ciphers);

/* @host: canonical, "" for clients that ask for none of the others. @pair, of which a
 * reference is taken, replaces the one that was there; NULL: there is none any more.
 * Sessions that began by another certificate can't be resumed, others can.
 * LIMIT_EXCEEDED: there are too many hosts. */
gboolean tls_server_set_pair(TlsServer *server, const char *host, CertificateSlot slot,
                             TlsPair *pair, GError **error);
/* NULL if there is none. Borrowed. */
const TlsPair *tls_server_get_pair(const TlsServer *server, const char *host, CertificateSlot slot);
typedef void (*TlsServerVisit)(const char *host, CertificateSlot slot, const TlsPair *pair,
                               gpointer data);
void tls_server_visit(const TlsServer *server, TlsServerVisit visit, gpointer data);

/* New keys for tickets; call every TICKET_SECONDS. */
void tls_server_rotate_tickets(TlsServer *server);

/* The certificate by which a connection's session began, even if it is resumed (RFC
 * 5929, section 4.1); NULL before the handshake is done. Borrowed: good as long as the
 * connection. */
X509 *tls_server_find_certificate(const SSL *connection);
/* Whether the handshake failed because no certificate is for the name that was
 * asked for, and none for everybody. */
gboolean tls_server_lacked_certificate(const SSL *connection);

#endif

/* SPDX-License-Identifier: MIT */
/* The channel bindings (RFC 5929, RFC 9266) of a server's connection: they tie a login
 * to the TLS connection that it is made in. */
#ifndef MAILAUTH_TLS_CHANNEL_BINDING_H
#define MAILAUTH_TLS_CHANNEL_BINDING_H

#include <glib.h>
#include <openssl/ssl.h>

#include "mailauth/base/limits.h"

typedef struct {
  const char *type; /* "tls-exporter", "tls-server-end-point" or "tls-unique"; static */
  guint8 bytes[MAX_CHANNEL_BINDING];
  gsize size;
} ChannelBinding;

/* Those of a TlsServer's connection whose handshake is done, one of each type, at
 * most MAX_CHANNEL_BINDINGS; how many. */
guint channel_binding_list(SSL *tls, ChannelBinding *bindings);

#endif

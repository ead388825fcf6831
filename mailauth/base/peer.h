/* SPDX-License-Identifier: MIT */
/* A client's address: compared, counted and written down. Pure. */
#ifndef MAILAUTH_BASE_PEER_H
#define MAILAUTH_BASE_PEER_H

#include <glib.h>
#include <sys/socket.h>

/* IPv6; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
typedef struct {
  guint8 bytes[16];
} Peer;

/* All zero for a family that is neither. */
Peer peer_from_socket(const struct sockaddr_storage *address);
gboolean peer_is_loopback(const Peer *peer);
/* What one subscriber has: an IPv4 address, or an IPv6 /64. */
Peer peer_get_subscriber(const Peer *peer);
/* "192.0.2.1" or "2001:db8::1"; owned by the caller. */
char *peer_format(const Peer *peer);

/* For a GHashTable. */
guint peer_hash(gconstpointer peer);
gboolean peer_equal(gconstpointer a, gconstpointer b);

#endif

/* SPDX-License-Identifier: MIT */
/* A client's address: read, written, compared, and counted by subscriber. Pure. */
#ifndef MAILAUTH_BASE_CLIENT_ADDRESS_H
#define MAILAUTH_BASE_CLIENT_ADDRESS_H

#include <glib.h>
#include <sys/socket.h>

/* IPv6; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
typedef struct {
  guint8 bytes[16];
} ClientAddress;

/* All zero for a family that is neither. */
ClientAddress client_address_from_socket(const struct sockaddr_storage *socket);
/* The port beside it; 0 for a family that has none. */
guint16 client_address_get_port(const struct sockaddr_storage *socket);
/* FALSE unless @text is an address by number, without a zone. */
gboolean client_address_parse(const char *text, ClientAddress *address);
/* Whether it is an IPv4 address. */
gboolean client_address_is_four(const ClientAddress *address);
/* Whether it is an address of this machine's loopback. */
gboolean client_address_is_loopback(const ClientAddress *address);
gboolean client_address_is_loopback_text(const char *text);
/* What one subscriber has: an IPv4 address, or an IPv6 /64. */
ClientAddress client_address_get_subscriber(const ClientAddress *address);
/* "192.0.2.1" or "2001:db8::1"; owned by the caller. */
char *client_address_format(const ClientAddress *address);
/* The subscriber of @text, as failures are counted by: "192.0.2.1" or
 * "2001:db8::/64"; @text itself if it is no address. Owned by the caller. */
char *client_address_dup_group(const char *text);

/* For a GHashTable. */
guint client_address_hash(gconstpointer address);
gboolean client_address_equal(gconstpointer a, gconstpointer b);

#endif

/* SPDX-License-Identifier: MIT */
/* Clients' addresses as they are counted and held back. */
#ifndef MAILAUTH_BASE_ADDRESS_H
#define MAILAUTH_BASE_ADDRESS_H

#include <glib.h>
#include <sys/socket.h>

/* What counts as one address: an IPv4 address by itself (also in its IPv6 form),
 * an IPv6 address by its /64; anything else as it is written. Owned by the caller. */
char *address_dup_group(const char *text);

/* Whether it is an address of this machine's loopback, by number. */
gboolean address_is_loopback(const char *text);
gboolean address_is_local(const struct sockaddr *address);

#endif

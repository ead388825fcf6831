/* SPDX-License-Identifier: MIT */
/* The address of a server that a setting names: an LDAP directory of a broker's `URI`,
 * or the mail server of `Backend`. Pure. */
#ifndef MAILAUTH_SETTINGS_SERVER_ADDRESS_H
#define MAILAUTH_SETTINGS_SERVER_ADDRESS_H

#include <glib.h>

typedef struct {
  char *host;   /* a name or an address, an IPv6 one without its brackets; NULL if it is a path */
  guint16 port; /* 0 if it is a path */
  char *path;   /* of a Unix socket, or NULL */
} ServerAddress;

/* @text: one address as it is set: ldap://, ldaps:// and ldapi:// (RFC 4516, and
 * OpenLDAP's form of a socket's path), imap://, imaps://, pop3:// or pop3s://.
 * INVALID_VALUE: it is none of them. */
gboolean server_address_parse(const char *text, ServerAddress *address, GError **error);
void server_address_clear(ServerAddress *address);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServerAddress, server_address_clear)

#endif

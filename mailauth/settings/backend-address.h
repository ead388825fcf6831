/* SPDX-License-Identifier: MIT */
/* The address of a mail server behind, as `Backend` has it, and which of them may be told
 * the master user's password in the clear. Pure but for what the kernel says of ports. */
#ifndef MAILAUTH_SETTINGS_BACKEND_ADDRESS_H
#define MAILAUTH_SETTINGS_BACKEND_ADDRESS_H

#include "mailauth/base/client-address.h"
#include "mailauth/settings/settings.h"

#define BACKEND_IN_THE_CLEAR                                                                       \
  "without TLS the master user's password goes only to imap+unix:/path or pop3+unix:/path, or to " \
  "a port of this machine's loopback that only root may bind (below 1024, and below "              \
  "net.ipv4.ip_unprivileged_port_start); use imaps:// or pop3s://, with `Backend CA File` or "     \
  "`Backend Fingerprint`"

/* "imap://host:port", "imap+unix:/path" and their like. INVALID_VALUE. Clear @address with
 * backend_address_clear(). */
gboolean backend_address_parse(const char *text, BackendAddress *address, GError **error);

/* INVALID_VALUE: anybody on the way, or who binds the port first, would be told the
 * password. A name may still turn out to be no loopback address. */
gboolean backend_address_check_secrecy(const BackendAddress *address, GError **error);
/* Whether only a privileged process can listen there. */
gboolean backend_address_is_privileged(const ClientAddress *address, guint16 port);
/* The first port that anybody may bind, by the kernel's @file, but never above 1024: those above
 * may have been bound before. 1024 if @file does not say. */
guint16 backend_address_read_first_port(const char *file);

#endif

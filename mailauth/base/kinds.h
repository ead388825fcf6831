/* SPDX-License-Identifier: MIT */
/* The short lists that every part of the server counts by: protocols, kinds of
 * sockets for other servers, certificates of a host, and where passwords may
 * travel. Their numbers are part of the messages between the roles. */
#ifndef MAILAUTH_BASE_KINDS_H
#define MAILAUTH_BASE_KINDS_H

typedef enum {
  PROTOCOL_POP3,
  PROTOCOL_IMAP,
  N_PROTOCOLS, /* those with clients, settings and mailboxes of their own */
  /* Another server's users: a verdict, and nothing after it. */
  PROTOCOL_SASL = N_PROTOCOLS,
  N_LOGIN_PROTOCOLS
} Protocol;

/* What is spoken on a socket for other servers: `Auth Socket`, `Saslauthd Socket`. */
typedef enum { AUTH_DOVECOT, AUTH_SASLAUTHD, N_AUTH_KINDS } AuthKind;

/* A host may have two certificates, of different algorithms. */
typedef enum { CERTIFICATE_FIRST, CERTIFICATE_ALTERNATIVE, N_CERTIFICATE_SLOTS } CertificateSlot;

/* Where a password may travel without TLS (`Clear Text`). */
typedef enum { CLEAR_TEXT_NEVER, CLEAR_TEXT_LOOPBACK, CLEAR_TEXT_ALWAYS, N_CLEAR_TEXT } ClearText;

#endif

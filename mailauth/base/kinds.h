/* SPDX-License-Identifier: MIT */
/* The short lists that every part of the server counts by: protocols, kinds of
 * sockets for other servers, certificates of a host, where passwords may travel, and
 * SASL mechanisms. Their numbers are part of the messages between the roles. */
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

/* SASL mechanisms. A set of them has MECHANISM_BIT() of each. */
typedef enum {
  MECHANISM_PLAIN, /* stands for USER and PASS, and for LOGIN of IMAP, as well */
  MECHANISM_LOGIN,
  MECHANISM_SCRAM,
  MECHANISM_SCRAM_PLUS,
  N_MECHANISMS
} Mechanism;
#define MECHANISM_BIT(mechanism) (1U << (mechanism))
#define ALL_MECHANISMS (MECHANISM_BIT(N_MECHANISMS) - 1U)

/* "SCRAM-SHA-256-PLUS"; static. */
const char *mechanism_get_name(Mechanism mechanism);
/* In any case of letters; N_MECHANISMS if there is none of that name. */
Mechanism mechanism_find(const char *name);

#endif

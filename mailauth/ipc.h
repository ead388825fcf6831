/* Typed messages between the roles: one byte of kind and a GVariant body of the
 * signature that the kind's table row names, over a SOCK_SEQPACKET pair, with
 * at most two descriptors. Every message is checked as a stranger's would be:
 * kind, direction, signature, normal form, size, descriptors; one that fails
 * ends the channel. Buffers are wiped after use, as any may hold a password. */
#ifndef MAILAUTH_IPC_H
#define MAILAUTH_IPC_H

#include <glib.h>

typedef enum { PROTOCOL_POP3, PROTOCOL_IMAP } Protocol;

typedef enum {
  /* verifier -> parent */
  MESSAGE_LISTEN, /* a(syb): every address:port, Protocol, TLS from the start; replaces the last
                     list */
  MESSAGE_CERTIFICATE, /* (ss): certificate and key file, "" for none */
  MESSAGE_WANT_STORE,  /* (tss): request, Maildir, mail user or "" for the Maildir's owner */
  /* parent -> verifier */
  MESSAGE_LISTENING,     /* a(ss): address:port, problem ("" where it listens) */
  MESSAGE_FILE_PROBLEM,  /* (ss): file, problem */
  MESSAGE_STORE,         /* (tu): request, uid; + the channel to it */
  MESSAGE_STORE_REFUSED, /* (ts): request, problem */
  MESSAGE_FRONT_STARTED, /* (): a new front waits for settings; + the channel to it */
  /* parent -> front */
  MESSAGE_LISTENER, /* (tsyb): id, address:port, Protocol, TLS; + the socket */
  MESSAGE_UNLISTEN, /* t: id */
  MESSAGE_KEYS, /* (ss): names, for messages; + certificate and key, open for reading. None: no TLS
                 */
  /* verifier -> front */
  MESSAGE_SETTINGS, /* a(ybyuuuuuy) a row a protocol, and more as settings.h says: a{sv} */
  MESSAGE_VERDICT, /* (tususs): login, Outcome, user, delay ms, IMAP capabilities, bytes already had
                      from the mail server; + the mail server's or store's socket where it is OK */
  MESSAGE_ASK_COUNTS, /* t: request */
  /* front -> verifier */
  MESSAGE_LOGIN, /* (tyssaysb): login, Protocol, mechanism, user, password, client's address, TLS */
  MESSAGE_CANCEL,      /* t: login; the client has gone */
  MESSAGE_INCIDENT,    /* (uyss): Outcome, Protocol, user, address: for the record */
  MESSAGE_KEYS_RESULT, /* (bs): taken, problem */
  MESSAGE_COUNTS,      /* (ta{su}): request, connections by protocol and state */
  /* verifier -> store */
  MESSAGE_OPEN, /* (tssu): session, user, Maildir, idle timeout s; + the socket to serve POP3 on */
  /* store -> verifier */
  MESSAGE_OPENED, /* (tus): session, Outcome, problem */
  MESSAGE_CLOSED, /* t: session */
  N_MESSAGES
} MessageKind;

#endif

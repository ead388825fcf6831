/* Typed messages between the roles: one byte of kind and a GVariant body of the
 * signature that the kind's table row names, over a SOCK_SEQPACKET pair, with
 * at most two descriptors. Every message is checked as a stranger's would be:
 * kind, direction, signature, normal form, size, descriptors; one that fails
 * ends the channel. Buffers are wiped after use, as any may hold a password. */
#ifndef MAILAUTH_IPC_H
#define MAILAUTH_IPC_H

#include <glib.h>

typedef enum { PROTOCOL_POP3, PROTOCOL_IMAP, N_PROTOCOLS } Protocol;
/* Where a password may travel without TLS (`Clear Text`). */
typedef enum { CLEAR_TEXT_NEVER, CLEAR_TEXT_LOOPBACK, CLEAR_TEXT_ALWAYS, N_CLEAR_TEXT } ClearText;

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
  MESSAGE_UNLISTEN, /* t: id; sessions that came by it stay */
  MESSAGE_KEYS, /* (ss): names, for messages; + certificate and key, open for reading. None: no TLS
                 */
  MESSAGE_VERIFIER_STARTED, /* (): a new verifier waits for logins; + the channel to it */
  /* verifier -> front */
  MESSAGE_SETTINGS, /* (qa(yyuuuy)): the least TLS version (0x0303: 1.2); and a row a protocol:
                       Protocol, ClearText, Login Timeout s, Max Connections, Max Connections Per
                       Address, protocol logging level. Replaces the last settings */
  MESSAGE_VERDICT, /* (tusuusay): login, Outcome, user, delay ms before the client is answered, idle
                      timeout s of the relay (0: left to the server), capabilities to tell an IMAP
                      client ("": none), bytes already had from the mail server; + the mail
                      server's or store's stream socket where it is OK */
  MESSAGE_ASK_COUNTS, /* t: request */
  /* front -> verifier */
  MESSAGE_LOGIN,  /* (tyssaysb): login (never 0), Protocol, mechanism (PASS, LOGIN, PLAIN, or SASL
                     LOGIN as "SASL-LOGIN"), user (UTF-8, at most MAX_USER bytes), password, client's
                     address (without port), TLS. Answered by one VERDICT, unless cancelled */
  MESSAGE_CANCEL, /* t: login; the client has gone. A verdict on its way is dropped by the front */
  MESSAGE_INCIDENT,    /* (tuyss): login, Outcome (CLEAR_TEXT or NO_CERTIFICATE), Protocol, user (""
                          where it is not known), address: to record, and then to answer by a VERDICT
                          of    the same Outcome; login 0: record only */
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

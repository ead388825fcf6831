/* SPDX-License-Identifier: MIT */
/* Typed messages between the roles: one byte of kind and a GVariant body of the
 * signature that the kind's table row names, over a SOCK_SEQPACKET pair, with at most
 * two descriptors. Every message is checked like one from a stranger: kind, direction,
 * size, descriptors, normal form; one that fails ends the channel.
 *
 * Any body may hold a password, so the channel wipes its own copies (what it sends, what
 * it has queued, what it receives: when the last reference to the body goes). The sender
 * makes the part that is secret with message_secret_new(), whose copy is wiped likewise,
 * and wipes what it made it from. The receiver wipes what it copies out of the body.
 *
 * Strings in a body must be valid UTF-8: g_variant_new() insists. Anything else travels
 * as `ay`. */
#ifndef MAILAUTH_IPC_MESSAGES_H
#define MAILAUTH_IPC_MESSAGES_H

#include <glib.h>

#include "mailauth/base/limits.h"

typedef enum {
  ROLE_PARENT,
  ROLE_IDENTITY, /* asks, before there is a verifier, which user the verifier shall be */
  ROLE_VERIFIER,
  ROLE_FRONT,
  ROLE_STORE,
  ROLE_PAM,
  ROLE_CONNECTOR,
  ROLE_SQL,
  N_ROLES
} Role;

/* For each kind the fields of its body, in order; their types are in the table of
 * messages.c. "+": the descriptors that come with it. */
typedef enum {
  /* ---- identity -> parent ---- */
  /* whether regd answered, the verifier's user ("" for the default) */
  MESSAGE_IDENTITY,

  /* ---- verifier -> parent ---- */
  /* whether this is how it is set (else: the defaults, for a parent that has no list yet);
   * every address:port, Protocol, TLS from the start. Replaces the last list. Answered by
   * LISTENING */
  MESSAGE_LISTEN,
  /* request, host ("" for all others), CertificateSlot, certificate and key file, "" for
   * none. They are opened again each time. Answered by the parent's FILE_PROBLEM or the
   * front's KEYS_RESULT, unless the front is replaced meanwhile, which knows of none
   * then */
  MESSAGE_CERTIFICATE,
  /* request, Maildir, mail user or "" for the Maildir's owner, the uids of stores that the
   * verifier has already */
  MESSAGE_WANT_STORE,

  /* ---- parent -> verifier ---- */
  /* address:port, Protocol, problem ("" if it listens), the address:port it is bound to
   * (the same unless the port was 0) */
  MESSAGE_LISTENING,
  /* request, file, problem: it can't be opened; the front keeps what it has */
  MESSAGE_FILE_PROBLEM,
  /* request, uid; + the channel to it, unless the verifier has one of that uid already */
  MESSAGE_STORE,
  /* request, problem */
  MESSAGE_STORE_REFUSED,
  /* the link's number; a front waits for settings; + the channel to it. The channel before
   * is dead, whether it led to this front or to an older one */
  MESSAGE_FRONT_STARTED,

  /* ---- parent -> front ---- */
  /* id, address:port, Protocol, TLS; + the socket, listening */
  MESSAGE_LISTENER,
  /* id; sessions that came by it stay */
  MESSAGE_UNLISTEN,
  /* as CERTIFICATE; + certificate and key, open for reading. No descriptors: there is no
   * pair any more */
  MESSAGE_KEYS,
  /* a verifier waits for logins; + the channel to it. What was asked on the channel before
   * is lost */
  MESSAGE_VERIFIER_STARTED,

  /* ---- verifier -> front ---- */
  /* whether this is how it is set (else: the defaults, for a front that has none yet); the
   * least TLS version (0x0303: 1.2); whether accounts have keys for SCRAM-SHA-256, so that
   * it is offered; MECHANISM_BIT() of each mechanism that is left out; the ciphers of TLS 1.2
   * ("": the front's own list; nothing: as they were); `Trusted Networks`; `Proxy Networks`; and a
   * row a protocol: Protocol, ClearText, Login Timeout s, Max Connections, Max Connections Per
   * Address, protocol logging level. Replaces the last settings */
  MESSAGE_SETTINGS,
  /* login, Outcome, user, delay ms before the client is answered, idle timeout s of the
   * relay (0: left to the server), capabilities to tell an IMAP client ("": none), bytes
   * already had from the mail server, what proves the server to a SCRAM client before it
   * is told OK (else empty), whether the user is a native account of HKLM\SAM, the ServerCode
   * that a mail server behind has refused with, and its alert for the user ("": none); + the
   * mail server's or store's stream socket if it is OK */
  MESSAGE_VERDICT,
  /* request */
  MESSAGE_ASK_COUNTS,

  /* ---- front -> verifier ---- */
  /* login (never 0), Protocol, mechanism (PASS, LOGIN, PLAIN, or SASL LOGIN as "SASL-
   * LOGIN"), user (UTF-8, at most MAX_USER bytes), authorisation identity (the same; "": none),
   * password, client's address (without port; "" for SASL if it is not known), for SASL the other
   * server's service (at most MAX_AUTH_SERVICE bytes; "" if it is not known), version of TLS ("":
   * none), the session's number (0: none), client's port (0: not known). Answered by one VERDICT,
   * unless cancelled */
  MESSAGE_LOGIN,
  /* login; the client has gone. A verdict on its way is dropped by the front */
  MESSAGE_CANCEL,
  /* login, Outcome (CLEAR_TEXT or NO_CERTIFICATE; with login 0 TLS_FAILED,
   * TOO_MANY_CONNECTIONS or PROXY_HEADER, too), Protocol, user ("" if it is not known), address (""
   * for none), version of TLS, how often, why ("": nothing to add), session: to record, and then to
   * answer by a VERDICT of the same Outcome; login 0: record only */
  MESSAGE_INCIDENT,
  /* request (0: unasked, to a new verifier), host, CertificateSlot, problem ("" if the
   * files were taken); whether a pair is in use now, and of that one subject, algorithm,
   * fingerprint, from and until when it is valid in s since 1970, whether it is for that
   * host */
  MESSAGE_KEYS_RESULT,
  /* request, what its sandbox lacks (SandboxLacks), connections by protocol and state */
  MESSAGE_COUNTS,

  /* verifier -> store, of which one has been split off (SPLIT): always the same Maildir */
  /* session, user, Maildir, `Unique IDs`, idle timeout s; + the socket to serve POP3 on */
  MESSAGE_OPEN,

  /* store -> verifier. OPENED comes once the mailbox is locked; CLOSED follows an OPENED that was
   * OK, after the lock is gone: the process can be given the next OPEN then. */
  /* session, Outcome, problem */
  MESSAGE_OPENED,
  /* session */
  MESSAGE_CLOSED,

  /* The sockets for other servers. Verifier -> parent, parent -> verifier, parent -> front. */
  /* the path of each AuthKind, "" for none; mode and group, "" for the parent's own, of all.
   * Replaces the last. Answered by SOCKETS_STATE */
  MESSAGE_SOCKETS,
  /* what is wrong with the socket of each AuthKind, "" for nothing */
  MESSAGE_SOCKETS_STATE,
  /* AuthKind; + the Unix socket for it, listening. No descriptor: there is none any more;
   * connections that came by it stay */
  MESSAGE_SOCKET,

  /* ---- front -> verifier ---- */
  /* Protocol, a line of what is logged of sessions */
  MESSAGE_TRANSCRIPT,

  /* ---- verifier -> parent ---- */
  /* the link's number, why it has ended ("": the front ended it): both live on, and need
   * another */
  MESSAGE_FRONT_LOST,

  /* Processes that serve the verifier, as its user; ROLE_SQL as its own. Verifier -> parent,
     parent -> verifier twice. */
  /* request, Role: ROLE_PAM, ROLE_CONNECTOR or ROLE_SQL */
  MESSAGE_WANT_SERVANT,
  /* request, Role; + the channel to it */
  MESSAGE_SERVANT_STARTED,
  /* request, Role, problem */
  MESSAGE_SERVANT_REFUSED,

  /* Verifier -> pam, pam -> verifier. */
  /* number, service, whether the account can be, account, the client's address, password.
   * One at a time */
  MESSAGE_PAM_QUESTION,
  /* number, Outcome, detail */
  MESSAGE_PAM_ANSWER,

  /* Verifier -> connector, connector -> verifier. */
  /* number, the account whose `Backend` names the server ("": a setting of all does), the
   * server's address as it is set, ms */
  MESSAGE_CONNECT,
  /* number, problem; "": + the socket, connected and non-blocking */
  MESSAGE_CONNECTED,

  /* SCRAM-SHA-256, front -> verifier, and back. */
  /* login (never 0), Protocol, client's address as LOGIN has it, what the client says first,
   * whether by SCRAM-SHA-256-PLUS, version of TLS, session and port as LOGIN has them, and the
   * connection's channel bindings, each a type and a value. Answered by SCRAM_CHALLENGE or VERDICT
   */
  MESSAGE_SCRAM_FIRST,
  /* login, the client's answer to the challenge. Answered by one VERDICT */
  MESSAGE_SCRAM_FINAL,
  /* login, what the client is to be asked */
  MESSAGE_SCRAM_CHALLENGE,

  /* ---- parent -> verifier ---- */
  /* read what can be read again: certificates, PAM's stack */
  MESSAGE_RELOAD,

  /* Whether a role answers: the parent asks, and replaces one that does not. */
  /* parent -> verifier */
  MESSAGE_PING_VERIFIER,
  /* verifier -> parent: its state in a few words, for people */
  MESSAGE_PONG_VERIFIER,
  /* parent -> front */
  MESSAGE_PING_FRONT,
  /* front -> parent */
  MESSAGE_PONG_FRONT,

  /* a process that serves one Maildir; + the store's end of the channel to it, and an eventfd:
   * the verifier hears what is said on that channel when it is written to */
  MESSAGE_SPLIT,

  /* ---- verifier -> parent ---- */
  /* request, Role: the process that WANT_SERVANT has brought hangs; it is killed. ROLE_CONNECTOR
   * and ROLE_SQL only: PAM's processes end by themselves, with what their modules have started */
  MESSAGE_END_SERVANT,

  /* ---- store -> verifier, and back ---- */
  /* session, problem: a message is stored in a way that can't be read here. Answered by HEARD
   * once the event is recorded */
  MESSAGE_UNREADABLE,
  /* session */
  MESSAGE_HEARD,

  /* ---- front -> verifier, and back ---- */
  /* login, whose verdict was OK with a socket: its session is over, or never was */
  MESSAGE_SESSION_ENDED,
  /* login: its session is to end now */
  MESSAGE_END_SESSION,
  /* to a verifier, or on a channel, that has just come: those that were let in before, each a row:
   * login, Protocol, account, mechanism, client's address, version of TLS, session as LOGIN has
   * them, when it was let in (us since 1970), and whether it is a native account */
  MESSAGE_SESSIONS,

  /* ---- front -> verifier ---- */
  /* login: whether the settings are current. Answered by a VERDICT of PROXY_HEADER, behind
   * SETTINGS if those were not */
  MESSAGE_ASK_SETTINGS,

  /* Verifier -> sql; sql -> verifier. */
  /* SqlKind, `Connection`, its password, `Query`. Once, before any question */
  MESSAGE_SQL_BEGIN,
  /* number, user, until when (monotonic, us). One at a time */
  MESSAGE_SQL_QUESTION,
  /* number, SqlStatus, problem ("" for none), and a row a column of the answer: SqlColumn, whether
   * it is NULL, value (may be a hash) */
  MESSAGE_SQL_ANSWER,

  N_MESSAGES
} MessageKind;

/* One row of the table that both ends check by. */
typedef struct {
  const char *name;
  const char *signature;
  Role from;
  Role to;
  guint min_descriptors;
  guint max_descriptors;
  gsize max_bytes; /* of the body */
} MessageFacts;

/* Static; NULL for a number that is no kind. */
const MessageFacts *message_get_facts(guint kind);
/* "parent" and so on; static. */
const char *role_get_name(Role role);

/* A received message. The descriptors belong to the message: take one with
 * message_take_descriptor(), the rest is closed by message_clear(). */
typedef struct {
  MessageKind kind;
  GVariant *body; /* of the kind's signature, in normal form; wiped with its last reference */
  int descriptors[MAX_MESSAGE_DESCRIPTORS]; /* close-on-exec; -1 if there is none */
  guint n_descriptors;
} Message;

#define MESSAGE_INIT                                                                               \
  {                                                                                                \
    .descriptors = { -1, -1 }                                                                      \
  }

void message_clear(Message *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Message, message_clear)
/* The descriptor at @index, the caller's to close from now on; -1 if there is none. */
int message_take_descriptor(Message *message, guint index);

/* An `ay` for a body that holds @bytes in memory that is wiped when it is freed.
 * Floating. @bytes stay the caller's to wipe. */
GVariant *message_secret_new(const void *bytes, gsize size);

/* Checks @size bytes as they came from the wire (kind and body) with
 * @n_descriptors; a new body, owned by the caller, and its *@kind; or NULL and
 * INVALID_ARGUMENTS. Nothing but memory is touched. */
GVariant *message_decode(Role from, Role to, const guint8 *bytes, gsize size, guint n_descriptors,
                         MessageKind *kind, GError **error);

#endif

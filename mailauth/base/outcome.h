/* SPDX-License-Identifier: MIT */
/* What can come of a login, and everything that follows from it: the reason, the event's
 * number and type, and the answers of both protocols, as mailauthd(8) lists them. One
 * table, and the only place that knows these facts. Pure. */
#ifndef MAILAUTH_BASE_OUTCOME_H
#define MAILAUTH_BASE_OUTCOME_H

#include <glib.h>

typedef enum {
  OUTCOME_OK,
  OUTCOME_BAD_PASSWORD,
  OUTCOME_NO_SUCH_USER,
  OUTCOME_DISABLED,
  OUTCOME_HELD_BACK,
  OUTCOME_CROWDED,
  OUTCOME_MAINTENANCE,
  OUTCOME_ACCOUNTS_MISSING,
  OUTCOME_ACCOUNTS_DENIED,
  OUTCOME_NO_BROKER,
  OUTCOME_UNKNOWN_BROKER,
  OUTCOME_BROKER_UNREACHABLE,
  OUTCOME_BROKER_FAILED,
  OUTCOME_BAD_SETTING,
  OUTCOME_NO_MAILBOX,
  OUTCOME_MAILBOX_IN_USE,
  OUTCOME_BACKEND_UNREACHABLE,
  OUTCOME_BACKEND_REFUSED,
  OUTCOME_CLEAR_TEXT,
  OUTCOME_NO_CERTIFICATE, /* an event only: no login comes of it */
  OUTCOME_CHANGED,        /* an event only: package or broker changed */
  OUTCOME_RELEASED,       /* an event only: an administrator released an account or an address */
  OUTCOME_CERTIFICATE_DOUBTFUL, /* an event only: clients may refuse what is in use */
  OUTCOME_CHANNEL_BINDING,      /* SCRAM: bound to another TLS connection than the server's */
  OUTCOME_OVERTAKEN,            /* SCRAM: what decides has changed in the middle of the exchange */
  OUTCOME_UNUSABLE_HASH,        /* no password can open the account's hash */
  OUTCOME_PAM_DENIED,           /* PAM's modules may not read the accounts; they called it wrong */
  OUTCOME_REGISTRY_SILENT,      /* an event only: regd is there, and does not answer */
  OUTCOME_REGISTRY_BACK,        /* an event only: it answers again */
  OUTCOME_LOCKED,               /* the account's hash is `!` or `*`: no password can open it */
  OUTCOME_NO_MEMORY,            /* there was no memory to compute a hash */
  OUTCOME_GUESSES,              /* an event only: too many wrong passwords over all addresses */
  OUTCOME_UNREADABLE_MAIL,      /* an event only: a message is stored in a way that can't be read */
  OUTCOME_TLS_FAILED,           /* an event only: a client's handshake */
  OUTCOME_TOO_MANY_CONNECTIONS, /* an event only: a limit has refused a connection */
  OUTCOME_OTHER_MAILBOX,        /* the name asks for the mailbox of another */
  OUTCOME_PROXY_HEADER,         /* an event only: a proxy's header is missing, or not expected */
  N_OUTCOMES
} Outcome;

typedef struct {
  const char *reason;     /* "bad-password" */
  guint32 event_id;       /* 11202 */
  const char *event_type; /* "Failure Audit" */
  const char *pop3_code;  /* "[AUTH]", or "" */
  const char *imap_code;  /* "[AUTHENTICATIONFAILED]", or "" */
  const char *text; /* what the client is told; the same for all of bad-password, no-such-user,
                       disabled, held-back */
  const char
      *description; /* what the administrator is told; the setting is added if there is one */
} OutcomeFacts;

/* Tells what came of a login. @detail: for administrators, or NULL; borrowed. */
typedef void (*OutcomeAnswer)(Outcome outcome, const char *detail, gpointer data);

/* Static. */
const OutcomeFacts *outcome_get_facts(Outcome outcome);
/* The first outcome that has the same reason: they are counted together. */
Outcome outcome_get_first(Outcome outcome);
/* Whether the client is told that the login is wrong: no fault of the server's. */
gboolean outcome_is_client_failure(Outcome outcome);
/* Whether it also counts for holding back: not if no password could have been right. */
gboolean outcome_is_counted(Outcome outcome);

#endif

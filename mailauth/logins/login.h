/* SPDX-License-Identifier: MIT */
/* One login from its first word to its verdict: the round trip that brings in every
 * setting answered before, the decision, holding back, the password, the mailbox, the
 * event. The caller (a front, an administrator's test) is told the result; only this
 * file knows the order. */
#ifndef MAILAUTH_LOGINS_LOGIN_H
#define MAILAUTH_LOGINS_LOGIN_H

#include "client/threads/workers.h"
#include "mailauth/backend/backend.h"
#include "mailauth/base/secret.h"
#include "mailauth/connector/dialer.h"
#include "mailauth/events/reporter.h"
#include "mailauth/logins/rates.h"
#include "mailauth/logins/throttle.h"
#include "mailauth/logins/timings.h"
#include "mailauth/mailbox/store-pool.h"
#include "mailauth/package/sam-scram.h"
#include "mailauth/package/verified.h"
#include "mailauth/pam/pam-pool.h"
#include "mailauth/protocol/scram.h"
#include "mailauth/sessions/sessions.h"
#include "mailauth/settings/decision.h"
#include "mailauth/settings/live-settings.h"
#include "mailauth/sql/sql-servants.h"

/* What logins work with; all borrowed. */
typedef struct {
  Views *views;
  Reporter *reporter;
  Throttle *throttle;
  Workers *prover;
  Workers *lookups;
  Stores *stores;
  Backends *backends;
  Verified *verified;
  PamPool *pam;
  Dialer *dialer;
  SqlServants *sql;
  SamScram *scram;
  Sessions *sessions;
} LoginTools;

typedef struct Logins Logins;
typedef struct Login Login;

typedef enum {
  LOGIN_SESSION, /* a client's: to its mailbox */
  LOGIN_TRIAL,   /* an administrator's test: no event, no mailbox, not counted, explained */
} LoginPurpose;

typedef struct {
  LoginPurpose purpose;
  Protocol protocol;
  /* Nothing of it NULL. The user as the client gave it, UTF-8; without an address or TLS "" */
  EventClient client;
  Scram *scram;         /* an exchange whose client has been asked, taken; NULL: by password */
  const char *identity; /* the authorisation identity of a login by password; NULL or "": none */
  const char *service;  /* of PROTOCOL_SASL, in lower case; NULL or "": unknown */
} LoginRequest;

typedef struct {
  Outcome outcome;
  const char *user;         /* the account if there is one, else as it was given */
  guint32 delay;            /* ms that the client's answer is to wait */
  guint32 idle_timeout;     /* s; of a session that is relayed; 0: left to the session's server */
  int descriptor;           /* where the session goes on; the callee's to close; -1 for none */
  const char *capabilities; /* an IMAP server's; "" for unknown */
  GBytes *pending;          /* what the mail server has said already; may be NULL */
  const char *const *steps; /* a trial's explanation, NULL-terminated; else NULL */
  SessionFacts session;     /* whose session it is, if there is a descriptor */
  ServerWord word;          /* what the mail server behind has refused with */
  const char *proof;        /* what proves the server to a SCRAM client; NULL: nothing has to */
} LoginResult;
typedef void (*LoginAnswer)(const LoginResult *result, gpointer data);

Logins *logins_new(const LoginTools *tools);
/* No login is answered any more. Proofs under way must have ended (workers_free()). */
void logins_free(Logins *logins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Logins, logins_free)

/* Takes the password, or what the client has answered to SCRAM's challenge, out of
 * @password. @answered is called exactly once, never
 * from inside, unless the login is cancelled; the login is gone after it. */
Login *logins_begin(Logins *logins, const LoginRequest *request, Secret *password,
                    LoginAnswer answered, gpointer data);
/* The client has gone. What is under way is still recorded and counted. */
void login_cancel(Login *login);

/* What is known to be wrong with the accounts that @settings choose: owned, NULL for nothing. */
char *logins_dup_problem(const Logins *logins, const Settings *settings);
/* The settings have changed, or may have: drops what depends on them. */
void logins_take_settings(Logins *logins);
/* The same for a native account, @account in any case; NULL: for any. */
void logins_take_account(Logins *logins, const char *account);
/* regd has answered, or has not in time: until then logins wait for it. */
void logins_stop_waiting(Logins *logins);

/* Counts a password that may not travel: a login that was refused before it came here. */
void logins_count_clear_text(Logins *logins, Protocol protocol);

guint logins_count(const Logins *logins);
/* Visits the pairs and addresses that are held back now, by the current settings:
 * throttle_visit_held(). */
void logins_visit_held(const Logins *logins, ThrottleVisit visit, gpointer data);
/* Releases @who: an account, or an address in any form (also that of
 * throttle_visit_held()); NULL: all that are held back. Makes an event if there were
 * failures; logins that wait for their turn go on. Returns how many pairs had failures. */
guint logins_release(Logins *logins, const char *who);

/* How many have ended so, by @protocol and package since the start. */
guint64 logins_get_total(const Logins *logins, Protocol protocol, PackageKind kind,
                         Outcome outcome);
/* How many have ended so in each of the last minutes. Borrowed. */
const Rates *logins_get_rates(const Logins *logins);
/* How long proofs took, waiting for a thread included. Borrowed. */
const Timings *logins_get_timings(const Logins *logins);

#endif

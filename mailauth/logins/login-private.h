/* SPDX-License-Identifier: MIT */
/* One login, as its steps share it. The order of the steps: login.c takes the request and
 * the settings, login-held.c lets it try now or makes it wait, login-proof.c proves the
 * password, login-end.c opens the mailbox and answers. Each function that may end the login
 * frees it. */
#ifndef MAILAUTH_LOGINS_LOGIN_PRIVATE_H
#define MAILAUTH_LOGINS_LOGIN_PRIVATE_H

#include "mailauth/base/secret-mac.h"
#include "mailauth/guesses/lines.h"
#include "mailauth/logins/login.h"
#include "mailauth/logins/mailbox-opening.h"
#include "mailauth/logins/round-trips.h"
#include "mailauth/package/packages.h"

struct Logins {
  LoginTools tools;
  Packages *packages;
  RoundTrips *round_trips;
  GQueue all;                  /* of Login */
  GQueue waiting;              /* of Login: held back for a moment, or before regd was heard of */
  Lines *lines;                /* of Login: held back by a bound on wrong passwords */
  SecretMac *guesses;          /* tells passwords apart */
  gboolean waits_for_registry; /* logins wait until regd has been heard of */
  guint64 totals[N_LOGIN_PROTOCOLS][2][N_OUTCOMES];
  Rates *rates;
  Timings *timings;
  gboolean renewed; /* they have changed since waiting logins were last woken for that */
};

struct Login {
  Logins *logins;
  GList link; /* in all */
  LoginPurpose purpose;
  Protocol protocol;
  EventClient *client; /* the user as it was given */
  char *group;         /* the address as it is counted */
  char *service;       /* "pop3", "imap", or what the asking server says */
  Secret password;     /* prepared by SASLprep */
  Secret typed;        /* as it was typed, if that is another */
  char *asked_for;     /* the authorisation identity; NULL if there is none */
  Scram *scram;        /* NULL: by password; else that is the client's proof */
  char *proof;         /* the server's, if the client's is right */
  char *means;         /* which of several passwords was right; NULL: the account's own */
  Settings *settings;
  Decision decision;
  char *account;            /* NULL: a name that no account can have */
  PackageIdentity identity; /* if the package knows the user by another name */
  char *shown;              /* by which failures are counted: name_dup_shown() of either */
  LoginAnswer answer;       /* NULL: cancelled */
  gpointer data;
  gboolean early;   /* regd has not been heard of yet */
  gboolean begun;   /* at the throttle */
  guint32 guess;    /* ThrottleTry.password */
  GList *waiting;   /* its link in logins->waiting */
  LinePlace *place; /* in logins->lines */
  guint timer;
  guint32 delay;
  gint64 proof_began;      /* monotonic, in µs */
  GPtrArray *steps;        /* of a trial */
  MailboxOpening *opening; /* once the password was right */
};

/* ---- login.c ---- */

void login_free(Login *login);
/* The account, or the user as it was given if no account can have that name. */
const char *login_get_name(const Login *login);
EventClient login_get_client(const Login *login);
/* Another server may not know its client's address (saslauthd's protocol has none). */
gboolean login_has_no_address(const Login *login);
/* Whether the authorisation identity, if there is one, is a name of the user. */
gboolean login_is_for_user(const Login *login);
void logins_renew_settings(Logins *logins);
/* The account is the one that the package names, for holds as for all that follows. */
void login_take_identity(Login *login);

/* ---- login-held.c ---- */

/* Until it is woken, and no longer than @wait ms if that is not 0. */
void login_wait(Login *login, guint32 wait);
void login_stop_waiting(Login *login);
/* Goes on to the password, waits, or ends. */
void login_ask_throttle(Login *login);
/* What the throttle is told of the try that it has let begin; nothing if it has not. */
void login_end_try(Login *login, Outcome outcome);
/* Without an address only the account tells who waits for whom. */
const char *login_get_line(const Login *login);
/* Those of the same address (NULL: of any) that wait may go on now. */
void logins_wake(Logins *logins, const char *group);
/* A LineAsk. */
guint32 logins_ask_in_line(gpointer waiter, gboolean for_all, gpointer data);

/* ---- login-proof.c ---- */

void login_prove(Login *login);

/* ---- login-end.c ---- */

/* Opens the mailbox, if there is one, and answers. */
void login_open_mailbox(Login *login);
/* Counts a login that ended so. */
void logins_count_end(Logins *logins, Protocol protocol, PackageKind kind, Outcome outcome);
/* Answers without a mailbox. @detail: for administrators, or NULL. */
void login_end(Login *login, Outcome outcome, const char *detail);

#endif

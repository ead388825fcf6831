/* SPDX-License-Identifier: MIT */
/* The last step of a login: its mailbox, a Maildir or one at the server behind. A test looks,
 * and leaves again. */
#ifndef MAILAUTH_LOGINS_MAILBOX_OPENING_H
#define MAILAUTH_LOGINS_MAILBOX_OPENING_H

#include "mailauth/backend/backend.h"
#include "mailauth/mailbox/store-pool.h"
#include "mailauth/settings/decision.h"

typedef struct {
  Stores *stores;
  Backends *backends;
  Settings *settings;
  Protocol protocol;
  const char *account;
  const RegistryView *accounts; /* if it is one of these, which may have a mailbox of its own */
  const char *mail_directory;   /* the pattern of its own that its broker has; NULL: none */
  const char *address;          /* the client's */
  guint16 port;                 /* beside it; 0: not known */
  gboolean is_trial;
  GPtrArray *steps; /* of a trial, for steps_add(); else NULL */
} MailboxRequest;

/* All borrowed; @descriptor is the callee's to close, -1 for none. */
typedef struct {
  Outcome outcome;
  const char *detail;       /* for administrators, or NULL */
  int descriptor;           /* where the session goes on */
  const char *capabilities; /* an IMAP server's; "" for unknown */
  GBytes *pending;          /* what the mail server has said already; may be NULL */
  guint32 idle_timeout;     /* s; of a session that is relayed; 0: left to the session's server */
  ServerWord word;          /* what the mail server has refused with */
} MailboxResult;
typedef void (*MailboxOpened)(const MailboxResult *result, gpointer data);

typedef struct MailboxOpening MailboxOpening;

/* What @request borrows must live as long as the opening. @opened is called exactly once, unless
 * the opening is freed before; from inside if nothing has to be asked. It may free the opening. */
MailboxOpening *mailbox_opening_new(const MailboxRequest *request, MailboxOpened opened,
                                    gpointer data);
void mailbox_opening_start(MailboxOpening *opening);
/* Only once @opened was called, or when stores and backends call nobody any more. NULL is
 * fine. */
void mailbox_opening_free(MailboxOpening *opening);

/* A StoreUnreadable; @data: the Reporter. */
void mailbox_report_unreadable(const char *user, const char *address, const char *problem,
                               gpointer data);

#endif

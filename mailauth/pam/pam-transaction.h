/* SPDX-License-Identifier: MIT */
/* One login by PAM: authentication, then whether the account may be used. It blocks for
 * as long as the service's modules do, which may be for ever: only for a process that
 * can be given up. */
#ifndef MAILAUTH_PAM_PAM_TRANSACTION_H
#define MAILAUTH_PAM_PAM_TRANSACTION_H

#include "mailauth/base/outcome.h"

typedef struct {
  const char *directory; /* where services are defined; NULL: the system's */
  const char *service;
  const char *account;  /* NULL: a name that no account can have */
  const char *password; /* ends in a NUL, and has none inside */
  const char *address;  /* the client's; "" if there is none */
} PamQuestion;

/* OUTCOME_OK, BAD_PASSWORD, NO_SUCH_USER, DISABLED, ACCOUNTS_MISSING,
 * ACCOUNTS_DENIED, PAM_DENIED or BAD_SETTING. @detail: for administrators, valid UTF-8, the
 * caller's. */
Outcome pam_transaction_run(const PamQuestion *question, char **detail);

#endif

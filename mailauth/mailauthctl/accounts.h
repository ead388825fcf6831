/* SPDX-License-Identifier: MIT */
/* What `user` and `member` have in common: the same verbs on two kinds of
 * accounts. */
#ifndef MAILAUTH_MAILAUTHCTL_ACCOUNTS_H
#define MAILAUTH_MAILAUTHCTL_ACCOUNTS_H

#include "mailauth/mailauthctl/ctl.h"

/* What is kept of a password; wiped after use. */
typedef struct {
  char *hash;       /* crypt(3) */
  char *scram_keys; /* scram_keys_format(); NULL if the kind keeps none */
} PasswordProofs;

/* One kind of accounts. Each fails with KEY_EXISTS or KEY_NOT_FOUND if the account is
 * there, or is not. */
typedef struct {
  gboolean has_scram_keys;
  gboolean (*add)(gpointer where, const char *account, const PasswordProofs *proofs,
                  GError **error);
  gboolean (*set_password)(gpointer where, const char *account, const PasswordProofs *proofs,
                           GError **error);
  gboolean (*set_disabled)(gpointer where, const char *account, gboolean disabled, GError **error);
  gboolean (*remove)(gpointer where, const char *account, GError **error);
  /* Calls accounts_show() for each, in order. */
  gboolean (*list)(gpointer where, Ctl *ctl, GError **error);
} AccountsKind;

/* Runs the verb that the operands name. */
gboolean accounts_run(Ctl *ctl, const AccountsKind *kind, gpointer where, GError **error);
/* Whether the operands are right, before anything is opened. */
gboolean accounts_check(const Ctl *ctl, GError **error);
void accounts_show(Ctl *ctl, const char *account, gboolean disabled);

#endif

/* What `user` and `member` have in common: the same verbs on two kinds of
 * accounts. */
#ifndef MAILAUTH_MAILAUTHCTL_ACCOUNTS_H
#define MAILAUTH_MAILAUTHCTL_ACCOUNTS_H

#include "mailauth/mailauthctl/ctl.h"

/* One kind of accounts. Each fails with KEY_EXISTS or KEY_NOT_FOUND where the
 * account is there, or is not. @hash is a crypt(3) hash. */
typedef struct {
  gboolean (*add)(gpointer where, const char *account, const char *hash, GError **error);
  gboolean (*set_hash)(gpointer where, const char *account, const char *hash, GError **error);
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

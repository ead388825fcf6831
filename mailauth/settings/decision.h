/* SPDX-License-Identifier: MIT */
/* Which package decides a login and why, and whether the password is proved at all: the
 * first questions of every login, in their order. Pure. It never falls back from one
 * package to another: a login that the set package can't decide is refused. */
#ifndef MAILAUTH_SETTINGS_DECISION_H
#define MAILAUTH_SETTINGS_DECISION_H

#include "mailauth/base/outcome.h"
#include "mailauth/settings/settings.h"

typedef enum { PACKAGE_NATIVE, PACKAGE_MEMBERSHIP } PackageKind;

/* "native" or "membership". */
const char *package_kind_get_name(PackageKind kind);

typedef struct {
  Outcome outcome;    /* OUTCOME_OK: go on; else the login ends with it */
  PackageKind kind;   /* as far as the settings say */
  const char *broker; /* the instance's ID; "" natively; borrowed from the settings */
  const char *source; /* "SAM", "PAM", "sqlite"...; "" if none; borrowed */
  char *why;          /* for administrators: what decided, naming the setting */
} Decision;

/* Whether the accounts of HKLM\SAM decide; FALSE before anything does. */
gboolean decision_is_by_sam(const Decision *decision);
void decision_clear(Decision *decision);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Decision, decision_clear)

/* Which package decides, for any client. @decision need not be initialised. */
void decision_choose(const Settings *settings, Decision *decision);

/* The questions before "held back": can the settings be used, which package, whose mailbox, and
 * maintenance. @user: the name as it was typed. @account may be NULL (a name that can be none). */
void decision_admit(const Settings *settings, Protocol protocol, const char *user,
                    const char *account, Decision *decision);

/* Whether what decides may know users by other names than the one that is the account. */
gboolean decision_has_other_names(const Settings *settings, const Decision *decision);
/* Whether decision_admit() may answer otherwise about the name by which the package knows the user:
 * `Logon Only As` has accounts' names, and what was typed may be another one of the person's. */
gboolean decision_may_change(const Settings *settings, const Decision *decision);

/* Where the mailbox of @account is. OUTCOME_OK: @path (owned) for a Maildir, or
 * NULL for the protocol's backend. Else @why (owned). Either is set, never both
 * on failure. */
Outcome decision_find_mailbox(const Settings *settings, Protocol protocol, const char *account,
                              char **path, char **why);

/* Whether there is a master user by whom a server behind can be asked; else @why (owned). */
Outcome decision_check_master(const Settings *settings, Protocol protocol, char **why);

/* The same of a `Mail Directory` (@pattern) that stands in @key. */
Outcome decision_expand_maildir(const char *key, const char *pattern, const char *account,
                                char **path, char **why);

/* Whether a password may come without TLS from @address; @scram: only a proof of it does. */
gboolean decision_may_be_clear(const Settings *settings, Protocol protocol, gboolean tls,
                               gboolean scram, const char *address);

#endif

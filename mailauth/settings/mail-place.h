/* SPDX-License-Identifier: MIT */
/* Where the mailbox of an account is: by the account's own `Backend` or `Mail Directory`, if it is
 * a native one of HKLM\SAM and has them, else by the protocol's settings. One of its own that can't
 * be used is never passed over. */
#ifndef MAILAUTH_SETTINGS_MAIL_PLACE_H
#define MAILAUTH_SETTINGS_MAIL_PLACE_H

#include "mailauth/base/outcome.h"
#include "mailauth/settings/settings.h"

typedef struct {
  char *path;             /* a Maildir; else it is at a mail server: */
  char *backend;          /* the account's own, as it is set; NULL: the protocol's */
  BackendAddress address; /* of it */
} MailPlace;

void mail_place_clear(MailPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailPlace, mail_place_clear)

/* @accounts: NULL if the account is none of these. @place need not be initialised. Not OK: @why
 * (owned) names the setting. */
Outcome mail_place_find(const Settings *settings, Protocol protocol, const RegistryView *accounts,
                        const char *account, MailPlace *place, char **why);

/* Whether @text can be an account's `Backend`; INVALID_VALUE. */
gboolean mail_place_check_backend(const char *text, GError **error);

/* Which accounts have a mailbox of their own that can't be used, and why the first can't: a line
 * that names MAX_LISTED_ACCOUNTS of them, owned; NULL: none. Goes through the accounts. */
char *mail_place_find_unusable(const Settings *settings, const RegistryView *accounts);

#endif

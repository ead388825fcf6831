/* SPDX-License-Identifier: MIT */
/* App passwords: more passwords of one native account, each for a device or a program, in the
 * keys Passwords\<label> below the account's. */
#ifndef MAILAUTH_PACKAGE_APP_PASSWORDS_H
#define MAILAUTH_PACKAGE_APP_PASSWORDS_H

#include "client/registry.h"
#include "mailauth/hashes/unusable.h"

/* Below an account's key. */
#define APP_PASSWORDS_KEY "Passwords"

typedef struct {
  char *label; /* as the key is called */
  char *hash;  /* accepted */
  char *kind;  /* hash_dup_kind() */
  /* Why it lets nobody in although it may be right: static, or NULL. */
  const char *fault;
  char **protocols; /* none: all */
  guint64 expires;  /* µs since 1970; G_MAXUINT64: never */
} AppPassword;

/* Of AppPassword, in the order of their labels; at most MAX_APP_PASSWORDS, and only those with
 * a hash that can be proved. */
GPtrArray *app_passwords_read(const RegistryView *accounts, const char *account);

/* Takes what the values `Protocols` and `Expires` say, NULL for one that is not there: none that
 * can't be read lets anybody in. */
void app_password_take_limits(AppPassword *app, const RegistryValue *protocols,
                              const RegistryValue *expires);

/* Why @app does not let a client in that has given it: static, to follow its label; NULL: it
 * does. @service: "pop3", "imap", "smtp"...; "" or NULL: unknown, and only a password for all
 * goes then. @now: µs since 1970. */
const char *app_password_find_refusal(const AppPassword *app, const char *service, gint64 now);

/* Those of @account whose hash no password can open. */
void app_passwords_note_unusable(const RegistryView *accounts, const char *account,
                                 Unusable *unusable);

#endif

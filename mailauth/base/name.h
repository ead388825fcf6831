/* SPDX-License-Identifier: MIT */
/* Users' names as clients give them, and what may be made of them: an
 * account's name, and a path from a setting with `%u` in it. Pure. */
#ifndef MAILAUTH_BASE_NAME_H
#define MAILAUTH_BASE_NAME_H

#include <glib.h>

/* The account that @text names, owned by the caller: prepared by SASLprep (RFC 4013) and in
 * lower case, so that spellings that look alike are one account; NULL if it can name none:
 * empty, over-long, not UTF-8, with a backslash, U+FFFD or a character in it that SASLprep
 * prohibits, or of another domain. @text may be any bytes up to its NUL.
 *
 * @domains are as name_get_domain() gives them, NULL at the end (or NULL for none). With one,
 * `DOMAIN\user`, `DOMAIN\user\mailbox` and `user@domain` stand for `user`. With several,
 * accounts are full names: `DOMAIN\user` stands for `user@domain`, and `user` is nobody's. A
 * name with an `@` that is of none of them stands for itself. The mailbox is checked: see
 * name_asks_for_another(). */
char *name_get_account(const char *text, const char *const *domains);
/* Whether @text is `DOMAIN\user\mailbox` with the mailbox of another. Only one's own is opened. */
gboolean name_asks_for_another(const char *text, const char *const *domains);
/* @text, a domain as it is set, prepared like a name. Owned by the caller; NULL if it can be
 * none: nothing, or with a space, a backslash, a slash or an `@` in it. */
char *name_get_domain(const char *text);
/* Those of @texts that can be domains, each once; empty ones are left out. @wrong is the first
 * that can be none, or NULL; borrowed. Owned by the caller. */
char **name_dup_domains(const char *const *texts, const char **wrong);
/* What `%n` ('n': before the last `@`, or all), `%d` ('d': after it, or "") or `%u` ('u': all)
 * stands for with @account. Owned by the caller. */
char *name_dup_part(char variable, const char *account);

/* @text in lower case, code point by code point by way of upper case, so that
 * two spellings that the registry takes for one name come out alike. UTF-8. */
char *name_fold(const char *text);

/* @pattern with `%u` for @account, `%n` for what stands before its last `@` (the whole name
 * without one), `%d` for what stands behind it, and `%%` for `%`: an absolute path. NULL and
 * INVALID_VALUE if the pattern is no such path or holds another `%`, and if the account's name,
 * or a part that is asked for, would not be one plain component of a path (nothing, a slash, a
 * leading dot, over 255 bytes). */
char *name_expand_path(const char *pattern, const char *account, GError **error);
/* Whether @pattern is fit for name_expand_path(). */
gboolean name_check_pattern(const char *pattern, GError **error);

/* Any name, valid or not, as it is shown, and as failures are counted by it (escape.h).
 * Owned by the caller. */
char *name_dup_shown(const char *name);

#endif

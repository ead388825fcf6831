/* SPDX-License-Identifier: MIT */
/* Users' names as clients give them, and what may be made of them: an
 * account's name, and a path from a setting with `%u` in it. Pure. */
#ifndef MAILAUTH_BASE_NAME_H
#define MAILAUTH_BASE_NAME_H

#include <glib.h>

/* The account that @text names, in lower case, owned by the caller; NULL if it can name
 * none: empty, over-long, not UTF-8, with a control character, a backslash or U+FFFD in
 * it, or of another domain. `DOMAIN\user`, `DOMAIN\user\mailbox` and `user@domain` stand
 * for `user` where @domain is that domain, compared in lower case ("" for none; a name
 * with an `@` stands for itself then). The mailbox is checked: see name_asks_for_another(). @text
 * may be any bytes up to its NUL. */
char *name_get_account(const char *text, const char *domain);
/* Whether @text is `DOMAIN\user\mailbox` with the mailbox of another. Only one's own is opened. */
gboolean name_asks_for_another(const char *text);

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

/* SPDX-License-Identifier: MIT */
/* Search filters with a user's name in them (RFC 4515). Pure. */
#ifndef MAILAUTH_PACKAGE_LDAP_FILTER_H
#define MAILAUTH_PACKAGE_LDAP_FILTER_H

#include <glib.h>

/* @pattern with each %u, %n and %d replaced by @user or its part (name_dup_part()), of which
 * every byte that could end or widen the value is escaped: NUL ( ) * \ and control characters, and
 * a space at either end. Owned by the caller. */
char *ldap_filter_expand(const char *pattern, const char *user);

#endif

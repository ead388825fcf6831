/* SPDX-License-Identifier: MIT */
/* Password hashes by crypt(3): proving, making, and what to prove against if there is no
 * account. Blocks for as long as the hash takes: for worker threads. */
#ifndef MAILAUTH_PACKAGE_HASH_H
#define MAILAUTH_PACKAGE_HASH_H

#include <glib.h>

/* Whether @hash is of a method that is accepted ($y$, $6$, $5$, $2b$ and its other names $2y$ and
 * $2a$; before it may stand {CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT} or {BLF-CRYPT}), and of a cost
 * that a login can bear (limits.h): a hash that takes hours would keep a thread, and
 * a few tries everybody out. */
gboolean hash_is_accepted(const char *hash);
/* Whether an administrator has locked the password: `!` or `*` before the hash or in its
 * place, after a scheme of crypt(3)'s too. */
gboolean hash_is_locked(const char *hash);

/* The method and cost of @hash, which tell how long proving takes: "$y$j9T$", "$6$rounds=5000$",
 * "$2b$12$"; NULL if it is not accepted. Owned by the caller. */
char *hash_dup_kind(const char *hash);

/* Whether @password, which ends in a NUL that @size does not count, is the one
 * @hash was made of. FALSE also for a hash that is not accepted, an empty
 * password and one with a NUL inside. In constant time once it is computed; what
 * held the password is wiped. Any thread. */
gboolean hash_prove(const char *password, gsize size, const char *hash);

/* A yescrypt hash of @password, owned by the caller; NULL and INVALID_VALUE (a
 * password that is empty, too long or holds a NUL) or FAILED. */
char *hash_new(const char *password, gsize size, GError **error);

/* A hash that no password is known for, of the method and cost of @like (NULL or
 * one that is not accepted: as hash_new() makes them). Proving against it takes
 * as long as against @like. Owned by the caller. */
char *hash_dup_dummy(const char *like);

#endif

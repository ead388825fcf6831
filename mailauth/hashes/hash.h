/* SPDX-License-Identifier: MIT */
/* Password hashes as accounts keep them: proving, making, and what to prove against if there
 * is no account. Proving blocks for as long as the hash takes: for worker threads.
 *
 *   $y$ $6$ $5$ $2b$ (also $2y$, $2a$)         crypt(3); before it may stand {CRYPT},
 *                                              {SHA512-CRYPT}, {SHA256-CRYPT}, {BLF-CRYPT}
 *   $argon2id$ $argon2i$                       RFC 9106 in its usual text form; before it may
 *                                              stand {ARGON2}, {ARGON2ID}, {ARGON2I}
 *   {SSHA} {SSHA256} {SSHA384} {SSHA512}       base64 of digest and salt, and the same without
 *   {SHA} {SHA1} {SHA256} {SHA384} {SHA512}    a salt (OpenLDAP, Dovecot)
 *   {PBKDF2-SHA1} {PBKDF2-SHA256} {PBKDF2-SHA512} {PBKDF2}    iterations$salt$key (OpenLDAP)
 *   {PBKDF2}                                   $1$salt$rounds$hex (Dovecot)
 *
 * Names in braces go in any case, and may name an encoding of what follows: .B64, .BASE64, .HEX. */
#ifndef MAILAUTH_HASHES_HASH_H
#define MAILAUTH_HASHES_HASH_H

#include "mailauth/hashes/hash-result.h"

/* Why no password can open @hash: its method is unknown, its cost is more than a login can
 * bear (limits.h; a hash that takes hours would keep a thread, and a few tries everybody
 * out), or it is damaged. A static text for administrators; NULL: it can be proved. Nothing
 * is computed, whatever the hash asks for. */
const char *hash_find_fault(const char *hash);
gboolean hash_is_accepted(const char *hash);
/* Whether an administrator has locked the password: `!` or `*` before the hash or in its
 * place, after a scheme of crypt(3)'s too. */
gboolean hash_is_locked(const char *hash);

/* The method and cost of @hash, which tell how long proving takes: "$y$j9T$", "$6$rounds=5000$",
 * "{SSHA}"; NULL if it is not accepted. Owned by the caller. */
char *hash_dup_kind(const char *hash);

/* Whether @password, which ends in a NUL that @size does not count, is the one
 * @hash was made of. Also WRONG: an empty password and one with a NUL inside. In constant
 * time once it is computed; what held the password is wiped. Any thread. */
HashResult hash_prove(const char *password, gsize size, const char *hash);

/* A yescrypt hash of @password, owned by the caller; NULL and INVALID_VALUE (a
 * password that is empty, too long or holds a NUL) or FAILED. */
char *hash_new(const char *password, gsize size, GError **error);

/* A {SSHA512} hash of @password, owned by the caller; NULL and FAILED. It is fast to compute, so
 * @password must be at least 128 random bits. */
char *hash_new_of_random(const char *password, gsize size, GError **error);

/* A hash that no password is known for, of the method and cost of @like (NULL or
 * one that is not accepted: as hash_new() makes them). Proving against it takes
 * as long as against @like. Owned by the caller. */
char *hash_dup_dummy(const char *like);

#endif

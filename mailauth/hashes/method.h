/* SPDX-License-Identifier: MIT */
/* One family of hash methods, as hash.c knows them all. A hash comes here with its scheme in
 * upper case, and without one if it is crypt(3)'s or Argon2's; it is one line of at
 * most MAX_HASH bytes. */
#ifndef MAILAUTH_HASHES_METHOD_H
#define MAILAUTH_HASHES_METHOD_H

#include "mailauth/hashes/hash-result.h"

/* Faults that several methods find. */
#define FAULT_TOO_DEAR "its cost is higher than is accepted"
#define FAULT_DAMAGED "it is damaged or incomplete"

typedef struct {
  /* NULL-terminated: how its hashes begin. */
  const char *const *prefixes;
  /* As hash_find_fault(). The others are asked only about hashes without a fault. */
  const char *(*find_fault)(const char *hash);
  char *(*dup_kind)(const char *hash);
  HashResult (*prove)(const char *password, gsize size, const char *hash);
  /* Where the digest begins: with another character there it is of the same method, cost and
   * salt, and of no known password. */
  gsize (*find_digest)(const char *hash);
} HashMethod;

extern const HashMethod hash_crypt;
extern const HashMethod hash_argon2;
extern const HashMethod hash_digest;
extern const HashMethod hash_pbkdf2;

#endif

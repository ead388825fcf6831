/* SPDX-License-Identifier: MIT */
/* In place of argon2.c in a build without libargon2: its hashes are known, and can't be
 * proved. */
#include "mailauth/hashes/method.h"

static const char *find_fault(G_GNUC_UNUSED const char *hash) {
  return "this server was built without Argon2";
}

static char *dup_kind(G_GNUC_UNUSED const char *hash) {
  return NULL;
}

static HashResult prove(G_GNUC_UNUSED const char *password, G_GNUC_UNUSED gsize size,
                        G_GNUC_UNUSED const char *hash) {
  return HASH_UNUSABLE;
}

static gsize find_digest(G_GNUC_UNUSED const char *hash) {
  return 0;
}

static const char *const prefixes[] = {"$argon2id$", "$argon2i$", NULL};

const HashMethod hash_argon2 = {prefixes, find_fault, dup_kind, prove, find_digest};

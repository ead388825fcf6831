/* SPDX-License-Identifier: MIT */
/* The keys of SCRAM-SHA-256, which prove a password without holding it: salt, iteration
 * count, StoredKey and ServerKey (RFC 5802, section 3; RFC 7677), as they are made, kept
 * as text beside an account's hash, and made up if an account has none. Nothing here
 * does I/O; making keys takes as long as it is meant to. */
#ifndef MAILAUTH_PROTOCOL_SCRAM_KEYS_H
#define MAILAUTH_PROTOCOL_SCRAM_KEYS_H

#include <glib.h>

#include "mailauth/base/limits.h"

/* Of SHA-256. */
#define SCRAM_KEY_BYTES 32
/* What salts that are made here take, and the key that false ones are made by. */
#define SCRAM_SALT_BYTES 16
#define SCRAM_DECOY_BYTES 32

typedef struct {
  guint32 iterations;
  gsize salt_size;
  guint8 salt[MAX_SCRAM_SALT];
  guint8 stored_key[SCRAM_KEY_BYTES];
  guint8 server_key[SCRAM_KEY_BYTES];
} ScramKeys;

/* The keys of @password, prepared by SASLprep, with the salt and the count that
 * @keys has already. FALSE: the system can't compute them. */
gboolean scram_keys_derive(ScramKeys *keys, const char *password, gsize size);

/* Keys of @password, which @hash is the crypt(3) hash of: a new salt, and
 * SCRAM_ITERATIONS. The second half of the salt is a digest of the first half and @hash,
 * so that the keys are void once the account has another hash, no matter which program
 * has set it. FAILED if the system has no random bytes. */
gboolean scram_keys_make(ScramKeys *keys, const char *password, gsize size, const char *hash,
                         GError **error);
/* Whether @keys were made beside @hash. */
gboolean scram_keys_belong(const ScramKeys *keys, const char *hash);

/* "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>", the last three in
 * base64; the caller's to wipe and free. */
char *scram_keys_format(const ScramKeys *keys);
/* FALSE for anything else, with a count that is not from SCRAM_MIN_ITERATIONS to
 * SCRAM_MAX_ITERATIONS, or a salt longer than MAX_SCRAM_SALT. */
gboolean scram_keys_parse(const char *text, ScramKeys *keys);

/* A key for scram_keys_invent(): SCRAM_DECOY_BYTES. FALSE if the system has no random
 * bytes. */
gboolean scram_keys_make_decoy(guint8 *decoy);
/* Keys that no password is known for, always the same for the same @name and @decoy,
 * which must stay secret: to a stranger they look like any account's. */
void scram_keys_invent(ScramKeys *keys, const guint8 *decoy, const char *name, guint32 iterations);

void scram_keys_clear(ScramKeys *keys);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScramKeys, scram_keys_clear)

#endif

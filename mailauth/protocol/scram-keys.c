/* SPDX-License-Identifier: MIT */
/* scram-keys.h: a little arithmetic, and the text it is kept as. */
#include "mailauth/protocol/scram-keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/base64.h"
#include "mailauth/base/saslprep.h"

#define PREFIX "SCRAM-SHA-256$"
#define HALF_SALT (SCRAM_SALT_BYTES / 2)

static gboolean compute(const guint8 *key, gsize key_size, const char *text, guint8 *result) {
  return HMAC(EVP_sha256(), key, (int)key_size, (const guint8 *)text, strlen(text), result, NULL) !=
         NULL;
}

gboolean scram_keys_derive(ScramKeys *keys, const char *password, gsize size) {
  guint8 salted[SCRAM_KEY_BYTES];
  guint8 client_key[SCRAM_KEY_BYTES];
  g_auto(Secret) prepared = {0};
  saslprep_append(password, size, &prepared);
  gboolean done =
      PKCS5_PBKDF2_HMAC((const char *)prepared.bytes, (int)prepared.size, keys->salt,
                        (int)keys->salt_size, (int)keys->iterations, EVP_sha256(), SCRAM_KEY_BYTES,
                        salted) == 1 &&
      compute(salted, sizeof salted, "Client Key", client_key) &&
      EVP_Digest(client_key, sizeof client_key, keys->stored_key, NULL, EVP_sha256(), NULL) == 1 &&
      compute(salted, sizeof salted, "Server Key", keys->server_key);
  explicit_bzero(salted, sizeof salted);
  explicit_bzero(client_key, sizeof client_key);
  return done;
}

/* ---- of which hash they are ---- */

/* Into @half: what the second half of a salt is, after @first. The hash can't be
 * guessed by it: it holds more random bytes than that. */
static gboolean digest_hash(const guint8 *first, const char *hash, guint8 *half) {
  guint8 digest[SCRAM_KEY_BYTES];
  gboolean done = HMAC(EVP_sha256(), first, HALF_SALT, (const guint8 *)hash, strlen(hash), digest,
                       NULL) != NULL;
  memcpy(half, digest, HALF_SALT);
  return done;
}

gboolean scram_keys_belong(const ScramKeys *keys, const char *hash) {
  guint8 half[HALF_SALT];
  return keys->salt_size == SCRAM_SALT_BYTES && digest_hash(keys->salt, hash, half) &&
         CRYPTO_memcmp(half, keys->salt + HALF_SALT, HALF_SALT) == 0;
}

gboolean scram_keys_make(ScramKeys *keys, const char *password, gsize size, const char *hash,
                         GError **error) {
  *keys = (ScramKeys){.iterations = SCRAM_ITERATIONS, .salt_size = SCRAM_SALT_BYTES};
  if (RAND_bytes(keys->salt, HALF_SALT) == 1 &&
      digest_hash(keys->salt, hash, keys->salt + HALF_SALT) &&
      scram_keys_derive(keys, password, size))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_FAILED, "the keys for SCRAM-SHA-256 can't be made");
}

gboolean scram_keys_make_decoy(guint8 *decoy) {
  return RAND_bytes(decoy, SCRAM_DECOY_BYTES) == 1;
}

void scram_keys_invent(ScramKeys *keys, const guint8 *decoy, const char *name, guint32 iterations) {
  guint8 made[SCRAM_KEY_BYTES] = {0};
  *keys = (ScramKeys){.iterations = iterations, .salt_size = SCRAM_SALT_BYTES};
  compute(decoy, SCRAM_DECOY_BYTES, name, made);
  memcpy(keys->salt, made, SCRAM_SALT_BYTES);
  /* From what the salt does not show. */
  compute(made, sizeof made, "StoredKey", keys->stored_key);
  compute(made, sizeof made, "ServerKey", keys->server_key);
  explicit_bzero(made, sizeof made);
}

/* ---- as text ---- */

char *scram_keys_format(const ScramKeys *keys) {
  g_autofree char *salt = g_base64_encode(keys->salt, keys->salt_size);
  char *stored = g_base64_encode(keys->stored_key, SCRAM_KEY_BYTES);
  char *server = g_base64_encode(keys->server_key, SCRAM_KEY_BYTES);
  char *text = g_strdup_printf(PREFIX "%u:%s$%s:%s", keys->iterations, salt, stored, server);
  explicit_bzero(stored, strlen(stored));
  explicit_bzero(server, strlen(server));
  g_free(stored);
  g_free(server);
  return text;
}

/* What @text has up to @end (NUL: to its own end), moved past it; NULL if there is no
 * @end. */
static char *take_part(const char **text, char end) {
  const char *stop = strchr(*text, end);
  if (stop == NULL)
    return NULL;
  char *part = g_strndup(*text, (gsize)(stop - *text));
  *text = end == '\0' ? stop : stop + 1;
  return part;
}

static void free_part(char *part) {
  if (part != NULL)
    explicit_bzero(part, strlen(part));
  g_free(part);
}

/* 0 if it is no base64 of @least to @most bytes. */
static gsize take_bytes(const char **text, char end, guint8 *bytes, gsize least, gsize most) {
  g_auto(Secret) decoded = {0};
  char *part = take_part(text, end);
  gboolean right = part != NULL && base64_decode(part, &decoded) && decoded.size >= least &&
                   decoded.size <= most;
  free_part(part);
  if (!right)
    return 0;
  memcpy(bytes, decoded.bytes, decoded.size);
  return decoded.size;
}

static gboolean take_iterations(const char **text, guint32 *iterations) {
  guint64 number = 0;
  g_autofree char *part = take_part(text, ':');
  if (part == NULL || !g_ascii_string_to_unsigned(part, 10, SCRAM_MIN_ITERATIONS,
                                                  SCRAM_MAX_ITERATIONS, &number, NULL))
    return FALSE;
  *iterations = (guint32)number;
  return TRUE;
}

gboolean scram_keys_parse(const char *text, ScramKeys *keys) {
  *keys = (ScramKeys){0};
  if (!g_str_has_prefix(text, PREFIX))
    return FALSE;
  text += strlen(PREFIX);
  return take_iterations(&text, &keys->iterations) &&
         (keys->salt_size = take_bytes(&text, '$', keys->salt, 1, MAX_SCRAM_SALT)) > 0 &&
         take_bytes(&text, ':', keys->stored_key, SCRAM_KEY_BYTES, SCRAM_KEY_BYTES) > 0 &&
         take_bytes(&text, '\0', keys->server_key, SCRAM_KEY_BYTES, SCRAM_KEY_BYTES) > 0;
}

void scram_keys_clear(ScramKeys *keys) {
  explicit_bzero(keys, sizeof *keys);
}

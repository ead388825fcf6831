/* SPDX-License-Identifier: MIT */
/* PBKDF2 (RFC 8018, section 5.2), as two write it:
 *
 *   {PBKDF2-SHA256}iterations$salt$key   OpenLDAP's pw-pbkdf2 and passlib; salt and key in ab64
 *   {PBKDF2}$1$salt$rounds$key           Dovecot; SHA-1, the salt as it is, the key in hex
 *
 * The key is as long as the digest. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/hashes/encoding.h"
#include "mailauth/hashes/method.h"

#define OF_DOVECOT "{PBKDF2}$1$"

typedef struct {
  const char *scheme;
  const EVP_MD *(*get)(void);
  gsize size;
} Scheme;

static const Scheme schemes[] = {
    {"{PBKDF2-SHA1}", EVP_sha1, 20},
    {"{PBKDF2-SHA256}", EVP_sha256, 32},
    {"{PBKDF2-SHA512}", EVP_sha512, 64},
    {"{PBKDF2}", EVP_sha1, 20},
};

typedef struct {
  const Scheme *scheme;
  guint32 rounds;
  guint8 salt[MAX_HASH_SALT];
  gsize salt_size;
  guint8 key[EVP_MAX_MD_SIZE];
  gsize key_size;
} Pbkdf2;

static const Scheme *find_scheme(const char *hash) {
  for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
    if (g_str_has_prefix(hash, schemes[i].scheme))
      return &schemes[i];
  return NULL;
}

/* "salt$rounds$key", all of it. */
static gboolean read_of_dovecot(const char *text, Pbkdf2 *parts) {
  gsize salt = strcspn(text, "$");
  const char *cursor = text + salt + 1;
  if (salt == 0 || salt > sizeof parts->salt || text[salt] != '$')
    return FALSE;
  memcpy(parts->salt, text, salt);
  parts->salt_size = salt;
  if (!encoding_take_number(&cursor, &parts->rounds) || *cursor++ != '$')
    return FALSE;
  parts->key_size = encoding_read_hex(cursor, strlen(cursor), parts->key, sizeof parts->key);
  return parts->key_size == parts->scheme->size;
}

/* "iterations$salt$key", all of it. */
static gboolean read_of_openldap(const char *text, Pbkdf2 *parts) {
  const char *cursor = text;
  if (!encoding_take_number(&cursor, &parts->rounds) || *cursor++ != '$')
    return FALSE;
  gsize salt = strcspn(cursor, "$");
  parts->salt_size = encoding_read_unpadded(cursor, salt, parts->salt, sizeof parts->salt);
  if (parts->salt_size == 0 || cursor[salt] != '$')
    return FALSE;
  cursor += salt + 1;
  parts->key_size = encoding_read_unpadded(cursor, strlen(cursor), parts->key, sizeof parts->key);
  return parts->key_size == parts->scheme->size;
}

static const char *read_parts(const char *hash, Pbkdf2 *parts) {
  parts->scheme = find_scheme(hash);
  if (parts->scheme == NULL)
    return FAULT_DAMAGED;
  gboolean whole = g_str_has_prefix(hash, OF_DOVECOT)
                       ? read_of_dovecot(hash + strlen(OF_DOVECOT), parts)
                       : read_of_openldap(hash + strlen(parts->scheme->scheme), parts);
  if (parts->rounds > MAX_PBKDF2_ROUNDS)
    return FAULT_TOO_DEAR;
  return whole ? NULL : FAULT_DAMAGED;
}

static const char *find_fault(const char *hash) {
  Pbkdf2 parts = {0};
  return read_parts(hash, &parts);
}

static char *dup_kind(const char *hash) {
  Pbkdf2 parts = {0};
  return read_parts(hash, &parts) == NULL
             ? g_strdup_printf("%s%u$", parts.scheme->scheme, parts.rounds)
             : NULL;
}

static gsize find_digest(const char *hash) {
  return (gsize)(strrchr(hash, '$') + 1 - hash);
}

static HashResult prove(const char *password, gsize size, const char *hash) {
  Pbkdf2 parts = {0};
  guint8 made[EVP_MAX_MD_SIZE] = {0};
  if (read_parts(hash, &parts) != NULL)
    return HASH_UNUSABLE;
  gboolean done =
      PKCS5_PBKDF2_HMAC(password, (int)size, parts.salt, (int)parts.salt_size, (int)parts.rounds,
                        parts.scheme->get(), (int)parts.key_size, made) == 1;
  gboolean right = CRYPTO_memcmp(made, parts.key, parts.key_size) == 0;
  explicit_bzero(made, sizeof made);
  if (!done)
    return HASH_NO_MEMORY;
  return right ? HASH_RIGHT : HASH_WRONG;
}

static const char *const prefixes[] = {"{PBKDF2", NULL};

const HashMethod hash_pbkdf2 = {prefixes, find_fault, dup_kind, prove, find_digest};

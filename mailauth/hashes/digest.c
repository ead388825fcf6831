/* SPDX-License-Identifier: MIT */
/* One round of SHA over the password and, as a rule, a salt: "{SSHA256}" and base64 of digest
 * and salt, as OpenLDAP and Dovecot write them. Dovecot names the encoding, too
 * ("{SSHA256.HEX}"), and writes digests without a salt in hexadecimal as well. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/hashes/encoding.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/hashes/method.h"

typedef struct {
  const char *scheme;
  const EVP_MD *(*get)(void);
  gsize size;
  gboolean has_salt;
} Scheme;

static const Scheme schemes[] = {
    {"{SSHA}", EVP_sha1, 20, TRUE},      {"{SSHA256}", EVP_sha256, 32, TRUE},
    {"{SSHA384}", EVP_sha384, 48, TRUE}, {"{SSHA512}", EVP_sha512, 64, TRUE},
    {"{SHA}", EVP_sha1, 20, FALSE},      {"{SHA1}", EVP_sha1, 20, FALSE},
    {"{SHA256}", EVP_sha256, 32, FALSE}, {"{SHA384}", EVP_sha384, 48, FALSE},
    {"{SHA512}", EVP_sha512, 64, FALSE},
};

typedef struct {
  const Scheme *scheme;
  gsize text; /* where the encoded text begins */
  gsize salt; /* its size */
  guint8 bytes[EVP_MAX_MD_SIZE + MAX_HASH_SALT];
} Digest;

typedef enum { ENCODING_ANY, ENCODING_BASE64, ENCODING_HEX, ENCODING_UNKNOWN } Encoding;

/* What stands between the scheme's name and its `}`. */
static Encoding read_encoding(const char *text, gsize length) {
  static const struct {
    const char *name;
    Encoding encoding;
  } names[] = {{"", ENCODING_ANY},
               {".B64", ENCODING_BASE64},
               {".BASE64", ENCODING_BASE64},
               {".HEX", ENCODING_HEX}};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (strlen(names[i].name) == length && strncmp(names[i].name, text, length) == 0)
      return names[i].encoding;
  return ENCODING_UNKNOWN;
}

static gsize read_bytes(const Scheme *scheme, Encoding encoding, const char *text, guint8 *bytes,
                        gsize room) {
  gsize length = strlen(text);
  gboolean is_hex = encoding == ENCODING_HEX ||
                    (encoding == ENCODING_ANY && !scheme->has_salt && length == 2 * scheme->size);
  return is_hex ? encoding_read_hex(text, length, bytes, room)
                : encoding_read_base64(text, length, bytes, room);
}

static const Scheme *find_scheme(const char *hash, Encoding *encoding) {
  const char *end = strchr(hash, '}');
  for (gsize i = 0; end != NULL && i < G_N_ELEMENTS(schemes); i++) {
    gsize name = strlen(schemes[i].scheme) - 1;
    if (strncmp(hash, schemes[i].scheme, name) != 0 || hash + name > end)
      continue;
    *encoding = read_encoding(hash + name, (gsize)(end - hash) - name);
    if (*encoding != ENCODING_UNKNOWN)
      return &schemes[i];
  }
  return NULL;
}

static gboolean read_digest(const char *hash, Digest *digest) {
  Encoding encoding = ENCODING_UNKNOWN;
  digest->scheme = find_scheme(hash, &encoding);
  if (digest->scheme == NULL)
    return FALSE;
  digest->text = strcspn(hash, "}") + 1;
  gsize size = read_bytes(digest->scheme, encoding, hash + digest->text, digest->bytes,
                          sizeof digest->bytes);
  if (size < digest->scheme->size)
    return FALSE;
  digest->salt = size - digest->scheme->size;
  return (digest->salt > 0) == (digest->scheme->has_salt != FALSE) && digest->salt <= MAX_HASH_SALT;
}

static const char *find_fault(const char *hash) {
  Digest digest = {0};
  return read_digest(hash, &digest) ? NULL : FAULT_DAMAGED;
}

static char *dup_kind(const char *hash) {
  Digest digest = {0};
  return read_digest(hash, &digest) ? g_strdup(digest.scheme->scheme) : NULL;
}

static gsize find_digest(const char *hash) {
  return strcspn(hash, "}") + 1;
}

static gboolean compute(const Digest *digest, const char *password, gsize size, guint8 *made) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  gboolean done =
      context != NULL && EVP_DigestInit_ex(context, digest->scheme->get(), NULL) == 1 &&
      EVP_DigestUpdate(context, password, size) == 1 &&
      EVP_DigestUpdate(context, digest->bytes + digest->scheme->size, digest->salt) == 1 &&
      EVP_DigestFinal_ex(context, made, NULL) == 1;
  EVP_MD_CTX_free(context);
  return done;
}

static HashResult prove(const char *password, gsize size, const char *hash) {
  Digest digest = {0};
  guint8 made[EVP_MAX_MD_SIZE] = {0};
  if (!read_digest(hash, &digest))
    return HASH_UNUSABLE;
  gboolean done = compute(&digest, password, size, made);
  gboolean right = CRYPTO_memcmp(made, digest.bytes, digest.scheme->size) == 0;
  explicit_bzero(made, sizeof made);
  if (!done)
    return HASH_NO_MEMORY;
  return right ? HASH_RIGHT : HASH_WRONG;
}

/* ---- making ---- */

#define NEW_SALT 16
#define NEW_SCHEME 3 /* {SSHA512} */

char *hash_new_of_random(const char *password, gsize size, GError **error) {
  Digest digest = {.scheme = &schemes[NEW_SCHEME], .salt = NEW_SALT};
  guint8 *salt = digest.bytes + digest.scheme->size;
  if (getrandom(salt, NEW_SALT, 0) != NEW_SALT || !compute(&digest, password, size, digest.bytes)) {
    error_set(error, REGISTRY_ERROR_FAILED, "no salt or no memory for a hash can be had");
    return NULL;
  }
  g_autofree char *text = g_base64_encode(digest.bytes, digest.scheme->size + NEW_SALT);
  return g_strconcat(digest.scheme->scheme, text, NULL);
}

static const char *const prefixes[] = {"{SSHA", "{SHA", NULL};

const HashMethod hash_digest = {prefixes, find_fault, dup_kind, prove, find_digest};

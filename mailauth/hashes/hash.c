/* SPDX-License-Identifier: MIT */
/* Password hashes: see hash.h. The methods are a table. */
#include "mailauth/hashes/hash.h"

#include <crypt.h>
#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/hashes/encoding.h"
#include "mailauth/hashes/method.h"

/* Made by hash_new() from random bytes that nobody has. */
#define DUMMY "$y$j9T$6zzqgHVwyuXzjjt6Bv1Jl1$mdpQlb5UtHfmyoKDsDzgKCgGBuw9LQ9fPW6nX9qwZK/"

static const HashMethod *const methods[] = {&hash_crypt, &hash_argon2, &hash_digest, &hash_pbkdf2};

/* ---- schemes ---- */

/* Before a hash of crypt(3)'s, of Argon2 and of PBKDF2. */
static const char *const of_crypt[] = {"{CRYPT}", "{SHA512-CRYPT}", "{SHA256-CRYPT}", "{BLF-CRYPT}",
                                       NULL};
static const char *const of_argon2[] = {"{ARGON2ID}", "{ARGON2I}", "{ARGON2}", NULL};
static const char *const of_pbkdf2[] = {"{PBKDF2}", "{PBKDF2-SHA1}", "{PBKDF2-SHA256}",
                                        "{PBKDF2-SHA512}", NULL};

static const char *skip_one_of(const char *hash, const char *const *schemes) {
  for (; *schemes != NULL; schemes++)
    if (g_ascii_strncasecmp(hash, *schemes, strlen(*schemes)) == 0)
      return hash + strlen(*schemes);
  return hash;
}

/* What Dovecot and OpenLDAP write before a hash that tells its method itself. */
static const char *skip_scheme(const char *hash) {
  const char *plain = skip_one_of(hash, of_crypt);
  if (plain != hash)
    return g_str_has_prefix(plain, "$argon2") ? hash : plain;
  plain = skip_one_of(hash, of_argon2);
  return g_str_has_prefix(plain, "$argon2") ? plain : hash;
}

static gboolean is_of_text(const char *scheme) {
  return skip_one_of(scheme, of_crypt) != scheme || skip_one_of(scheme, of_argon2) != scheme ||
         skip_one_of(scheme, of_pbkdf2) != scheme;
}

/* Dovecot takes any hash in an encoding that its scheme names, and PostfixAdmin writes
 * "{SHA512-CRYPT.B64}": @hash as a text, with its scheme and without the encoding. Digests, which
 * are no text, have theirs read by digest.c. Owned. */
static char *dup_decoded(const char *hash) {
  static const struct {
    const char *name;
    gsize (*read)(const char *text, gsize length, guint8 *bytes, gsize room);
  } encodings[] = {{".B64}", encoding_read_base64},
                   {".BASE64}", encoding_read_base64},
                   {".HEX}", encoding_read_hex}};
  gsize name = strcspn(hash, ".}");
  g_autofree char *scheme = g_strdup_printf("%.*s}", (int)name, hash);
  for (gsize i = 0; i < G_N_ELEMENTS(encodings) && is_of_text(scheme); i++) {
    guint8 bytes[MAX_HASH] = {0};
    gsize length = strlen(encodings[i].name);
    const char *text = hash + name + length;
    if (g_ascii_strncasecmp(hash + name, encodings[i].name, length) != 0)
      continue;
    gsize size = encodings[i].read(text, strlen(text), bytes, sizeof bytes);
    return size > 0 && memchr(bytes, '\0', size) == NULL
               ? g_strdup_printf("%s%.*s", scheme, (int)size, (const char *)bytes)
               : g_strdup(hash);
  }
  return g_strdup(hash);
}

/* As the methods have it. $2y$ (PHP, htpasswd) and $2a$ are other names of $2b$. */
static char *dup_plain(const char *hash) {
  g_autofree char *decoded = dup_decoded(hash);
  const char *plain = skip_scheme(decoded);
  if (g_str_has_prefix(plain, "$2y$") || g_str_has_prefix(plain, "$2a$"))
    return g_strconcat("$2b$", plain + strlen("$2y$"), NULL);
  char *copy = g_strdup(plain);
  for (char *each = copy; *copy == '{' && *each != '\0' && *each != '}'; each++)
    *each = g_ascii_toupper(*each);
  return copy;
}

/* ---- methods ---- */

static const HashMethod *find_method(const char *plain) {
  for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
    for (const char *const *prefix = methods[i]->prefixes; *prefix != NULL; prefix++)
      if (g_str_has_prefix(plain, *prefix))
        return methods[i];
  return NULL;
}

/* NULL: @plain has a fault, and *@fault says which. */
static const HashMethod *find_usable_method(const char *plain, const char **fault) {
  gboolean is_line = strlen(plain) <= MAX_HASH && strpbrk(plain, "\r\n") == NULL;
  const HashMethod *method = is_line ? find_method(plain) : NULL;
  *fault = method == NULL ? "its method is none that is accepted" : method->find_fault(plain);
  return *fault == NULL ? method : NULL;
}

const char *hash_find_fault(const char *hash) {
  const char *fault = NULL;
  g_autofree char *plain = dup_plain(hash);
  find_usable_method(plain, &fault);
  return fault;
}

gboolean hash_is_accepted(const char *hash) {
  return hash_find_fault(hash) == NULL;
}

gboolean hash_is_locked(const char *hash) {
  g_autofree char *decoded = dup_decoded(hash);
  const char *plain = skip_scheme(decoded);
  return *plain == '!' || *plain == '*';
}

char *hash_dup_kind(const char *hash) {
  const char *fault = NULL;
  g_autofree char *plain = dup_plain(hash);
  const HashMethod *method = find_usable_method(plain, &fault);
  return method != NULL ? method->dup_kind(plain) : NULL;
}

HashResult hash_prove(const char *password, gsize size, const char *hash) {
  const char *fault = NULL;
  g_autofree char *plain = dup_plain(hash);
  const HashMethod *method = find_usable_method(plain, &fault);
  if (method == NULL)
    return HASH_UNUSABLE;
  HashResult result = method->prove(password, size, plain);
  gboolean possible = size > 0 && strlen(password) == size;
  return result == HASH_RIGHT && !possible ? HASH_WRONG : result;
}

/* ---- making ---- */

static gboolean check_password(const char *password, gsize size, GError **error) {
  if (size == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "an empty password is not taken");
  if (strlen(password) != size)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the password holds a NUL");
  if (size >= CRYPT_MAX_PASSPHRASE_SIZE || size > MAX_PASSWORD)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the password is longer than %d bytes",
                     CRYPT_MAX_PASSPHRASE_SIZE - 1);
  return TRUE;
}

char *hash_new(const char *password, gsize size, GError **error) {
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  if (!check_password(password, size, error))
    return NULL;
  if (crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof salt) == NULL) {
    error_set(error, REGISTRY_ERROR_FAILED, "no salt for a hash can be had from the system");
    return NULL;
  }
  struct crypt_data data = {0};
  const char *made = crypt_r(password, salt, &data);
  char *hash = made == NULL || made[0] == '*' ? NULL : g_strdup(made);
  explicit_bzero(&data, sizeof data);
  if (hash == NULL)
    error_set(error, REGISTRY_ERROR_FAILED, "the password can't be hashed");
  return hash;
}

char *hash_dup_dummy(const char *like) {
  const char *fault = NULL;
  g_autofree char *plain = dup_plain(like != NULL ? like : DUMMY);
  const HashMethod *method = find_usable_method(plain, &fault);
  if (method == NULL)
    return g_strdup(DUMMY);
  char *dummy = g_steal_pointer(&plain);
  /* A digit of every encoding, hexadecimal too. Nothing of the digest stays. */
  for (char *digit = &dummy[method->find_digest(dummy)]; *digit != '\0'; digit++)
    if (g_ascii_isalnum(*digit) || strchr("./+", *digit) != NULL)
      *digit = 'A';
  return dummy;
}

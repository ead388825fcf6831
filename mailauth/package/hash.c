/* SPDX-License-Identifier: MIT */
/* Password hashes: see hash.h. */
#include "mailauth/package/hash.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/secret.h"

/* Made by hash_new() from random bytes that nobody has. */
#define DUMMY "$y$j9T$6zzqgHVwyuXzjjt6Bv1Jl1$mdpQlb5UtHfmyoKDsDzgKCgGBuw9LQ9fPW6nX9qwZK/"

/* "rounds=N$" after the method; without it there are 5,000. */
static gboolean are_rounds_affordable(const char *cost) {
  guint64 rounds = 0;
  if (!g_str_has_prefix(cost, "rounds="))
    return TRUE;
  g_autofree char *digits = g_strndup(cost + 7, strcspn(cost + 7, "$"));
  return g_ascii_string_to_unsigned(digits, 10, 0, MAX_SHA_ROUNDS, &rounds, NULL);
}

/* Two digits, the binary logarithm of the rounds. */
static gboolean is_bcrypt_affordable(const char *cost) {
  guint64 logarithm = 0;
  g_autofree char *digits = g_strndup(cost, 2);
  return g_ascii_string_to_unsigned(digits, 10, 0, MAX_BCRYPT_COST, &logarithm, NULL);
}

static gboolean is_digit_up_to(char digit, char last) {
  static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const char *found = digit == '\0' ? NULL : strchr(digits, digit);
  return found != NULL && found <= strchr(digits, last);
}

/* Flavour, rounds and block size, as crypt_gensalt(3) writes them: parameters
 * after them would multiply the work. */
static gboolean is_yescrypt_affordable(const char *cost) {
  return strcspn(cost, "$") == 3 && cost[0] == 'j' &&
         is_digit_up_to(cost[1], MAX_YESCRYPT_ROUNDS) &&
         is_digit_up_to(cost[2], MAX_YESCRYPT_BLOCK);
}

/* What Dovecot and others write before a hash of crypt(3). */
static const char *skip_scheme(const char *hash) {
  static const char *const schemes[] = {"{CRYPT}", "{SHA512-CRYPT}", "{SHA256-CRYPT}",
                                        "{BLF-CRYPT}"};
  for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
    if (g_ascii_strncasecmp(hash, schemes[i], strlen(schemes[i])) == 0)
      return hash + strlen(schemes[i]);
  return hash;
}

/* The hash as crypt(3) has it. $2y$ (PHP, htpasswd) and $2a$ are other names of $2b$. */
static char *dup_plain(const char *hash) {
  const char *plain = skip_scheme(hash);
  gboolean renamed = g_str_has_prefix(plain, "$2y$") || g_str_has_prefix(plain, "$2a$");
  return renamed ? g_strconcat("$2b$", plain + strlen("$2y$"), NULL) : g_strdup(plain);
}

static gboolean is_plain_accepted(const char *hash) {
  static const struct {
    const char *prefix;
    gboolean (*is_affordable)(const char *cost);
  } methods[] = {{"$y$", is_yescrypt_affordable},
                 {"$6$", are_rounds_affordable},
                 {"$5$", are_rounds_affordable},
                 {"$2b$", is_bcrypt_affordable}};
  for (guint i = 0; i < G_N_ELEMENTS(methods); i++)
    if (g_str_has_prefix(hash, methods[i].prefix))
      return crypt_checksalt(hash) != CRYPT_SALT_INVALID &&
             methods[i].is_affordable(hash + strlen(methods[i].prefix));
  return FALSE;
}

gboolean hash_is_accepted(const char *hash) {
  g_autofree char *plain = dup_plain(hash);
  return is_plain_accepted(plain);
}

gboolean hash_is_locked(const char *hash) {
  const char *plain = skip_scheme(hash);
  return *plain == '!' || *plain == '*';
}

/* Parameters, if there are any, end with a `$` before the salt. */
static gsize get_kind_length(const char *hash) {
  gsize length = strcspn(hash + 1, "$") + 2; /* "$6$" */
  gboolean has_rounds = g_str_has_prefix(hash + length, "rounds=");
  gboolean has_cost = g_str_has_prefix(hash, "$y$") || g_str_has_prefix(hash, "$2b$");
  return has_rounds || has_cost ? length + strcspn(hash + length, "$") + 1 : length;
}

char *hash_dup_kind(const char *hash) {
  g_autofree char *plain = dup_plain(hash);
  return is_plain_accepted(plain) ? g_strndup(plain, get_kind_length(plain)) : NULL;
}

static gboolean is_same(const char *a, const char *b) {
  gsize size = strlen(a);
  volatile guchar difference = strlen(b) != size;
  for (gsize i = 0; i < size && !difference; i++)
    difference |= (guchar)(a[i] ^ b[i]);
  return difference == 0;
}

gboolean hash_prove(const char *password, gsize size, const char *hash) {
  g_autofree char *plain = dup_plain(hash);
  gboolean accepted = is_plain_accepted(plain);
  gboolean provable = size > 0 && strlen(password) == size && accepted;
  struct crypt_data *data = memset(secret_alloc(sizeof *data), 0, sizeof *data);
  const char *made = crypt_r(password, accepted ? plain : DUMMY, data);
  gboolean right = provable && made != NULL && made[0] != '*' && is_same(made, plain);
  secret_free(data, sizeof *data);
  return right;
}

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
  g_autofree char *plain = like != NULL ? dup_plain(like) : NULL;
  if (plain == NULL || !is_plain_accepted(plain))
    return g_strdup(DUMMY);
  /* The same method, cost and salt with another last character: nothing hashes
   * to it but by chance, and the time is the same. */
  char *dummy = g_steal_pointer(&plain);
  char *last = &dummy[strlen(dummy) - 1];
  *last = *last == '.' ? '/' : '.';
  return dummy;
}

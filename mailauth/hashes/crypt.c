/* SPDX-License-Identifier: MIT */
/* The hashes of crypt(3). Their shape is checked whole, as crypt(3) itself takes any part of
 * one for a salt. */
#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/secret.h"
#include "mailauth/hashes/encoding.h"
#include "mailauth/hashes/method.h"

#define DIGITS "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ROUNDS "rounds="
#define MAX_SHA_SALT 16
#define MIN_SHA_ROUNDS 1000
#define MIN_BCRYPT_COST 4
#define BCRYPT_SALT 22

typedef struct {
  const char *prefix;
  const char *(*find_fault)(const char *cost); /* NULL: what follows may be affordable */
  gboolean has_cost;                           /* always; else if it begins with ROUNDS */
  gsize max_salt;
  gsize digest; /* with bcrypt, the salt before it is part of it */
} CryptMethod;

static const char *skip_rounds(const char *cost) {
  return g_str_has_prefix(cost, ROUNDS) ? cost + strcspn(cost, "$") + 1 : cost;
}

/* "rounds=N$" after the method; without it there are 5,000. */
static const char *find_fault_of_rounds(const char *cost) {
  guint32 rounds = 0;
  const char *cursor = cost + strlen(ROUNDS);
  if (!g_str_has_prefix(cost, ROUNDS))
    return NULL;
  if (!encoding_take_number(&cursor, &rounds) || *cursor != '$' || rounds < MIN_SHA_ROUNDS)
    return FAULT_DAMAGED;
  return rounds > MAX_SHA_ROUNDS ? FAULT_TOO_DEAR : NULL;
}

/* Two digits, the binary logarithm of the rounds. */
static const char *find_fault_of_bcrypt(const char *cost) {
  if (!g_ascii_isdigit(cost[0]) || !g_ascii_isdigit(cost[1]) || cost[2] != '$')
    return FAULT_DAMAGED;
  int logarithm = g_ascii_digit_value(cost[0]) * 10 + g_ascii_digit_value(cost[1]);
  if (logarithm > MAX_BCRYPT_COST)
    return FAULT_TOO_DEAR;
  return logarithm < MIN_BCRYPT_COST ? FAULT_DAMAGED : NULL;
}

static gboolean is_digit_up_to(char digit, char last) {
  const char *found = digit == '\0' ? NULL : strchr(DIGITS, digit);
  return found != NULL && found <= strchr(DIGITS, last);
}

/* Flavour, rounds and block size, as crypt_gensalt(3) writes them: parameters
 * after them would multiply the work. */
static const char *find_fault_of_yescrypt(const char *cost) {
  if (strcspn(cost, "$") < 3 || strchr(cost, '$') == NULL)
    return FAULT_DAMAGED;
  gboolean affordable = strcspn(cost, "$") == 3 && cost[0] == 'j' &&
                        is_digit_up_to(cost[1], MAX_YESCRYPT_ROUNDS) &&
                        is_digit_up_to(cost[2], MAX_YESCRYPT_BLOCK);
  return affordable ? NULL : FAULT_TOO_DEAR;
}

static const CryptMethod methods[] = {
    {"$y$", find_fault_of_yescrypt, TRUE, 86, 43},
    {"$6$", find_fault_of_rounds, FALSE, MAX_SHA_SALT, 86},
    {"$5$", find_fault_of_rounds, FALSE, MAX_SHA_SALT, 43},
    {"$2b$", find_fault_of_bcrypt, TRUE, 0, BCRYPT_SALT + 31},
};

/* @hash begins as one of them does. */
static const CryptMethod *find_method(const char *hash) {
  guint i = 0;
  while (i + 1 < G_N_ELEMENTS(methods) && !g_str_has_prefix(hash, methods[i].prefix))
    i++;
  return &methods[i];
}

/* Method and cost. */
static gsize get_kind_length(const CryptMethod *method, const char *hash) {
  const char *cost = hash + strlen(method->prefix);
  const char *end = method->has_cost ? cost + strcspn(cost, "$") + 1 : skip_rounds(cost);
  return (gsize)(end - hash);
}

/* After the cost: a salt, `$` and the digest; bcrypt's salt is of one size and has none. */
static gboolean is_whole(const CryptMethod *method, const char *rest) {
  gsize salt = strcspn(rest, "$");
  if (method->max_salt == 0)
    return strlen(rest) == method->digest && strspn(rest, DIGITS) == method->digest;
  const char *digest = rest + salt + 1;
  return salt <= method->max_salt && rest[salt] == '$' && strlen(digest) == method->digest &&
         strspn(digest, DIGITS) == method->digest;
}

static const char *find_fault(const char *hash) {
  const CryptMethod *method = find_method(hash);
  const char *fault = method->find_fault(hash + strlen(method->prefix));
  if (fault != NULL)
    return fault;
  if (!is_whole(method, hash + get_kind_length(method, hash)))
    return FAULT_DAMAGED;
  return crypt_checksalt(hash) == CRYPT_SALT_INVALID ? FAULT_DAMAGED : NULL;
}

static char *dup_kind(const char *hash) {
  return g_strndup(hash, get_kind_length(find_method(hash), hash));
}

static gsize find_digest(const char *hash) {
  const CryptMethod *method = find_method(hash);
  return strlen(hash) - method->digest + (method->max_salt == 0 ? BCRYPT_SALT : 0);
}

static HashResult judge(const char *made, const char *hash) {
  if (made == NULL || *made == '*')
    return errno == ENOMEM ? HASH_NO_MEMORY : HASH_UNUSABLE;
  gsize size = strlen(hash);
  return strlen(made) == size && CRYPTO_memcmp(made, hash, size) == 0 ? HASH_RIGHT : HASH_WRONG;
}

static HashResult prove(const char *password, gsize size, const char *hash) {
  if (size >= CRYPT_MAX_PASSPHRASE_SIZE)
    return HASH_WRONG; /* crypt(3) makes no hash of it */
  struct crypt_data *data = memset(secret_alloc(sizeof *data), 0, sizeof *data);
  errno = 0;
  HashResult result = judge(crypt_r(password, hash, data), hash);
  secret_free(data, sizeof *data);
  return result;
}

static const char *const prefixes[] = {"$y$", "$6$", "$5$", "$2b$", NULL};

const HashMethod hash_crypt = {prefixes, find_fault, dup_kind, prove, find_digest};

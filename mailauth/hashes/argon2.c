/* SPDX-License-Identifier: MIT */
/* Argon2 (RFC 9106) by libargon2: "$argon2id$v=19$m=65536,t=3,p=4$salt$hash", both in base64
 * without padding; without a version it is 16. The text is read here, and what it asks for is
 * bounded before anything is computed. Lanes are computed one after the other: that makes the
 * same hash, and a login takes one thread. */
#include <argon2.h>
#include <openssl/crypto.h>
#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/hashes/encoding.h"
#include "mailauth/hashes/method.h"

/* Less could be found by chance. */
#define MIN_TAG 16

typedef struct {
  argon2_type type;
  guint32 version, memory /* KiB */, passes, lanes;
  gsize cost; /* length of the text before the salt */
  guint8 salt[MAX_HASH_SALT];
  gsize salt_size;
  guint8 tag[MAX_ARGON2_TAG];
  gsize tag_size;
} Argon2;

static gboolean take_text(const char **cursor, const char *text) {
  if (!g_str_has_prefix(*cursor, text))
    return FALSE;
  *cursor += strlen(text);
  return TRUE;
}

static gboolean read_type(const char **cursor, Argon2 *parts) {
  parts->type = Argon2_id;
  if (take_text(cursor, "$argon2id$"))
    return TRUE;
  parts->type = Argon2_i;
  return take_text(cursor, "$argon2i$");
}

static gboolean read_cost(const char **cursor, Argon2 *parts) {
  parts->version = ARGON2_VERSION_10;
  if (take_text(cursor, "v=") &&
      (!encoding_take_number(cursor, &parts->version) || !take_text(cursor, "$")))
    return FALSE;
  return take_text(cursor, "m=") && encoding_take_number(cursor, &parts->memory) &&
         take_text(cursor, ",t=") && encoding_take_number(cursor, &parts->passes) &&
         take_text(cursor, ",p=") && encoding_take_number(cursor, &parts->lanes) &&
         take_text(cursor, "$");
}

static gboolean is_affordable(const Argon2 *parts) {
  return parts->memory <= MAX_ARGON2_MEMORY && parts->passes <= MAX_ARGON2_PASSES &&
         parts->lanes <= MAX_ARGON2_LANES &&
         (guint64)parts->memory * parts->passes <= MAX_ARGON2_WORK;
}

static gboolean is_sound(const Argon2 *parts) {
  return (parts->version == ARGON2_VERSION_10 || parts->version == ARGON2_VERSION_13) &&
         parts->memory >= 2 * ARGON2_SYNC_POINTS * parts->lanes &&
         parts->salt_size >= ARGON2_MIN_SALT_LENGTH && parts->tag_size >= MIN_TAG;
}

static const char *read_parts(const char *hash, Argon2 *parts) {
  const char *cursor = hash;
  if (!read_type(&cursor, parts) || !read_cost(&cursor, parts))
    return FAULT_DAMAGED;
  if (!is_affordable(parts))
    return FAULT_TOO_DEAR;
  parts->cost = (gsize)(cursor - hash);
  gsize salt = strcspn(cursor, "$");
  parts->salt_size = encoding_read_unpadded(cursor, salt, parts->salt, sizeof parts->salt);
  if (cursor[salt] != '$')
    return FAULT_DAMAGED;
  cursor += salt + 1;
  parts->tag_size = encoding_read_unpadded(cursor, strlen(cursor), parts->tag, sizeof parts->tag);
  return is_sound(parts) ? NULL : FAULT_DAMAGED;
}

static const char *find_fault(const char *hash) {
  Argon2 parts = {0};
  return read_parts(hash, &parts);
}

static char *dup_kind(const char *hash) {
  Argon2 parts = {0};
  return read_parts(hash, &parts) == NULL ? g_strndup(hash, parts.cost) : NULL;
}

static gsize find_digest(const char *hash) {
  return (gsize)(strrchr(hash, '$') + 1 - hash);
}

static HashResult prove(const char *password, gsize size, const char *hash) {
  Argon2 parts = {0};
  guint8 made[MAX_ARGON2_TAG] = {0};
  if (read_parts(hash, &parts) != NULL)
    return HASH_UNUSABLE;
  argon2_context context = {
      .out = made,
      .outlen = (guint32)parts.tag_size,
      .pwd = (guint8 *)(gsize)password, /* only read: no flag has it wiped */
      .pwdlen = (guint32)size,
      .salt = parts.salt,
      .saltlen = (guint32)parts.salt_size,
      .t_cost = parts.passes,
      .m_cost = parts.memory,
      .lanes = parts.lanes,
      .threads = 1,
      .version = parts.version,
      .flags = ARGON2_DEFAULT_FLAGS,
  };
  int code = argon2_ctx(&context, parts.type);
  gboolean right = CRYPTO_memcmp(made, parts.tag, parts.tag_size) == 0;
  explicit_bzero(made, sizeof made);
  if (code != ARGON2_OK)
    return code == ARGON2_MEMORY_ALLOCATION_ERROR ? HASH_NO_MEMORY : HASH_UNUSABLE;
  return right ? HASH_RIGHT : HASH_WRONG;
}

static const char *const prefixes[] = {"$argon2id$", "$argon2i$", NULL};

const HashMethod hash_argon2 = {prefixes, find_fault, dup_kind, prove, find_digest};

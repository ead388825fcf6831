/* SPDX-License-Identifier: MIT */
/* See seal.h. A sealed value is: the format (1 byte), the id of its key, the nonce, the data, and
 * the tag, which also covers where it stands. */
#include "regd/fleet/seal/seal.h"

#include <nettle/gcm.h>
#include <nettle/memops.h>
#include <nettle/version.h>
#include <string.h>
#include <sys/random.h>

#include "client/base/error.h"

#define FORMAT 1U
#define NONCE_BYTES GCM_IV_SIZE
#define TAG_BYTES GCM_DIGEST_SIZE
#define NONCE_AT (1U + FLEET_KEY_ID_BYTES)
#define DATA_AT (NONCE_AT + NONCE_BYTES)

/* What the tag covers besides: every part ends where the next begins. nettle takes such data in
 * parts, of which only the last may be no multiple of 16 bytes: so they are joined. */
static GByteArray *join_place(const FleetSealPlace *place, guint32 type) {
  GByteArray *joined = g_byte_array_new();
  gsize size = 0;
  const guint8 *uuid = g_bytes_get_data(place->uuid, &size);
  guint8 format = FORMAT;
  guint8 type_bytes[] = {(guint8)type, (guint8)(type >> 8), (guint8)(type >> 16),
                         (guint8)(type >> 24)};
  g_byte_array_append(joined, &format, 1);
  g_byte_array_append(joined, uuid, (guint)size); /* FLEET_ID_BYTES */
  g_byte_array_append(joined, type_bytes, sizeof type_bytes);
  g_byte_array_append(joined, (const guint8 *)place->layer, (guint)strlen(place->layer) + 1);
  g_byte_array_append(joined, (const guint8 *)place->key, (guint)strlen(place->key));
  return joined;
}

static void begin(struct gcm_aes256_ctx *context, const FleetSealKey *key, const guint8 *nonce,
                  const FleetSealPlace *place, guint32 type) {
  g_autoptr(GByteArray) joined = join_place(place, type);
  gcm_aes256_set_key(context, key->key);
  gcm_aes256_set_iv(context, NONCE_BYTES, nonce);
  gcm_aes256_update(context, joined->len, joined->data);
}

static void end(struct gcm_aes256_ctx *context, guint8 *tag) {
#if NETTLE_VERSION_MAJOR >= 4
  gcm_aes256_digest(context, tag);
#else
  gcm_aes256_digest(context, TAG_BYTES, tag);
#endif
  explicit_bzero(context, sizeof *context);
}

/* ---- sealing ---- */

GBytes *fleet_seal(const FleetKeyring *keyring, const FleetSealPlace *place,
                   const RegistryValue *value, GError **error) {
  const FleetSealKey *key = &keyring->keys[0];
  struct gcm_aes256_ctx context;
  gsize size = 0;
  const guint8 *data = registry_value_get_bytes(value, &size);
  g_autofree guint8 *sealed = g_malloc(DATA_AT + size + TAG_BYTES);
  sealed[0] = FORMAT;
  memcpy(sealed + 1, key->id, sizeof key->id);
  if (getrandom(sealed + NONCE_AT, NONCE_BYTES, 0) != (ssize_t)NONCE_BYTES) {
    error_set(error, REGISTRY_ERROR_FAILED, "the system gives no random numbers");
    return NULL;
  }
  begin(&context, key, sealed + NONCE_AT, place, registry_value_get_type(value));
  gcm_aes256_encrypt(&context, size, sealed + DATA_AT, data);
  end(&context, sealed + DATA_AT + size);
  return g_bytes_new_take(g_steal_pointer(&sealed), DATA_AT + size + TAG_BYTES);
}

/* ---- opening ---- */

static const FleetSealKey *find_key(const FleetKeyring *keyring, const guint8 *id) {
  for (guint i = 0; i < keyring->n_keys; i++)
    if (memcmp(keyring->keys[i].id, id, FLEET_KEY_ID_BYTES) == 0)
      return &keyring->keys[i];
  return NULL;
}

/* @size: of the data. NULL: it is not what was sealed for @place. */
static RegistryValue *decrypt(const FleetSealKey *key, const FleetSealPlace *place, guint32 type,
                              const guint8 *sealed, gsize size) {
  struct gcm_aes256_ctx context;
  guint8 tag[TAG_BYTES];
  g_autofree guint8 *data = g_malloc(MAX(size, 1));
  begin(&context, key, sealed + NONCE_AT, place, type);
  gcm_aes256_decrypt(&context, size, data, sealed + DATA_AT);
  end(&context, tag);
  RegistryValue *value = memeql_sec(tag, sealed + DATA_AT + size, sizeof tag)
                             ? registry_value_new_bytes(type, data, size)
                             : NULL;
  explicit_bzero(data, size);
  return value;
}

RegistryValue *fleet_seal_open(const FleetKeyring *keyring, const FleetSealPlace *place,
                               guint32 type, GBytes *sealed, GError **error) {
  gsize size = 0;
  const guint8 *bytes = g_bytes_get_data(sealed, &size);
  if (size < DATA_AT + TAG_BYTES || bytes[0] != FORMAT) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is not sealed in a way that is known here");
    return NULL;
  }
  const FleetSealKey *key = find_key(keyring, bytes + 1);
  if (key == NULL) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "it is sealed with a key that the Key File of this host does not hold");
    return NULL;
  }
  RegistryValue *value = decrypt(key, place, type, bytes, size - DATA_AT - TAG_BYTES);
  if (value == NULL)
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "it was not sealed for this place, or has been changed since");
  return value;
}

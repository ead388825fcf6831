/* SPDX-License-Identifier: MIT */
/* See secret-mac.h. */
#include "mailauth/base/secret-mac.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define KEY_BYTES 32

struct SecretMac {
  guint8 *key; /* in memory of its own, locked if limits allow; NULL: there was none */
  EVP_MAC *method;
};

static guint8 *key_new(void) {
  guint8 *key = mmap(NULL, KEY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (key == MAP_FAILED)
    return NULL;
  (void)mlock(key, KEY_BYTES);
  (void)madvise(key, KEY_BYTES, MADV_DONTDUMP);
  (void)madvise(key, KEY_BYTES, MADV_WIPEONFORK);
  if (getrandom(key, KEY_BYTES, 0) == KEY_BYTES)
    return key;
  munmap(key, KEY_BYTES);
  return NULL;
}

SecretMac *secret_mac_new(void) {
  SecretMac *mac = g_new0(SecretMac, 1);
  mac->key = key_new();
  mac->method = EVP_MAC_fetch(NULL, "HMAC", NULL);
  return mac;
}

void secret_mac_free(SecretMac *mac) {
  if (mac == NULL)
    return;
  EVP_MAC_free(mac->method);
  if (mac->key != NULL) {
    explicit_bzero(mac->key, KEY_BYTES);
    munmap(mac->key, KEY_BYTES);
  }
  g_free(mac);
}

static gboolean begin(const SecretMac *mac, EVP_MAC_CTX *context) {
  char name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_init(context, mac->key, KEY_BYTES, parameters) == 1;
}

static gboolean add_part(EVP_MAC_CTX *context, const SecretPart *part) {
  const guint64 length = part->size;
  return EVP_MAC_update(context, (const guint8 *)&length, sizeof length) == 1 &&
         EVP_MAC_update(context, part->bytes, part->size) == 1;
}

/* What libcrypto makes of the key and the parts is wiped with the context. */
gboolean secret_mac_make(const SecretMac *mac, const SecretPart *parts, guint n_parts,
                         guint8 digest[SECRET_MAC_BYTES]) {
  gboolean usable = mac->key != NULL && mac->method != NULL;
  EVP_MAC_CTX *context = usable ? EVP_MAC_CTX_new(mac->method) : NULL;
  gsize size = 0;
  gboolean made = context != NULL && begin(mac, context);
  for (guint i = 0; made && i < n_parts; i++)
    made = add_part(context, &parts[i]);
  made = made && EVP_MAC_final(context, digest, &size, SECRET_MAC_BYTES) == 1 &&
         size == SECRET_MAC_BYTES;
  EVP_MAC_CTX_free(context);
  return made;
}

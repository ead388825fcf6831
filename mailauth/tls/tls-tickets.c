/* SPDX-License-Identifier: MIT */
/* See tls-tickets.h. */
#include "mailauth/tls/tls-tickets.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <string.h>

/* What OpenSSL's callback may answer. */
#define TICKET_FAILED (-1)
#define TICKET_NONE 0
#define TICKET_GOOD 1
#define TICKET_RENEW 2

gboolean ticket_keys_rotate(TicketKeys *keys) {
  TicketKey new;
  if (RAND_bytes(new.name, sizeof new.name) != 1 ||
      RAND_priv_bytes(new.cipher, sizeof new.cipher) != 1 ||
      RAND_priv_bytes(new.seal, sizeof new.seal) != 1) {
    ticket_keys_wipe(keys);
    return FALSE;
  }
  keys->keys[1] = keys->keys[0];
  keys->keys[0] = new;
  keys->count = MIN(keys->count + 1, G_N_ELEMENTS(keys->keys));
  explicit_bzero(&new, sizeof new);
  return TRUE;
}

void ticket_keys_wipe(TicketKeys *keys) {
  explicit_bzero(keys, sizeof *keys);
}

static gboolean set_seal(const TicketKey *key, EVP_MAC_CTX *seal) {
  guint8 secret[sizeof key->seal];
  char digest[] = "SHA256";
  memcpy(secret, key->seal, sizeof secret);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof secret),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  gboolean set = EVP_MAC_CTX_set_params(seal, parameters) == 1;
  explicit_bzero(secret, sizeof secret);
  return set;
}

static int seal_ticket(const TicketKeys *keys, guint8 *name, guint8 *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *seal) {
  const TicketKey *key = &keys->keys[0];
  if (keys->count == 0)
    return TICKET_NONE;
  memcpy(name, key->name, sizeof key->name);
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
      EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) != 1 ||
      !set_seal(key, seal))
    return TICKET_FAILED;
  return TICKET_GOOD;
}

static int open_ticket(const TicketKeys *keys, const guint8 *name, const guint8 *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *seal) {
  for (guint i = 0; i < keys->count; i++) {
    const TicketKey *key = &keys->keys[i];
    if (memcmp(name, key->name, sizeof key->name) != 0)
      continue;
    if (EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) != 1 ||
        !set_seal(key, seal))
      return TICKET_FAILED;
    return i == 0 ? TICKET_GOOD : TICKET_RENEW;
  }
  return TICKET_NONE;
}

int ticket_keys_use(const TicketKeys *keys, guint8 *name, guint8 *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *seal, gboolean sealing) {
  return sealing ? seal_ticket(keys, name, iv, cipher, seal)
                 : open_ticket(keys, name, iv, cipher, seal);
}

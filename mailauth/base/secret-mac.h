/* SPDX-License-Identifier: MIT */
/* Secrets by their keyed digests: whether two are the same can be told while the process
 * lives, and nothing else. The key is in no core file and in no child. */
#ifndef MAILAUTH_BASE_SECRET_MAC_H
#define MAILAUTH_BASE_SECRET_MAC_H

#include <glib.h>

#define SECRET_MAC_BYTES 32

typedef struct SecretMac SecretMac;

typedef struct {
  gconstpointer bytes;
  gsize size;
} SecretPart;

/* With a key of its own. */
SecretMac *secret_mac_new(void);
void secret_mac_free(SecretMac *mac);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SecretMac, secret_mac_free)

/* The digest of the parts: HMAC-SHA-256 (RFC 2104), each part with its length before it, so
 * that no other parts are the same bytes. FALSE: there was no key, or no memory. */
gboolean secret_mac_make(const SecretMac *mac, const SecretPart *parts, guint n_parts,
                         guint8 digest[SECRET_MAC_BYTES]);

#endif

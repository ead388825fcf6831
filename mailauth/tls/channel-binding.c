/* SPDX-License-Identifier: MIT */
/* channel-binding.h: each type by itself.
 *
 * tls-exporter and tls-unique are sound in TLS 1.2 only with the extended master
 * secret (RFC 9266, section 4; RFC 7627): without it two connections can be made
 * to have the same. tls-unique is not defined for TLS 1.3. */
#include "mailauth/tls/channel-binding.h"

#include <openssl/x509.h>
#include <string.h>

#include "mailauth/tls/tls-server.h"

#define EXPORTER_LABEL "EXPORTER-Channel-Binding"
#define EXPORTER_BYTES 32

typedef struct {
  ChannelBinding *all;
  guint count;
} List;

static void add(List *list, const char *type, const guint8 *bytes, gsize size) {
  if (list->count >= MAX_CHANNEL_BINDINGS || size == 0 || size > MAX_CHANNEL_BINDING)
    return;
  ChannelBinding *binding = &list->all[list->count++];
  *binding = (ChannelBinding){.type = type, .size = size};
  memcpy(binding->bytes, bytes, size);
}

static void add_exporter(SSL *tls, List *list) {
  guint8 bytes[EXPORTER_BYTES];
  if (SSL_export_keying_material(tls, bytes, sizeof bytes, EXPORTER_LABEL, strlen(EXPORTER_LABEL),
                                 (const guint8 *)"", 0, 1) == 1)
    add(list, "tls-exporter", bytes, sizeof bytes);
  explicit_bzero(bytes, sizeof bytes);
}

/* The Finished message that was sent first: the client's, or, if a session is resumed,
 * the server's. */
static void add_unique(const SSL *tls, List *list) {
  guint8 bytes[MAX_CHANNEL_BINDING];
  gsize size = SSL_session_reused(tls) ? SSL_get_finished(tls, bytes, sizeof bytes)
                                       : SSL_get_peer_finished(tls, bytes, sizeof bytes);
  add(list, "tls-unique", bytes, MIN(size, sizeof bytes));
}

/* By the hash of the certificate's signature, with SHA-256 for what is older; a
 * certificate signed without one (Ed25519) has no such binding (RFC 5929, section 4.1). */
static void add_certificate(X509 *certificate, List *list) {
  guint8 bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  int hash = NID_undef;
  if (certificate == NULL || X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 ||
      hash == NID_undef)
    return;
  const EVP_MD *method =
      hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
  if (method != NULL && X509_digest(certificate, method, bytes, &size) == 1)
    add(list, "tls-server-end-point", bytes, size);
}

guint channel_binding_list(SSL *tls, ChannelBinding *bindings) {
  List list = {bindings, 0};
  gboolean is_latest = SSL_version(tls) >= TLS1_3_VERSION;
  if (is_latest || SSL_get_extms_support(tls) == 1)
    add_exporter(tls, &list);
  if (!is_latest && SSL_get_extms_support(tls) == 1)
    add_unique(tls, &list);
  add_certificate(tls_server_find_certificate(tls), &list);
  return list.count;
}

/* SPDX-License-Identifier: MIT */
/* tls-server.h. One SSL_CTX without a certificate is what all connections begin from:
 * the client's first message says which host it wants, and everything of that host is
 * attached to the connection from then on. This happens before OpenSSL looks for a
 * session to resume, so that each host's tickets have keys of their own; the certificate
 * itself is chosen only if nothing is resumed. */
#include "mailauth/tls/tls-server.h"

#include <openssl/err.h>
#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/host-name.h"
#include "mailauth/base/limits.h"
#include "mailauth/tls/tls-ciphers.h"
#include "mailauth/tls/tls-tickets.h"

#define GROUPS "X25519:P-256:X448:P-384:P-521"

/* What one name stands for. It does not change: if a certificate changes another one
 * takes its place, with keys of its own, and those connections that hold this one keep
 * it. */
typedef struct {
  guint references;
  char *name;
  TlsPair *pairs[N_CERTIFICATE_SLOTS];
  TicketKeys tickets;
} Host;

struct TlsServer {
  SSL_CTX *context;
  int host_index;    /* of the Host among what hangs on a connection */
  GHashTable *hosts; /* name -> Host */
};

/* ---- hosts ---- */

static void host_unref(gpointer data) {
  Host *host = data;
  if (host == NULL || --host->references > 0)
    return;
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++)
    tls_pair_unref(host->pairs[i]);
  ticket_keys_wipe(&host->tickets);
  g_free(host->name);
  g_free(host);
}

/* With the pairs of @old, which may be NULL. */
static Host *host_new(const char *name, const Host *old) {
  Host *host = g_new0(Host, 1);
  host->references = 1;
  host->name = g_strdup(name);
  for (guint i = 0; old != NULL && i < N_CERTIFICATE_SLOTS; i++)
    host->pairs[i] = old->pairs[i] != NULL ? tls_pair_ref(old->pairs[i]) : NULL;
  /* Without a key there are no tickets, and every session is a new one. */
  (void)ticket_keys_rotate(&host->tickets);
  return host;
}

static gboolean host_is_empty(const Host *host) {
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++)
    if (host->pairs[i] != NULL)
      return FALSE;
  return TRUE;
}

/* The one of this name, the one whose wildcard covers it, the one for all. */
static Host *find_host(const TlsServer *server, const char *name) {
  char wildcard[MAX_HOST_NAME + 1];
  Host *host = *name != '\0' ? g_hash_table_lookup(server->hosts, name) : NULL;
  if (host == NULL && *name != '\0' && host_name_generalise(name, wildcard))
    host = g_hash_table_lookup(server->hosts, wildcard);
  return host != NULL ? host : g_hash_table_lookup(server->hosts, "");
}

/* ---- what OpenSSL asks ---- */

static TlsServer *server_of(const SSL *connection) {
  return SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection));
}

static Host *host_of(const SSL *connection) {
  return SSL_get_ex_data(connection, server_of(connection)->host_index);
}

static void free_host_of(G_GNUC_UNUSED void *parent, void *host, G_GNUC_UNUSED CRYPTO_EX_DATA *all,
                         G_GNUC_UNUSED int index, G_GNUC_UNUSED long number,
                         G_GNUC_UNUSED void *data) {
  host_unref(host);
}

static int on_client_hello(SSL *connection, int *alert, void *data) {
  const TlsServer *server = data;
  const unsigned char *extension = NULL;
  size_t size = 0;
  char name[MAX_HOST_NAME + 1] = "";
  /* A client that is asked for another key share says all again. */
  if (host_of(connection) != NULL)
    return SSL_CLIENT_HELLO_SUCCESS;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_server_name, &extension, &size) != 1 ||
      !host_name_find(extension, size, name))
    name[0] = '\0';
  Host *host = find_host(server, name);
  if (host == NULL) {
    SSL_set_app_data(connection, data);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (SSL_set_ex_data(connection, server->host_index, host) != 1) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  host->references++;
  return SSL_CLIENT_HELLO_SUCCESS;
}

/* Whether the client is told that its name was known. */
static int on_server_name(SSL *connection, G_GNUC_UNUSED int *alert, G_GNUC_UNUSED void *data) {
  const Host *host = host_of(connection);
  return host != NULL && *host->name != '\0' ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* OpenSSL keeps one of each algorithm: the first slot's is the one that stays. */
static int on_certificate(SSL *connection, G_GNUC_UNUSED void *data) {
  const Host *host = host_of(connection);
  for (guint i = N_CERTIFICATE_SLOTS; host != NULL && i-- > 0;) {
    const TlsPair *pair = host->pairs[i];
    if (pair != NULL &&
        SSL_use_cert_and_key(connection, pair->certificate, pair->key, pair->chain, 1) != 1)
      return 0;
  }
  return host != NULL;
}

static int on_ticket_key(SSL *connection, unsigned char *name, unsigned char *iv,
                         EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *seal, int sealing) {
  const Host *host = host_of(connection);
  return host == NULL ? 0 : ticket_keys_use(&host->tickets, name, iv, cipher, seal, sealing != 0);
}

/* A ticket remembers which of the host's certificates its session began by. */
static int on_seal_ticket(SSL *connection, G_GNUC_UNUSED void *data) {
  const Host *host = host_of(connection);
  const X509 *certificate = SSL_get_certificate(connection);
  if (SSL_session_reused(connection))
    return 1; /* it is there still */
  for (guint8 i = 0; host != NULL && i < N_CERTIFICATE_SLOTS; i++)
    if (host->pairs[i] != NULL && host->pairs[i]->certificate == certificate)
      return SSL_SESSION_set1_ticket_appdata(SSL_get_session(connection), &i, sizeof i);
  return 1;
}

static SSL_TICKET_RETURN on_open_ticket(G_GNUC_UNUSED SSL *connection,
                                        G_GNUC_UNUSED SSL_SESSION *session,
                                        G_GNUC_UNUSED const unsigned char *name,
                                        G_GNUC_UNUSED size_t size, SSL_TICKET_STATUS status,
                                        G_GNUC_UNUSED void *data) {
  return status == SSL_TICKET_SUCCESS         ? SSL_TICKET_RETURN_USE
         : status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
                                              : SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* ---- the server ---- */

static void set_protocol(SSL_CTX *context) {
  SSL_CTX_set_security_level(context, TLS_SECURITY_LEVEL);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, TLS_CIPHERS);
  SSL_CTX_set_dh_auto(context, 1); /* a list may name ciphers of DHE */
  SSL_CTX_set1_groups_list(context, GROUPS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_IGNORE_UNEXPECTED_EOF);
  /* Thousands of connections are idle: their buffers go back between records. The chain
   * is what the file has: nothing is put together for each client. */
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
}

static void set_resumption(SSL_CTX *context) {
  static const unsigned char identity[] = "mailauthd";
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, identity, sizeof identity - 1);
  SSL_CTX_set_timeout(context, TICKET_SECONDS);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, on_seal_ticket, on_open_ticket, NULL);
}

TlsServer *tls_server_new(GError **error) {
  g_autoptr(TlsServer) server = g_new0(TlsServer, 1);
  server->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, host_unref);
  server->context = SSL_CTX_new(TLS_server_method());
  server->host_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_host_of);
  if (server->context == NULL || server->host_index < 0) {
    ERR_clear_error();
    error_set(error, REGISTRY_ERROR_FAILED, "TLS can't be had");
    return NULL;
  }
  set_protocol(server->context);
  set_resumption(server->context);
  SSL_CTX_set_app_data(server->context, server);
  SSL_CTX_set_client_hello_cb(server->context, on_client_hello, server);
  SSL_CTX_set_tlsext_servername_callback(server->context, on_server_name);
  SSL_CTX_set_cert_cb(server->context, on_certificate, NULL);
  return g_steal_pointer(&server);
}

void tls_server_free(TlsServer *server) {
  if (server == NULL)
    return;
  SSL_CTX_free(server->context);
  g_hash_table_unref(server->hosts);
  g_free(server);
}

SSL_CTX *tls_server_get_context(const TlsServer *server) {
  return g_hash_table_size(server->hosts) > 0 ? server->context : NULL;
}

void tls_server_set_minimum(TlsServer *server, guint16 version) {
  SSL_CTX_set_min_proto_version(server->context, MAX(version, TLS1_2_VERSION));
}

gboolean tls_server_set_ciphers(TlsServer *server, const char *ciphers) {
  return tls_ciphers_check(ciphers, NULL) &&
         SSL_CTX_set_cipher_list(server->context, *ciphers != '\0' ? ciphers : TLS_CIPHERS) == 1;
}

gboolean tls_server_set_pair(TlsServer *server, const char *host, CertificateSlot slot,
                             TlsPair *pair, GError **error) {
  const Host *old = g_hash_table_lookup(server->hosts, host);
  if (old == NULL && g_hash_table_size(server->hosts) > MAX_CERTIFICATE_HOSTS)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "there are more than %d hosts",
                     MAX_CERTIFICATE_HOSTS);
  if (tls_pair_equal(old != NULL ? old->pairs[slot] : NULL, pair))
    return TRUE;
  Host *new = host_new(host, old);
  tls_pair_unref(new->pairs[slot]);
  new->pairs[slot] = pair != NULL ? tls_pair_ref(pair) : NULL;
  if (!host_is_empty(new)) {
    g_hash_table_replace(server->hosts, new->name, new);
    return TRUE;
  }
  g_hash_table_remove(server->hosts, host);
  host_unref(new);
  return TRUE;
}

const TlsPair *tls_server_get_pair(const TlsServer *server, const char *host,
                                   CertificateSlot slot) {
  const Host *found = g_hash_table_lookup(server->hosts, host);
  return found != NULL ? found->pairs[slot] : NULL;
}

void tls_server_visit(const TlsServer *server, TlsServerVisit visit, gpointer data) {
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, server->hosts);
  while (g_hash_table_iter_next(&each, NULL, &value)) {
    const Host *host = value;
    for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++)
      if (host->pairs[i] != NULL)
        visit(host->name, (CertificateSlot)i, host->pairs[i], data);
  }
}

void tls_server_rotate_tickets(TlsServer *server) {
  GHashTableIter each;
  gpointer value = NULL;
  g_hash_table_iter_init(&each, server->hosts);
  while (g_hash_table_iter_next(&each, NULL, &value))
    (void)ticket_keys_rotate(&((Host *)value)->tickets);
}

/* ---- connections ---- */

X509 *tls_server_find_certificate(const SSL *connection) {
  const Host *host = host_of(connection);
  void *slot = NULL;
  size_t size = 0;
  if (!SSL_is_init_finished(connection) || host == NULL)
    return NULL;
  if (!SSL_session_reused(connection))
    return SSL_get_certificate(connection);
  if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(connection), &slot, &size) != 1 ||
      size != 1 || *(const guint8 *)slot >= N_CERTIFICATE_SLOTS)
    return NULL;
  const TlsPair *pair = host->pairs[*(const guint8 *)slot];
  return pair != NULL ? pair->certificate : NULL;
}

gboolean tls_server_lacked_certificate(const SSL *connection) {
  return SSL_get_app_data(connection) != NULL;
}

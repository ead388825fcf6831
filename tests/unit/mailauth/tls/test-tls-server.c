/* SPDX-License-Identifier: MIT */
/* The server's side of TLS against a client in the same process: whose
 * certificate, which sessions are resumed, and what is known of a connection. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/base/limits.h"
#include "mailauth/tls/tls-server.h"

/* ---- pairs ---- */

static EVP_PKEY *new_ec_key(void) {
  return EVP_EC_gen("P-256");
}

static EVP_PKEY *new_rsa_key(void) {
  return EVP_RSA_gen(2048);
}

static X509 *new_certificate(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             (const guint8 *)"t\303\251st", -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  return certificate;
}

/* Both in one file, as it may be. */
static TlsPair *new_pair(EVP_PKEY *(*new_key)(void)) {
  g_autoptr(GError) error = NULL;
  EVP_PKEY *key = new_key();
  X509 *certificate = new_certificate(key);
  int descriptor = memfd_create("pair", MFD_CLOEXEC);
  FILE *file = fdopen(dup(descriptor), "w");
  g_assert_cmpint(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
  g_assert_cmpint(PEM_write_X509(file, certificate), ==, 1);
  fclose(file);
  TlsPair *pair = tls_pair_new(descriptor, descriptor, &error);
  g_assert_no_error(error);
  close(descriptor);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

static void set_pair(TlsServer *server, const char *host, CertificateSlot slot, TlsPair *pair) {
  g_autoptr(GError) error = NULL;
  g_assert_true(tls_server_set_pair(server, host, slot, pair, &error));
  g_assert_no_error(error);
}

/* ---- connections ---- */

typedef struct {
  SSL *server, *client;
} Connection;

static Connection begin(const TlsServer *server, SSL_CTX *client, const char *host,
                        SSL_SESSION *session) {
  Connection connection = {SSL_new(tls_server_get_context(server)), SSL_new(client)};
  BIO *ends[2];
  g_assert_cmpint(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), ==, 1);
  SSL_set_bio(connection.server, ends[0], ends[0]);
  SSL_set_bio(connection.client, ends[1], ends[1]);
  SSL_set_accept_state(connection.server);
  SSL_set_connect_state(connection.client);
  if (host != NULL)
    SSL_set_tlsext_host_name(connection.client, host);
  if (session != NULL)
    SSL_set_session(connection.client, session);
  return connection;
}

/* FALSE: it has failed. */
static gboolean shake_hands(const Connection *connection) {
  char byte;
  for (guint i = 0; i < 10; i++) {
    int client = SSL_do_handshake(connection->client);
    int server = SSL_do_handshake(connection->server);
    if (server < 0 && SSL_get_error(connection->server, server) == SSL_ERROR_SSL) {
      ERR_clear_error();
      return FALSE;
    }
    if (client == 1 && server == 1)
      break;
  }
  /* The ticket comes after the handshake. */
  g_assert_cmpint(SSL_read(connection->client, &byte, 1), <, 0);
  ERR_clear_error();
  return TRUE;
}

static void end(Connection *connection) {
  SSL_free(connection->server);
  SSL_free(connection->client);
}

static SSL_CTX *new_client(int version) {
  SSL_CTX *client = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(client, version);
  SSL_CTX_set_max_proto_version(client, version);
  return client;
}

/* The session of a new connection. */
static SSL_SESSION *get_session(const TlsServer *server, SSL_CTX *client, const char *host,
                                const TlsPair *pair) {
  Connection connection = begin(server, client, host, NULL);
  g_assert_null(tls_server_find_certificate(connection.server));
  g_assert_true(shake_hands(&connection));
  g_assert_false(SSL_session_reused(connection.server));
  g_assert_true(tls_server_find_certificate(connection.server) == pair->certificate);
  SSL_SESSION *session = SSL_get1_session(connection.client);
  /* Sessions of connections that are not closed are bad ones to OpenSSL's client. */
  SSL_shutdown(connection.client);
  end(&connection);
  return session;
}

/* Whether it is resumed; the certificate is known either way. */
static gboolean resume(const TlsServer *server, SSL_CTX *client, const char *host,
                       SSL_SESSION *session, const TlsPair *pair) {
  Connection connection = begin(server, client, host, session);
  g_assert_true(shake_hands(&connection));
  gboolean resumed = SSL_session_reused(connection.server);
  g_assert_true(tls_server_find_certificate(connection.server) == pair->certificate);
  end(&connection);
  return resumed;
}

/* ---- tests ---- */

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void test_resumed_certificates(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) rsa = new_pair(new_rsa_key);
  g_autoptr(TlsPair) ec = new_pair(new_ec_key);
  g_assert_null(tls_server_get_context(server));
  set_pair(server, "", CERTIFICATE_FIRST, rsa);
  set_pair(server, "", CERTIFICATE_ALTERNATIVE, ec);
  for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
    const struct {
      const char *algorithms;
      const TlsPair *pair;
    } rows[] = {{"RSA-PSS+SHA256", rsa}, {"ECDSA+SHA256", ec}};
    for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
      SSL_CTX *client = new_client(versions[i]);
      SSL_CTX_set1_sigalgs_list(client, rows[row].algorithms);
      SSL_SESSION *session = get_session(server, client, NULL, rows[row].pair);
      g_assert_true(resume(server, client, NULL, session, rows[row].pair));
      SSL_SESSION_free(session);
      SSL_CTX_free(client);
    }
  }
}

/* Good for as long as a key opens, renewed by the one that does so only. */
static void test_rotation(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) pair = new_pair(new_ec_key);
  set_pair(server, "mail.example.org", CERTIFICATE_FIRST, pair);
  for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
    SSL_CTX *client = new_client(versions[i]);
    SSL_SESSION *session = get_session(server, client, "mail.example.org", pair);
    tls_server_rotate_tickets(server);
    g_assert_true(resume(server, client, "mail.example.org", session, pair));
    tls_server_rotate_tickets(server);
    g_assert_false(resume(server, client, "mail.example.org", session, pair));
    SSL_SESSION_free(session);
    SSL_CTX_free(client);
  }
}

static void test_changes(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) first = new_pair(new_ec_key);
  g_autoptr(TlsPair) second = new_pair(new_ec_key);
  for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
    SSL_CTX *client = new_client(versions[i]);
    set_pair(server, "a.example.org", CERTIFICATE_FIRST, first);
    set_pair(server, "*.example.org", CERTIFICATE_FIRST, first);
    SSL_SESSION *session = get_session(server, client, "a.example.org", first);
    g_assert_false(resume(server, client, "b.example.org", session, first));
    set_pair(server, "a.example.org", CERTIFICATE_FIRST, first);
    g_assert_true(resume(server, client, "a.example.org", session, first));
    set_pair(server, "a.example.org", CERTIFICATE_FIRST, second);
    g_assert_false(resume(server, client, "a.example.org", session, second));
    SSL_SESSION_free(session);
    SSL_CTX_free(client);
  }
}

/* A connection keeps what its first message chose, whatever is set meanwhile. */
static void test_change_in_the_middle(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) pair = new_pair(new_ec_key);
  set_pair(server, "", CERTIFICATE_FIRST, pair);
  SSL_CTX *client = new_client(TLS1_3_VERSION);
  Connection connection = begin(server, client, NULL, NULL);
  SSL_do_handshake(connection.client);
  SSL_do_handshake(connection.server);
  set_pair(server, "", CERTIFICATE_FIRST, NULL);
  g_assert_null(tls_server_get_context(server));
  g_assert_true(shake_hands(&connection));
  g_assert_true(tls_server_find_certificate(connection.server) == pair->certificate);
  end(&connection);
  SSL_CTX_free(client);
}

static void test_no_certificate_for_the_name(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) pair = new_pair(new_ec_key);
  set_pair(server, "mail.example.org", CERTIFICATE_FIRST, pair);
  static const char *const names[] = {NULL, "www.example.org"};
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    SSL_CTX *client = new_client(versions[i]);
    Connection connection = begin(server, client, names[i], NULL);
    g_assert_false(shake_hands(&connection));
    g_assert_true(tls_server_lacked_certificate(connection.server));
    g_assert_null(tls_server_find_certificate(connection.server));
    end(&connection);
    SSL_CTX_free(client);
  }
}

/* Both messages of a client that is asked for another key share. */
static void test_second_hello(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) pair = new_pair(new_ec_key);
  set_pair(server, "mail.example.org", CERTIFICATE_FIRST, pair);
  SSL_CTX *client = new_client(TLS1_3_VERSION);
  g_assert_cmpint(SSL_CTX_set1_groups_list(client, "ffdhe2048:P-384"), ==, 1);
  SSL_SESSION *session = get_session(server, client, "mail.example.org", pair);
  SSL_SESSION_free(session);
  SSL_CTX_free(client);
}

static void test_limit(void) {
  g_autoptr(TlsServer) server = tls_server_new(NULL);
  g_autoptr(TlsPair) pair = new_pair(new_ec_key);
  g_autoptr(GError) error = NULL;
  set_pair(server, "", CERTIFICATE_FIRST, pair);
  for (guint i = 0; i < MAX_CERTIFICATE_HOSTS; i++) {
    g_autofree char *name = g_strdup_printf("h%u.example.org", i);
    set_pair(server, name, CERTIFICATE_FIRST, pair);
  }
  g_assert_false(tls_server_set_pair(server, "more.example.org", CERTIFICATE_FIRST, pair, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  set_pair(server, "h1.example.org", CERTIFICATE_FIRST, NULL);
  set_pair(server, "more.example.org", CERTIFICATE_FIRST, pair);
}

static void test_facts(void) {
  static const struct {
    EVP_PKEY *(*new_key)(void);
    const char *algorithm;
  } rows[] = {{new_ec_key, "EC P-256"}, {new_rsa_key, "RSA 2048"}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(TlsPair) pair = new_pair(rows[i].new_key);
    g_auto(TlsFacts) facts = {0};
    tls_pair_get_facts(pair, "mail.example.org", &facts);
    g_assert_cmpstr(facts.algorithm, ==, rows[i].algorithm);
    g_assert_cmpstr(facts.subject, ==, "CN=t\\C3\\A9st");
    g_assert_cmpuint(strlen(facts.fingerprint), ==, 32 * 3 - 1);
    g_assert_cmpint(facts.not_after - facts.not_before, ==, 3600);
    g_assert_false(facts.covers);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tls-server/resumed-certificates", test_resumed_certificates);
  g_test_add_func("/tls-server/rotation", test_rotation);
  g_test_add_func("/tls-server/changes", test_changes);
  g_test_add_func("/tls-server/change-in-the-middle", test_change_in_the_middle);
  g_test_add_func("/tls-server/no-certificate-for-the-name", test_no_certificate_for_the_name);
  g_test_add_func("/tls-server/second-hello", test_second_hello);
  g_test_add_func("/tls-server/limit", test_limit);
  g_test_add_func("/tls-server/facts", test_facts);
  return g_test_run();
}

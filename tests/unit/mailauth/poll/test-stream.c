/* SPDX-License-Identifier: MIT */
/* Streams in TLS against a client that means no good: whatever it sends, one call
 * takes a bounded part of it, and the rest of what it should takes effect. */
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/limits.h"
#include "mailauth/poll/stream.h"

#define BUFFER (4 * 1024 * 1024)
#define MANY 20000

typedef struct {
  SSL_CTX *server_context, *client_context;
  Stream server;
  int descriptor; /* the client's */
  SSL *client;
} Stage;

static X509 *new_certificate(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  return certificate;
}

static void add_certificate(SSL_CTX *context) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = new_certificate(key);
  g_assert_cmpint(SSL_CTX_use_certificate(context, certificate), ==, 1);
  g_assert_cmpint(SSL_CTX_use_PrivateKey(context, key), ==, 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void set_up(Stage *stage, gconstpointer data) {
  int ends[2];
  const int size = BUFFER;
  stage->server_context = SSL_CTX_new(TLS_server_method());
  stage->client_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_options(stage->server_context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_max_proto_version(stage->server_context, GPOINTER_TO_INT(data));
  add_certificate(stage->server_context);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), ==, 0);
  setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  stream_open(&stage->server, ends[0]);
  g_assert_true(stream_begin_tls(&stage->server, stage->server_context));
  stage->descriptor = ends[1];
  stage->client = SSL_new(stage->client_context);
  SSL_set_fd(stage->client, ends[1]);
  SSL_set_connect_state(stage->client);
}

static void tear_down(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  stream_close(&stage->server);
  SSL_free(stage->client);
  close(stage->descriptor);
  SSL_CTX_free(stage->server_context);
  SSL_CTX_free(stage->client_context);
  ERR_clear_error();
}

static void shake_hands(Stage *stage) {
  guint8 byte;
  StreamResult result = STREAM_WAIT;
  for (guint i = 0; i < 10 && result == STREAM_WAIT; i++) {
    SSL_do_handshake(stage->client);
    result = stream_handshake(&stage->server);
  }
  g_assert_cmpint(result, ==, STREAM_DONE);
  g_assert_cmpint(SSL_read(stage->client, &byte, 1), <, 0);
  ERR_clear_error();
}

static gsize count_unread(const Stage *stage) {
  g_autofree guint8 *bytes = g_malloc(BUFFER);
  ssize_t count = recv(stage->server.descriptor, bytes, BUFFER, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 ? 0 : (gsize)count;
}

/* Reads until nothing more comes of it; how many calls that took. */
static guint read_all(Stage *stage, StreamResult *result) {
  guint8 bytes[4096];
  guint calls = 0;
  gsize done = 0;
  gsize left = count_unread(stage);
  do {
    gsize before = left;
    *result = stream_read(&stage->server, bytes, sizeof bytes, &done);
    left = count_unread(stage);
    /* A record that has been begun is read to its end. */
    g_assert_cmpuint(before - left, <=, MAX_TLS_INPUT + SSL3_RT_MAX_ENCRYPTED_LENGTH);
    calls++;
  } while (*result == STREAM_WAIT && left > 0);
  return calls;
}

static void test_key_updates(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  StreamResult result = STREAM_WAIT;
  shake_hands(stage);
  for (guint i = 0; i < MANY; i++) {
    SSL_key_update(stage->client, SSL_KEY_UPDATE_NOT_REQUESTED);
    if (SSL_do_handshake(stage->client) != 1)
      break;
  }
  ERR_clear_error();
  g_assert_cmpuint(count_unread(stage), >, 2 * MAX_TLS_INPUT);
  g_assert_cmpuint(read_all(stage, &result), >, 2);
  g_assert_cmpint(result, ==, STREAM_WAIT);
  g_assert_cmpint(SSL_write(stage->client, "QUIT", 4), ==, 4);
  read_all(stage, &result);
  g_assert_cmpint(result, ==, STREAM_DONE);
}

static void test_ordinary_reading(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  static guint8 large[200000];
  guint8 bytes[4096];
  gsize done = 0, total = 0;
  shake_hands(stage);
  g_assert_cmpint(SSL_write(stage->client, large, sizeof large), ==, sizeof large);
  while (stream_read(&stage->server, bytes, sizeof bytes, &done) == STREAM_DONE)
    total += done;
  g_assert_cmpuint(total, ==, sizeof large);
}

/* A first message that is said to be long, and comes a little at a time. */
static void test_endless_handshake(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  static const guint8 header[] = {22, 3, 1, 0x20, 0, 1, 1, 0xff, 0xff};
  guint8 record[5 + 0x2000] = {22, 3, 1, 0x20, 0};
  memcpy(record, header, sizeof header);
  StreamResult result = STREAM_WAIT;
  gsize sent = 0;
  while (result == STREAM_WAIT && sent < 10 * MAX_HANDSHAKE_INPUT) {
    g_assert_cmpint(write(stage->descriptor, record, sizeof record), ==, sizeof record);
    sent += sizeof record;
    record[5] = 0;
    result = stream_handshake(&stage->server);
  }
  g_assert_cmpint(result, ==, STREAM_BROKEN);
  g_assert_cmpuint(sent, <=, MAX_HANDSHAKE_INPUT + 2 * sizeof record);
  g_assert_cmpuint(sent, >, MAX_HANDSHAKE_INPUT / 2);
}

int main(int argc, char **argv) {
  gpointer tls2 = GINT_TO_POINTER(TLS1_2_VERSION), tls3 = GINT_TO_POINTER(TLS1_3_VERSION);
  g_test_init(&argc, &argv, NULL);
  g_test_add("/stream/key-updates", Stage, tls3, set_up, test_key_updates, tear_down);
  g_test_add("/stream/ordinary-reading", Stage, tls3, set_up, test_ordinary_reading, tear_down);
  g_test_add("/stream/ordinary-reading-1.2", Stage, tls2, set_up, test_ordinary_reading, tear_down);
  g_test_add("/stream/endless-handshake", Stage, tls3, set_up, test_endless_handshake, tear_down);
  return g_test_run();
}

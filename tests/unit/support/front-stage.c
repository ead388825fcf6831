/* SPDX-License-Identifier: MIT */
/* front-stage.h: the helpers; each blocks with a limit. */
#include "tests/unit/support/front-stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/front/front.h"

#define PATIENCE_MS 10000

/* ---- descriptors ---- */

static void set_patience(int descriptor) {
  struct timeval limit = {.tv_sec = PATIENCE_MS / 1000};
  g_assert_cmpint(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
  g_assert_cmpint(setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), ==, 0);
}

static int open_listener(guint16 *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint(bind(descriptor, (struct sockaddr *)&address, size), ==, 0);
  g_assert_cmpint(listen(descriptor, 4096), ==, 0);
  g_assert_cmpint(getsockname(descriptor, (struct sockaddr *)&address, &size), ==, 0);
  *port = ntohs(address.sin_port);
  return descriptor;
}

/* ---- the stage ---- */

static gpointer run_front(gpointer data) {
  Stage *stage = data;
  RoleStart start = {.role = ROLE_FRONT, .descriptor = stage->front_end};
  stage->exit_code = front_run(&start);
  return NULL;
}

static void send_message(Channel *channel, MessageKind kind, GVariant *body, const int *descriptors,
                         guint n_descriptors) {
  g_autoptr(GError) error = NULL;
  channel_send(channel, kind, body, descriptors, n_descriptors, &error);
  g_assert_no_error(error);
  g_assert_false(channel_wants_write(channel));
}

Channel *stage_start_verifier(Stage *stage) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  send_message(stage->parent, MESSAGE_VERIFIER_STARTED, NULL, &ends[0], 1);
  close(ends[0]);
  return channel_new(ends[1], ROLE_VERIFIER, ROLE_FRONT);
}

static void send_listener(Stage *stage, guint id) {
  int descriptor = open_listener(&stage->ports[id]);
  send_message(stage->parent, MESSAGE_LISTENER,
               g_variant_new("(tsyb)", (guint64)id, "127.0.0.1:0", (guchar)(id % 2), id >= 2),
               &descriptor, 1);
  close(descriptor);
}

void stage_send_settings(Stage *stage, const StageSettings *settings) {
  const char *const trusted[] = {settings->trusted, NULL};
  const char *const proxies[] = {settings->proxies, NULL};
  GVariantBuilder rows;
  g_variant_builder_init(&rows, G_VARIANT_TYPE("a(yyuuuy)"));
  for (guint protocol = 0; protocol < N_PROTOCOLS; protocol++)
    g_variant_builder_add(&rows, "(yyuuuy)", (guchar)protocol, (guchar)settings->clear_text,
                          settings->login_timeout, settings->max_connections,
                          settings->max_per_address, (guchar)0);
  send_message(stage->verifier, MESSAGE_SETTINGS,
               g_variant_new("(bqbyms^as^asa(yyuuuy))", TRUE, (guint16)0x0303, stage->has_scram,
                             (guchar)0, "", trusted, proxies, &rows),
               NULL, 0);
}

void stage_set_up(Stage *stage) {
  const struct sigaction ignored = {.sa_handler = SIG_IGN};
  int ends[2];
  StageSettings settings = STAGE_SETTINGS;
  sigaction(SIGPIPE, &ignored, NULL);
  g_assert_true(channel_pair(ends, NULL));
  stage->front_end = ends[0];
  stage->parent = channel_new(ends[1], ROLE_PARENT, ROLE_FRONT);
  stage->thread = g_thread_new("front", run_front, stage);
  stage->verifier = stage_start_verifier(stage);
  for (guint id = 0; id < G_N_ELEMENTS(stage->ports); id++)
    send_listener(stage, id);
  stage_send_settings(stage, &settings);
}

void stage_tear_down(Stage *stage) {
  channel_free(stage->parent);
  g_thread_join(stage->thread);
  channel_free(stage->verifier);
  g_assert_cmpint(stage->exit_code, ==, 0);
}

/* ---- keys ---- */

static int write_pem(EVP_PKEY *key, X509 *certificate) {
  int descriptor = memfd_create("pem", MFD_CLOEXEC);
  int copy = dup(descriptor);
  FILE *file = fdopen(copy, "w");
  if (certificate != NULL)
    g_assert_cmpint(PEM_write_X509(file, certificate), ==, 1);
  else
    g_assert_cmpint(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
  fclose(file);
  return descriptor;
}

static X509 *new_certificate(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             (const unsigned char *)"localhost", -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  return certificate;
}

/* The certificate is for @certified, the key is @key. */
static void send_keys(Stage *stage, EVP_PKEY *certified, EVP_PKEY *key) {
  X509 *certificate = new_certificate(certified);
  int descriptors[2] = {write_pem(NULL, certificate), write_pem(key, NULL)};
  send_message(stage->parent, MESSAGE_KEYS,
               g_variant_new("(tsyss)", (guint64)7, "", 0, "c.pem", "k.pem"), descriptors, 2);
  close(descriptors[0]);
  close(descriptors[1]);
  X509_free(certificate);
}

void expect_result(const Message *message, const char *problem, gboolean in_use) {
  guint64 request;
  const char *said;
  gboolean used;
  g_variant_get(message->body, "(tsy&sbsssxxb)", &request, NULL, NULL, &said, &used, NULL, NULL,
                NULL, NULL, NULL, NULL);
  if (!g_str_has_prefix(said, problem) || (*problem == '\0') != (*said == '\0'))
    g_error("'%s' is not as expected", said);
  g_assert_cmpint(used, ==, in_use);
}

void stage_send_keys(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  EVP_PKEY *key = EVP_EC_gen("P-256");
  send_keys(stage, key, key);
  EVP_PKEY_free(key);
  expect_message(stage->verifier, MESSAGE_KEYS_RESULT, &message);
  expect_result(&message, "", TRUE);
}

void stage_send_bad_keys(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  EVP_PKEY *key = EVP_EC_gen("P-256");
  EVP_PKEY *other = EVP_EC_gen("P-256");
  send_keys(stage, key, other);
  EVP_PKEY_free(key);
  EVP_PKEY_free(other);
  expect_message(stage->verifier, MESSAGE_KEYS_RESULT, &message);
  expect_result(&message,
                "certificate c.pem, private key k.pem: the private key: it belongs to "
                "another certificate",
                TRUE);
}

void stage_synchronise(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  send_message(stage->verifier, MESSAGE_ASK_COUNTS, g_variant_new_uint64(0), NULL, 0);
  expect_message(stage->verifier, MESSAGE_COUNTS, &message);
}

/* ---- messages ---- */

/* Sessions end when they do, and a new verifier hears of those that are there: that is told
 * between other messages. */
void expect_message(Channel *channel, MessageKind kind, Message *message) {
  g_autoptr(GError) error = NULL;
  ChannelResult result;
  while ((result = channel_receive(channel, message, &error)) == CHANNEL_EMPTY) {
    struct pollfd poller = {.fd = channel_get_descriptor(channel), .events = POLLIN};
    g_assert_cmpint(poll(&poller, 1, PATIENCE_MS), ==, 1);
  }
  g_assert_no_error(error);
  g_assert_cmpint(result, ==, CHANNEL_MESSAGE);
  gboolean is_of_sessions =
      message->kind == MESSAGE_SESSION_ENDED || message->kind == MESSAGE_SESSIONS;
  if (is_of_sessions && message->kind != kind) {
    message_clear(message);
    expect_message(channel, kind, message);
    return;
  }
  g_assert_cmpstr(message_get_facts(message->kind)->name, ==, message_get_facts(kind)->name);
}

guint64 expect_question(Stage *stage, MessageKind kind, const char *body_after_number) {
  g_auto(Message) message = MESSAGE_INIT;
  guint64 number;
  expect_message(stage->verifier, kind, &message);
  g_autofree char *text = g_variant_print(message.body, FALSE);
  g_variant_get_child(message.body, 0, "t", &number);
  /* The session's number is the last, but for a login's port. */
  if (kind == MESSAGE_LOGIN)
    strcpy(strrchr(text, ','), ")");
  g_assert_cmpuint(g_ascii_strtoull(strrchr(text, ' '), NULL, 10), >, 0);
  strcpy(strrchr(text, ','), ")");
  g_assert_cmpstr(strchr(text, ' ') + 1, ==, body_after_number);
  return number;
}

void send_verdict(Stage *stage, guint64 login, Outcome outcome, guint delay_ms,
                  const char *capabilities, const char *had, int *server) {
  int ends[2] = {-1, -1};
  GVariant *bytes = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, had, strlen(had), 1);
  const char *text = stage->proof == NULL ? "" : stage->proof;
  GVariant *proof = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, text, strlen(text), 1);
  GVariant *body = g_variant_new("(tusuus@ay@aybus)", login, (guint32)outcome, "ann", delay_ms, 0u,
                                 capabilities, bytes, proof, TRUE, (guint32)stage->word.code,
                                 stage->word.alert != NULL ? stage->word.alert : "");
  if (server != NULL)
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  send_message(stage->verifier, MESSAGE_VERDICT, body, ends, server != NULL ? 1 : 0);
  if (server == NULL)
    return;
  close(ends[0]);
  set_patience(ends[1]);
  *server = ends[1];
}

/* ---- clients and servers ---- */

static int try_connect(const Stage *stage, guint listener, int descriptor) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(stage->ports[listener])};
  return connect(descriptor, (struct sockaddr *)&address, sizeof address);
}

Client client_connect(const Stage *stage, guint listener) {
  Client client = {.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  set_patience(client.descriptor);
  g_assert_cmpint(try_connect(stage, listener, client.descriptor), ==, 0);
  return client;
}

gboolean client_is_refused(const Stage *stage, guint listener) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = try_connect(stage, listener, descriptor);
  gboolean refused = result < 0 && errno == ECONNREFUSED;
  close(descriptor);
  return refused;
}

void client_begin_tls(Client *client) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  client->tls = SSL_new(context);
  SSL_CTX_free(context);
  SSL_set_fd(client->tls, client->descriptor);
  g_assert_cmpint(SSL_connect(client->tls), ==, 1);
}

void client_say(const Client *client, const char *text) {
  gsize length = strlen(text);
  if (client->tls != NULL)
    g_assert_cmpint(SSL_write(client->tls, text, (int)length), ==, (int)length);
  else
    g_assert_cmpint(send(client->descriptor, text, length, MSG_NOSIGNAL), ==, (ssize_t)length);
}

static gssize receive(const Client *client, char *bytes, gsize size) {
  if (client->tls != NULL)
    return SSL_read(client->tls, bytes, (int)size);
  return recv(client->descriptor, bytes, size, 0);
}

void client_expect(const Client *client, const char *text) {
  gsize length = strlen(text);
  g_autofree char *bytes = g_malloc0(length + 1);
  gsize got = 0;
  while (got < length) {
    gssize count = receive(client, bytes + got, length - got);
    if (count <= 0)
      break;
    got += (gsize)count;
  }
  g_assert_cmpstr(bytes, ==, text);
}

void client_expect_end(const Client *client) {
  char byte;
  g_assert_cmpint(receive(client, &byte, 1), ==, 0);
}

void client_close(Client *client) {
  g_clear_pointer(&client->tls, SSL_free);
  close(client->descriptor);
  client->descriptor = -1;
}

void server_say(int server, const char *text) {
  Client same = {.descriptor = server};
  client_say(&same, text);
}

void server_expect(int server, const char *text) {
  Client same = {.descriptor = server};
  client_expect(&same, text);
}

void server_expect_end(int server) {
  Client same = {.descriptor = server};
  client_expect_end(&same);
  close(server);
}

Client client_greet_pop3(Stage *stage) {
  Client client = client_connect(stage, POP3);
  client_expect(&client, POP3_GREETING);
  return client;
}

static void run_row(gconstpointer data) {
  Stage stage = {0};
  const StageRow *row = data;
  stage_set_up(&stage);
  row->run(&stage);
  stage_tear_down(&stage);
}

int stage_run_tests(int argc, char **argv, const StageRow *rows, gsize n_rows) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < n_rows; i++)
    g_test_add_data_func(rows[i].name, &rows[i], run_row);
  return g_test_run();
}

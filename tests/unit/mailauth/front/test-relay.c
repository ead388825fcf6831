/* SPDX-License-Identifier: MIT */
/* A relay between two pairs of sockets: each side is read when it has been heard of,
 * and all that was said arrives, with its end after it. */
#include "mailauth/front/relay.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  Stream client, server;
  int client_peer, server_peer;
  Relay relay;
} Stage;

static int open_pair(Stream *stream) {
  int ends[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  stream_open(stream, ends[0]);
  return ends[1];
}

static void set_up(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Secret) up = {0};
  g_auto(Secret) down = {0};
  stage->client_peer = open_pair(&stage->client);
  stage->server_peer = open_pair(&stage->server);
  secret_append(&up, "UP ", 3);
  secret_append(&down, "DOWN ", 5);
  relay_init(&stage->relay, &stage->client, &stage->server, &up, &down);
}

static void close_peer(int *descriptor) {
  if (*descriptor >= 0)
    close(*descriptor);
  *descriptor = -1;
}

static void tear_down(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  relay_clear(&stage->relay);
  stream_close(&stage->client);
  stream_close(&stage->server);
  close_peer(&stage->client_peer);
  close_peer(&stage->server_peer);
}

static void say(int descriptor, const char *text) {
  g_assert_cmpint(write(descriptor, text, strlen(text)), ==, (gssize)strlen(text));
}

/* What has come there; "." for its end, "" for nothing. */
static void expect(int descriptor, const char *text) {
  char bytes[256] = "";
  gssize count = recv(descriptor, bytes, sizeof bytes - 1, MSG_DONTWAIT);
  g_assert_cmpstr(count == 0 ? "." : bytes, ==, text);
}

static void pump(Stage *stage, const Stream *heard, gboolean is_over, RelayResult expected) {
  g_assert_cmpint(relay_pump(&stage->relay, heard, is_over), ==, expected);
}

static void test_held(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  say(stage->client_peer, "later");
  say(stage->server_peer, "later");
  pump(stage, NULL, FALSE, RELAY_MOVED);
  expect(stage->server_peer, "UP ");
  expect(stage->client_peer, "DOWN ");
  pump(stage, NULL, FALSE, RELAY_IDLE);
}

static void test_heard(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  pump(stage, NULL, FALSE, RELAY_MOVED);
  say(stage->client_peer, "question");
  say(stage->server_peer, "answer");
  expect(stage->server_peer, "UP ");
  expect(stage->client_peer, "DOWN ");
  pump(stage, &stage->client, FALSE, RELAY_MOVED);
  expect(stage->server_peer, "question");
  expect(stage->client_peer, "");
  pump(stage, &stage->server, FALSE, RELAY_MOVED);
  expect(stage->client_peer, "answer");
  pump(stage, &stage->server, FALSE, RELAY_IDLE);
}

/* @data: whether the hang-up is told of with the last words. */
static void test_end_of_server(Stage *stage, gconstpointer data) {
  gboolean at_once = GPOINTER_TO_INT(data);
  pump(stage, NULL, FALSE, RELAY_MOVED);
  expect(stage->client_peer, "DOWN ");
  say(stage->server_peer, "bye");
  close_peer(&stage->server_peer);
  pump(stage, &stage->server, at_once, at_once ? RELAY_OVER : RELAY_MOVED);
  expect(stage->client_peer, "bye");
  if (!at_once)
    pump(stage, &stage->server, FALSE, RELAY_OVER);
  expect(stage->client_peer, ".");
}

/* The server may still answer. */
static void test_end_of_client(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  pump(stage, NULL, FALSE, RELAY_MOVED);
  expect(stage->server_peer, "UP ");
  say(stage->client_peer, "quit");
  shutdown(stage->client_peer, SHUT_WR);
  pump(stage, &stage->client, FALSE, RELAY_MOVED);
  pump(stage, &stage->client, FALSE, RELAY_IDLE);
  expect(stage->server_peer, "quit");
  expect(stage->server_peer, ".");
  guint32 client = 0;
  guint32 server = 0;
  relay_get_events(&stage->relay, &client, &server);
  g_assert_cmphex(client, ==, 0);
  g_assert_cmphex(server, ==, EPOLLIN);
}

/* Reads all that has come; its size. */
static gsize swallow(int descriptor) {
  g_autofree char *bytes = g_malloc(65536);
  gsize total = 0;
  gssize count;
  while ((count = recv(descriptor, bytes, 65536, MSG_DONTWAIT)) > 0)
    total += (gsize)count;
  return total;
}

/* A client that does not read stops the server, and is served once it reads. */
static void test_slow_client(Stage *stage, G_GNUC_UNUSED gconstpointer data) {
  static const char bytes[65536];
  gsize said = strlen("DOWN ");
  guint32 client = 0;
  guint32 server = 0;
  for (; (client & EPOLLOUT) == 0; relay_get_events(&stage->relay, &client, &server)) {
    gssize count = send(stage->server_peer, bytes, sizeof bytes, MSG_DONTWAIT);
    said += (gsize)MAX(count, 0);
    (void)relay_pump(&stage->relay, &stage->server, FALSE);
  }
  g_assert_cmphex(server, ==, 0);
  pump(stage, &stage->server, FALSE, RELAY_IDLE);
  gsize heard = swallow(stage->client_peer);
  while (relay_pump(&stage->relay, &stage->client, FALSE) == RELAY_MOVED ||
         relay_pump(&stage->relay, &stage->server, FALSE) == RELAY_MOVED)
    heard += swallow(stage->client_peer);
  g_assert_cmpuint(heard, ==, said);
}

int main(int count, char **arguments) {
  static const struct {
    const char *path;
    void (*run)(Stage *stage, gconstpointer data);
    gboolean at_once;
  } rows[] = {
      {"/relay/held", test_held, FALSE},
      {"/relay/heard", test_heard, FALSE},
      {"/relay/end-of-server", test_end_of_server, FALSE},
      {"/relay/end-of-server-at-once", test_end_of_server, TRUE},
      {"/relay/end-of-client", test_end_of_client, FALSE},
      {"/relay/slow-client", test_slow_client, FALSE},
  };
  g_test_init(&count, &arguments, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_test_add(rows[i].path, Stage, GINT_TO_POINTER(rows[i].at_once), set_up, rows[i].run,
               tear_down);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* More logins of other servers at once than the front keeps waiting. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/limits.h"
#include "tests/unit/support/front-stage.h"

#define HELLO "VERSION\t1\t2\nCPID\t1\n"
#define REQUESTS 241
#define CONNECTIONS 17
G_STATIC_ASSERT(REQUESTS <= MAX_AUTH_REQUESTS);
G_STATIC_ASSERT(REQUESTS *CONNECTIONS == MAX_WAITING_LOGINS + 1);

/* A listening socket becomes the front's for other servers. */
static struct sockaddr_in send_socket(Stage *stage) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint(bind(listener, (const struct sockaddr *)&address, size), ==, 0);
  g_assert_cmpint(listen(listener, CONNECTIONS), ==, 0);
  g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
  g_assert_true(channel_send(stage->parent, MESSAGE_SOCKET, g_variant_new_byte(AUTH_DOVECOT),
                             &listener, 1, NULL));
  close(listener);
  return address;
}

static int ask_much(const struct sockaddr_in *address) {
  g_autoptr(GString) text = g_string_new(HELLO);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(connect(client, (const struct sockaddr *)address, sizeof *address), ==, 0);
  for (guint i = 1; i <= REQUESTS; i++)
    g_string_append_printf(text, "AUTH\t%u\tPLAIN\tresp=AGFubgBwYXNz\n", i);
  g_assert_cmpint(send(client, text->str, text->len, MSG_NOSIGNAL), ==, (gssize)text->len);
  return client;
}

/* The numbers of @count messages of @kind; the caller's. */
static GHashTable *expect_numbers(Stage *stage, MessageKind kind, guint count) {
  GHashTable *numbers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  for (guint i = 0; i < count; i++) {
    g_auto(Message) message = MESSAGE_INIT;
    guint64 number = 0;
    expect_message(stage->verifier, kind, &message);
    if (kind == MESSAGE_CANCEL)
      number = g_variant_get_uint64(message.body);
    else
      g_variant_get_child(message.body, 0, "t", &number);
    g_hash_table_add(numbers, g_memdup2(&number, sizeof number));
  }
  g_assert_cmpuint(g_hash_table_size(numbers), ==, count);
  return numbers;
}

/* The verifier would go on with each of them, for nobody. */
static void test_given_up(Stage *stage) {
  GHashTableIter each;
  gpointer number = NULL;
  int clients[CONNECTIONS];
  const struct sockaddr_in address = send_socket(stage);
  for (guint i = 0; i < CONNECTIONS; i++)
    clients[i] = ask_much(&address);
  g_autoptr(GHashTable) asked = expect_numbers(stage, MESSAGE_LOGIN, MAX_WAITING_LOGINS);
  g_autoptr(GHashTable) cancelled = expect_numbers(stage, MESSAGE_CANCEL, MAX_WAITING_LOGINS + 1);
  g_hash_table_iter_init(&each, asked);
  while (g_hash_table_iter_next(&each, &number, NULL))
    g_assert_true(g_hash_table_contains(cancelled, number));
  for (guint i = 0; i < CONNECTIONS; i++)
    close(clients[i]);
}

int main(int argc, char **argv) {
  static const StageRow rows[] = {
      {"/front/given-up", test_given_up},
  };
  return stage_run_tests(argc, argv, rows, G_N_ELEMENTS(rows));
}

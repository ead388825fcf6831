/* SPDX-License-Identifier: MIT */
/* store.c: whole sessions over a socket, on a Maildir of its own, with the role
 * on a thread of the test. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/outcome.h"
#include "mailauth/mailbox/maildir.h"
#include "mailauth/mailbox/store.h"

typedef struct {
  char *path;
  GThread *role;
  Channel *channel; /* the verifier's end */
  guint64 session;  /* last opened */
} Fixture;

static gpointer run_role(gpointer data) {
  return GINT_TO_POINTER(store_serve_maildir(GPOINTER_TO_INT(data), -1, FALSE));
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  int ends[2];
  g_assert_true(channel_pair(ends, NULL));
  fixture->path = g_dir_make_tmp("regd-store-XXXXXX", NULL);
  fixture->channel = channel_new(ends[0], ROLE_VERIFIER, ROLE_STORE);
  fixture->role = g_thread_new("store", run_role, GINT_TO_POINTER(ends[1]));
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  channel_free(fixture->channel);
  g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(fixture->role)), ==, 0);
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", fixture->path);
  g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
  g_free(fixture->path);
}

static void put(const Fixture *fixture, const char *name, const char *bytes, gssize size) {
  g_autofree char *path = g_build_filename(fixture->path, name, NULL);
  g_autofree char *parent = g_path_get_dirname(path);
  g_mkdir_with_parents(parent, 0700);
  g_assert_true(g_file_set_contents(path, bytes, size, NULL));
}

static gboolean has(const Fixture *fixture, const char *name) {
  g_autofree char *path = g_build_filename(fixture->path, name, NULL);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void wait_for(Fixture *fixture, Message *message) {
  GPollFD waiting = {.fd = channel_get_descriptor(fixture->channel), .events = G_IO_IN};
  g_assert_cmpint(g_poll(&waiting, 1, 60000), ==, 1);
  g_assert_cmpint(channel_receive(fixture->channel, message, NULL), ==, CHANNEL_MESSAGE);
}

/* The client's end of a session; *@outcome says whether it has begun. */
static int open_session(Fixture *fixture, guint idle_timeout, guint32 *outcome) {
  int ends[2];
  guint64 session;
  g_auto(Message) message = MESSAGE_INIT;
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_assert_true(channel_send(
      fixture->channel, MESSAGE_OPEN,
      g_variant_new("(tsssu)", ++fixture->session, "anna", fixture->path, "name", idle_timeout),
      &ends[1], 1, NULL));
  close(ends[1]);
  wait_for(fixture, &message);
  g_assert_cmpint(message.kind, ==, MESSAGE_OPENED);
  g_variant_get(message.body, "(tu&s)", &session, outcome, NULL);
  g_assert_cmpuint(session, ==, fixture->session);
  return ends[0];
}

static int open_good_session(Fixture *fixture, guint idle_timeout) {
  guint32 outcome;
  int client = open_session(fixture, idle_timeout, &outcome);
  g_assert_cmpuint(outcome, ==, OUTCOME_OK);
  return client;
}

static void say(int client, const char *text) {
  g_assert_cmpint(send(client, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

/* All that comes until the store closes. */
static GString *read_to_end(int client) {
  GString *text = g_string_new(NULL);
  char bytes[4096];
  gssize size;
  while ((size = recv(client, bytes, sizeof bytes, 0)) > 0)
    g_string_append_len(text, bytes, size);
  return text;
}

static void read_until(int client, const char *end) {
  g_autoptr(GString) text = g_string_new(NULL);
  char byte;
  while (!g_str_has_suffix(text->str, end)) {
    g_assert_cmpint(recv(client, &byte, 1, 0), ==, 1);
    g_string_append_c(text, byte);
  }
}

static void expect_closed(Fixture *fixture) {
  g_auto(Message) message = MESSAGE_INIT;
  wait_for(fixture, &message);
  g_assert_cmpint(message.kind, ==, MESSAGE_CLOSED);
  g_assert_cmpuint(g_variant_get_uint64(message.body), ==, fixture->session);
}

static void check_conversation(Fixture *fixture, const char *client_says, const char *expected) {
  int client = open_good_session(fixture, 60);
  say(client, client_says);
  g_autoptr(GString) answer = read_to_end(client);
  g_assert_cmpstr(answer->str, ==, expected);
  close(client);
  expect_closed(fixture);
}

static void test_session(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  put(fixture, "new/1.a", "Subject: one\n\n.dot\nlast", -1);
  put(fixture, "cur/2.b:2,S", "Subject: two\r\n\r\nx\r\n", -1);
  check_conversation(fixture,
                     "STAT\r\nUIDL\r\nRETR 1\r\nTOP 2 0\r\nLIST\r\nDELE 1\r\nRETR 3\r\nQUIT\r\n",
                     "+OK 2 47\r\n"
                     "+OK The unique IDs follow.\r\n1 1.a\r\n2 2.b\r\n.\r\n"
                     "+OK 28 octets\r\nSubject: one\r\n\r\n..dot\r\nlast\r\n.\r\n"
                     "+OK 19 octets\r\nSubject: two\r\n\r\n.\r\n"
                     "+OK The sizes follow.\r\n1 28\r\n2 19\r\n.\r\n"
                     "+OK Message 1 is marked as deleted.\r\n"
                     "-ERR There is no message 3.\r\n+OK Bye.\r\n");
  g_assert_false(has(fixture, "cur/1.a:2,"));
  g_assert_true(has(fixture, "cur/2.b:2,S"));
  /* The process serves the next session. */
  check_conversation(fixture, "STAT\r\nQUIT\r\n", "+OK 1 19\r\n+OK Bye.\r\n");
}

/* What is marked stays where the session does not come to its QUIT. */
static void test_lost_connection(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  put(fixture, "cur/1.a:2,", "x\n", -1);
  int client = open_good_session(fixture, 60);
  say(client, "DELE 1\r\n");
  read_until(client, "\r\n");
  g_assert_null(maildir_open(fixture->path, "name", NULL, NULL));
  close(client);
  expect_closed(fixture);
  g_assert_true(has(fixture, "cur/1.a:2,"));
  g_autoptr(Maildir) free_again = maildir_open(fixture->path, "name", NULL, NULL);
  g_assert_nonnull(free_again);
}

static void test_idle(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  put(fixture, "cur/1.a:2,", "x\n", -1);
  int client = open_good_session(fixture, 1);
  say(client, "DELE 1\r\n");
  g_autoptr(GString) answer = read_to_end(client);
  g_assert_cmpstr(answer->str, ==, "+OK Message 1 is marked as deleted.\r\n");
  g_assert_true(has(fixture, "cur/1.a:2,"));
  close(client);
  expect_closed(fixture);
}

/* More than any buffer holds, to a client that does not read: the store gives up. */
static void test_client_that_does_not_read(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  enum { SIZE = 8 * 1024 * 1024 };
  g_autofree char *large = g_malloc(SIZE);
  memset(large, 'x', SIZE);
  put(fixture, "cur/1.a:2,", large, SIZE);
  int client = open_good_session(fixture, 1);
  say(client, "DELE 1\r\nRSET\r\nRETR 1\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
  expect_closed(fixture);
  close(client);
  g_assert_true(has(fixture, "cur/1.a:2,"));
}

static void test_large_message(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  enum { LINES = 200000 };
  g_autoptr(GString) stored = g_string_new("Subject: large\n\n");
  for (guint i = 0; i < LINES; i++)
    g_string_append(stored, "......................................\n");
  put(fixture, "cur/1.a:2,", stored->str, (gssize)stored->len);
  int client = open_good_session(fixture, 60);
  say(client, "RETR 1\r\nQUIT\r\n");
  g_autoptr(GString) answer = read_to_end(client);
  gsize expected = strlen("+OK Message follows.\r\n") + stored->len + LINES + 2 + LINES +
                   strlen(".\r\n+OK Bye.\r\n");
  g_assert_cmpuint(answer->len, ==, expected);
  close(client);
  expect_closed(fixture);
}

static void test_in_use(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  guint32 outcome;
  g_autoptr(Maildir) other = maildir_open(fixture->path, "name", NULL, NULL);
  int client = open_session(fixture, 60, &outcome);
  g_assert_cmpuint(outcome, ==, OUTCOME_MAILBOX_IN_USE);
  close(client);
  g_clear_pointer(&other, maildir_close);
  check_conversation(fixture, "QUIT\r\n", "+OK Bye.\r\n");
}

/* Where a file lies in the way. */
static void test_no_mailbox(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  guint32 outcome;
  g_rmdir(fixture->path);
  g_assert_true(g_file_set_contents(fixture->path, "", 0, NULL));
  int client = open_session(fixture, 60, &outcome);
  g_assert_cmpuint(outcome, ==, OUTCOME_NO_MAILBOX);
  close(client);
  g_unlink(fixture->path);
}

static void test_not_there_yet(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_rmdir(fixture->path);
  int client = open_good_session(fixture, 60);
  say(client, "STAT\r\nQUIT\r\n");
  g_autoptr(GString) answer = read_to_end(client);
  g_assert_cmpstr(answer->str, ==, "+OK 0 0\r\n+OK Bye.\r\n");
  g_assert_true(has(fixture, "cur") && has(fixture, "new") && has(fixture, "tmp"));
  close(client);
  expect_closed(fixture);
}

/* What can't be removed is said, and the rest is removed. */
static void test_removal_fails(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  put(fixture, "cur/1.a:2,", "x\n", -1);
  put(fixture, "cur/2.b:2,", "x\n", -1);
  int client = open_good_session(fixture, 60);
  say(client, "DELE 1\r\nDELE 2\r\n");
  read_until(client, "2 is marked as deleted.\r\n");
  g_autofree char *path = g_build_filename(fixture->path, "cur/1.a:2,", NULL);
  g_unlink(path);
  g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
  say(client, "QUIT\r\n");
  g_autoptr(GString) answer = read_to_end(client);
  g_assert_cmpstr(answer->str, ==, "-ERR [SYS/TEMP] Messages that could not be removed: 1.\r\n");
  g_assert_false(has(fixture, "cur/2.b:2,"));
  close(client);
  expect_closed(fixture);
}

static void test_vanished(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  put(fixture, "cur/1.a:2,", "x\n", -1);
  int client = open_good_session(fixture, 60);
  g_autofree char *path = g_build_filename(fixture->path, "cur/1.a:2,", NULL);
  g_unlink(path);
  say(client, "RETR 1\r\nDELE 1\r\nQUIT\r\n");
  g_autoptr(GString) answer = read_to_end(client);
  g_assert_cmpstr(answer->str, ==,
                  "-ERR [SYS/TEMP] The message cannot be read now.\r\n"
                  "+OK Message 1 is marked as deleted.\r\n+OK Bye.\r\n");
  close(client);
  expect_closed(fixture);
}

int main(int argc, char **argv) {
  const struct {
    const char *path;
    void (*run)(Fixture *fixture, gconstpointer data);
  } tests[] = {
      {"/store/session", test_session},
      {"/store/lost-connection", test_lost_connection},
      {"/store/idle", test_idle},
      {"/store/client-that-does-not-read", test_client_that_does_not_read},
      {"/store/large-message", test_large_message},
      {"/store/in-use", test_in_use},
      {"/store/no-mailbox", test_no_mailbox},
      {"/store/not-there-yet", test_not_there_yet},
      {"/store/removal-fails", test_removal_fails},
      {"/store/vanished", test_vanished},
  };
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* The front role, whole: its loop, its sessions, TLS, limits and relay, with
 * a parent, a verifier, clients and mail servers that the test plays. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/limits.h"
#include "tests/unit/support/front-stage.h"

#define IMAP_CAPS "CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE"
#define IMAP_GREETING "* OK [" IMAP_CAPS " AUTH=PLAIN AUTH=LOGIN] IMAP server ready.\r\n"
#define PASS_LOGIN "'PASS', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')"
#define TIMEOUT "-ERR Login takes too long.\r\n"
#define FULL "-ERR Too many connections.\r\n"

/* A client that has logged in, and the server it is relayed to. */
static Client log_in(Stage *stage, int *server) {
  Client client = client_greet_pop3(stage);
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", server);
  client_expect(&client, "+OK\r\n+OK Logged in.\r\n");
  return client;
}

static void test_pop3(Stage *stage) {
  int server;
  Client client = client_greet_pop3(stage);
  client_say(&client, "USER ann\r\nPASS pw\r\nSTAT\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  client_say(&client, "LIST\r\n");
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
  client_expect(&client, "+OK\r\n+OK Logged in.\r\n");
  server_expect(server, "STAT\r\nLIST\r\n");
  server_say(server, "+OK 0 0\r\n");
  client_expect(&client, "+OK 0 0\r\n");
  client_say(&client, "QUIT\r\n");
  server_expect(server, "QUIT\r\n");
  server_say(server, "+OK Bye\r\n");
  close(server);
  client_expect(&client, "+OK Bye\r\n");
  client_expect_end(&client);
  client_close(&client);
}

static void test_imap(Stage *stage) {
  int server;
  Client client = client_connect(stage, IMAP);
  client_expect(&client, IMAP_GREETING);
  client_say(&client, "a LOGIN {3}\r\n");
  client_expect(&client, "+ OK\r\n");
  client_say(&client, "ann {2+}\r\npw\r\nb NOOP\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN,
                                  "0x01, 'LOGIN', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')");
  send_verdict(stage, login, OUTCOME_OK, 0, "IMAP4rev1 IDLE", "* OK Hello\r\n", &server);
  client_expect(&client, "a OK [CAPABILITY IMAP4rev1 IDLE] Logged in.\r\n* OK Hello\r\n");
  server_expect(server, "b NOOP\r\n");
  client_close(&client);
  server_expect_end(server);
}

static void test_refusals(Stage *stage) {
  const struct {
    Outcome outcome;
    const char *answer;
  } rows[] = {
      {OUTCOME_BAD_PASSWORD, FAILED},
      {OUTCOME_NO_SUCH_USER, FAILED},
      {OUTCOME_BROKER_UNREACHABLE, TEMPORARY},
      {OUTCOME_OK, TEMPORARY}, /* without a server: a fault of ours */
      {N_OUTCOMES, TEMPORARY},
  };
  Client client = client_greet_pop3(stage);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    client_say(&client, "USER ann\r\nPASS pw\r\n");
    guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
    send_verdict(stage, login, rows[i].outcome, 0, "", "", NULL);
    client_expect(&client, "+OK\r\n");
    client_expect(&client, rows[i].answer);
  }
  client_close(&client);
}

static void test_delay(Stage *stage) {
  Client client = client_greet_pop3(stage);
  gint64 begin = g_get_monotonic_time();
  client_say(&client, "USER ann\r\nPASS pw\r\nQUIT\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 300, "", "", NULL);
  client_expect(&client, "+OK\r\n" FAILED "+OK Bye.\r\n");
  g_assert_cmpint(g_get_monotonic_time() - begin, >=, 300 * 1000);
  client_expect_end(&client);
  client_close(&client);
}

/* A verdict for nobody, or twice, hurts nobody. */
static void test_stray_verdict(Stage *stage) {
  int server;
  Client client = client_greet_pop3(stage);
  send_verdict(stage, 12345, OUTCOME_OK, 0, "", "", &server);
  server_expect_end(server);
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 0, "", "", NULL);
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
  server_expect_end(server);
  client_say(&client, "QUIT\r\n");
  client_expect(&client, "+OK\r\n" FAILED "+OK Bye.\r\n");
  client_close(&client);
}

static void test_clear_text(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  Client client = client_connect(stage, IMAP);
  client_expect(&client, IMAP_GREETING);
  settings.clear_text = CLEAR_TEXT_NEVER;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  client_say(&client, "a LOGIN ann {2}\r\n");
  guint64 login =
      expect_question(stage, MESSAGE_INCIDENT, "18, 0x01, 'ann', '127.0.0.1', '', 1, '')");
  send_verdict(stage, login, OUTCOME_CLEAR_TEXT, 0, "", "", NULL);
  client_expect(&client, "a NO [PRIVACYREQUIRED] A password is not taken without TLS here; "
                         "begin TLS first.\r\n");
  settings.clear_text = CLEAR_TEXT_ALWAYS;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  client_say(&client, "b CAPABILITY\r\n");
  client_expect(&client, "* " IMAP_CAPS " AUTH=PLAIN AUTH=LOGIN\r\n");
  client_close(&client);
}

static void test_starttls(Stage *stage) {
  int server;
  stage_send_keys(stage);
  Client client = client_greet_pop3(stage);
  client_say(&client, "STLS\r\nUSER evil\r\n");
  client_expect(&client, "+OK Begin TLS negotiation now.\r\n");
  client_begin_tls(&client);
  client_say(&client, "PASS pw\r\n");
  client_expect(&client, "-ERR USER comes first.\r\n");
  client_say(&client, "USER ann\r\nPASS pw\r\nSTAT\r\n");
  guint64 login = expect_question(
      stage, MESSAGE_LOGIN, "0x00, 'PASS', 'ann', '', [0x70, 0x77], '127.0.0.1', '', 'TLSv1.3')");
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
  client_expect(&client, "+OK\r\n+OK Logged in.\r\n");
  server_expect(server, "STAT\r\n");
  server_say(server, "+OK 0 0\r\n");
  client_expect(&client, "+OK 0 0\r\n");
  close(server);
  client_expect_end(&client);
  client_close(&client);
}

static void test_tls_from_the_start(Stage *stage) {
  stage_send_keys(stage);
  Client client = client_connect(stage, IMAP_TLS);
  client_begin_tls(&client);
  client_expect(&client, IMAP_GREETING);
  stage_send_bad_keys(stage);
  Client other = client_connect(stage, POP3_TLS);
  client_begin_tls(&other);
  client_expect(&other, POP3_GREETING);
  stage_send_keys(stage);
  client_say(&client, "a LOGOUT\r\n");
  client_expect(&client, "* BYE Logging out.\r\na OK LOGOUT completed.\r\n");
  client_expect_end(&client);
  client_close(&client);
  client_close(&other);
}

/* More than one turn's reading, in one go: nothing of it is left lying. */
static void test_much_at_once(Stage *stage) {
  static const struct {
    guint listener;
    gboolean tls;
    const char *greeting;
  } rows[] = {
      {IMAP, FALSE, "* OK [" IMAP_CAPS " STARTTLS AUTH=PLAIN AUTH=LOGIN] IMAP server ready.\r\n"},
      {IMAP_TLS, TRUE, IMAP_GREETING}};
  g_autoptr(GString) commands = g_string_new(NULL);
  g_autoptr(GString) answers = g_string_new(NULL);
  for (guint i = 0; i < 10000; i++) {
    g_string_append(commands, "a NOOP\r\n");
    g_string_append(answers, "a OK NOOP completed.\r\n");
  }
  stage_send_keys(stage);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Client client = client_connect(stage, rows[i].listener);
    if (rows[i].tls)
      client_begin_tls(&client);
    client_expect(&client, rows[i].greeting);
    client_say(&client, commands->str);
    client_expect(&client, answers->str);
    client_close(&client);
  }
}

static void test_no_certificate(Stage *stage) {
  Client client = client_greet_pop3(stage);
  client_say(&client, "STLS\r\n");
  guint64 login = expect_question(stage, MESSAGE_INCIDENT, "19, 0x00, '', '127.0.0.1', '', 1, '')");
  send_verdict(stage, login, OUTCOME_NO_CERTIFICATE, 0, "", "", NULL);
  client_expect(&client, "-ERR TLS is not available.\r\n");
  client_close(&client);
  client = client_connect(stage, IMAP_TLS);
  login = expect_question(stage, MESSAGE_INCIDENT, "19, 0x01, '', '127.0.0.1', '', 1, '')");
  g_assert_cmpuint(login, ==, 0);
  client_expect_end(&client);
  client_close(&client);
}

static void test_not_tls(Stage *stage) {
  stage_send_keys(stage);
  Client client = client_connect(stage, POP3_TLS);
  char byte;
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  /* An alert, perhaps, and then the end. */
  while (recv(client.descriptor, &byte, 1, 0) > 0)
    continue;
  client_close(&client);
}

/* Sessions of @count rows, each let in, with the first one's texts. The logins; the caller's. */
static GArray *expect_sessions(Stage *stage, guint count) {
  GArray *logins = g_array_new(FALSE, FALSE, sizeof(guint64));
  while (logins->len < count) {
    g_auto(Message) message = MESSAGE_INIT;
    expect_message(stage->verifier, MESSAGE_SESSIONS, &message);
    g_assert_cmpuint(g_variant_n_children(message.body), >, 0);
    for (gsize i = 0; i < g_variant_n_children(message.body); i++) {
      const char *texts[4];
      guchar protocol = N_PROTOCOLS;
      guint64 login = 0;
      guint64 session = 0;
      guint64 since = 0;
      gboolean is_native = FALSE;
      g_variant_get_child(message.body, i, "(ty&s&s&s&sttb)", &login, &protocol, &texts[0],
                          &texts[1], &texts[2], &texts[3], &session, &since, &is_native);
      g_autofree char *text = g_strdup_printf("%u %s %s %s '%s' %d", protocol, texts[0], texts[1],
                                              texts[2], texts[3], is_native);
      g_assert_cmpstr(text, ==, "0 ann PASS 127.0.0.1 '' 1");
      g_assert_cmpuint(session, >, 0);
      g_assert_cmpuint(since, <=, (guint64)g_get_real_time());
      g_assert_cmpuint(since, >, (guint64)g_get_real_time() - 600 * G_USEC_PER_SEC);
      g_array_append_val(logins, login);
    }
  }
  g_assert_cmpuint(logins->len, ==, count);
  return logins;
}

/* All that were let in and are still there, told again in more than one message. */
static void test_sessions_told_to_new_verifier(Stage *stage) {
  Client clients[MAX_SESSIONS_AT_ONCE + 2];
  int servers[G_N_ELEMENTS(clients)];
  for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
    clients[i] = log_in(stage, &servers[i]);
  client_close(&clients[0]);
  server_expect_end(servers[0]);
  channel_free(stage->verifier);
  stage->verifier = stage_start_verifier(stage);
  g_autoptr(GArray) logins = expect_sessions(stage, MAX_SESSIONS_AT_ONCE + 1);
  guint64 login = g_array_index(logins, guint64, 0);
  channel_send(stage->verifier, MESSAGE_END_SESSION, g_variant_new_uint64(login), NULL, 0, NULL);
  client_expect_end(&clients[1]);
  for (guint i = 1; i < G_N_ELEMENTS(clients); i++) {
    client_close(&clients[i]);
    server_expect_end(servers[i]);
  }
}

static void test_verifier_replaced(Stage *stage) {
  int server;
  Client relayed = log_in(stage, &server);
  Client early = client_greet_pop3(stage);
  client_say(&early, "USER ann\r\nPASS pw\r\n");
  expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  g_clear_pointer(&stage->verifier, channel_free);
  client_expect(&early, "+OK\r\n" TEMPORARY);
  client_say(&early, "USER ann\r\nPASS pw\r\n");
  client_expect(&early, "+OK\r\n");
  stage->verifier = stage_start_verifier(stage);
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 0, "", "", NULL);
  client_expect(&early, FAILED);
  client_say(&relayed, "STAT\r\n");
  server_expect(server, "STAT\r\n");
  client_close(&early);
  client_close(&relayed);
  server_expect_end(server);
}

/* The channel ends, and nothing else: sessions go on, and another verifier is asked. */
static void test_verifier_that_can_not_be_understood(Stage *stage) {
  int server;
  Client relayed = log_in(stage, &server);
  Client waiting = client_greet_pop3(stage);
  client_say(&waiting, "USER ann\r\nPASS pw\r\n");
  expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  g_assert_cmpint(send(channel_get_descriptor(stage->verifier), "\377?", 2, 0), ==, 2);
  client_expect(&waiting, "+OK\r\n" TEMPORARY);
  channel_free(stage->verifier);
  stage->verifier = stage_start_verifier(stage);
  client_say(&waiting, "USER ann\r\nPASS pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 0, "", "", NULL);
  client_expect(&waiting, "+OK\r\n" FAILED);
  client_say(&relayed, "STAT\r\n");
  server_expect(server, "STAT\r\n");
  client_close(&waiting);
  client_close(&relayed);
  server_expect_end(server);
}

static void test_keys_told_to_new_verifier(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  stage_send_keys(stage);
  stage_send_bad_keys(stage);
  channel_free(stage->verifier);
  stage->verifier = stage_start_verifier(stage);
  expect_message(stage->verifier, MESSAGE_KEYS_RESULT, &message);
}

static void test_client_goes(Stage *stage) {
  struct linger reset = {.l_onoff = 1};
  Client client = client_greet_pop3(stage);
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client_close(&client);
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  g_assert_cmpuint(g_variant_get_uint64(message.body), ==, login);
}

/* The client says all it has to say, and listens. */
static void test_half_close(Stage *stage) {
  int server;
  Client client = client_greet_pop3(stage);
  client_say(&client, "USER ann\r\nPASS pw\r\nQUIT\r\n");
  shutdown(client.descriptor, SHUT_WR);
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
  server_expect(server, "QUIT\r\n");
  char byte;
  g_assert_cmpint(recv(server, &byte, 1, 0), ==, 0);
  server_say(server, "+OK Bye\r\n");
  close(server);
  client_expect(&client, "+OK\r\n+OK Logged in.\r\n+OK Bye\r\n");
  client_expect_end(&client);
  client_close(&client);
}

static void test_login_timeout(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  settings.login_timeout = 1;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client silent = client_greet_pop3(stage);
  Client waiting = client_greet_pop3(stage);
  client_say(&waiting, "USER ann\r\nPASS pw\r\n");
  expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  client_expect(&silent, TIMEOUT);
  client_expect_end(&silent);
  client_expect(&waiting, "+OK\r\n" TEMPORARY TIMEOUT);
  client_expect_end(&waiting);
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  client_close(&silent);
  client_close(&waiting);
}

/* Whose answer is held back is told all the same what his password was, and not sooner. */
static void test_delay_outlasts_timeout(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  settings.login_timeout = 1;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client client = client_greet_pop3(stage);
  gint64 begin = g_get_monotonic_time();
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 1200, "", "", NULL);
  client_expect(&client, "+OK\r\n" FAILED TIMEOUT);
  g_assert_cmpint(g_get_monotonic_time() - begin, >=, 1200 * 1000);
  client_expect_end(&client);
  client_close(&client);
}

static void test_oldest_makes_room(Stage *stage) {
  int server;
  StageSettings settings = STAGE_SETTINGS;
  settings.max_connections = 3;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client relayed = log_in(stage, &server);
  Client first = client_greet_pop3(stage);
  Client second = client_greet_pop3(stage);
  Client third = client_greet_pop3(stage);
  client_expect(&first, FULL);
  client_expect_end(&first);
  client_say(&second, "CAPA x\r\n");
  client_expect(&second, "-ERR CAPA takes no argument.\r\n");
  client_say(&relayed, "STAT\r\n");
  server_expect(server, "STAT\r\n");
  client_close(&first);
  client_close(&second);
  client_close(&third);
  client_close(&relayed);
  server_expect_end(server);
}

static void test_full_of_users(Stage *stage) {
  int server;
  StageSettings settings = STAGE_SETTINGS;
  settings.max_connections = 1;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client relayed = log_in(stage, &server);
  Client other = client_connect(stage, POP3);
  client_expect(&other, FULL);
  client_expect_end(&other);
  client_close(&other);
  client_close(&relayed);
  server_expect_end(server);
}

static void test_max_per_address(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  settings.max_per_address = 2;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client first = client_greet_pop3(stage);
  Client second = client_greet_pop3(stage);
  Client third = client_connect(stage, POP3);
  client_expect(&third, "-ERR Too many connections from your address.\r\n");
  client_expect_end(&third);
  client_say(&first, "QUIT\r\n");
  client_expect(&first, "+OK Bye.\r\n");
  client_expect_end(&first);
  client_close(&first);
  client_close(&second);
  client_close(&third);
}

static void test_unlisten(Stage *stage) {
  g_autoptr(GError) error = NULL;
  Client client = client_greet_pop3(stage);
  channel_send(stage->parent, MESSAGE_UNLISTEN, g_variant_new_uint64(POP3), NULL, 0, &error);
  g_assert_no_error(error);
  /* The parent's channel may be served after the verifier's in one round: two settle it. */
  stage_synchronise(stage);
  stage_synchronise(stage);
  g_assert_true(client_is_refused(stage, POP3));
  client_say(&client, "QUIT\r\n");
  client_expect(&client, "+OK Bye.\r\n");
  client_close(&client);
}

/* Neither side's slowness makes the front hold more than a little. */
static void test_back_pressure(Stage *stage) {
  const gsize total = 32 * 1024 * 1024;
  int server;
  gsize sent = 0;
  gsize got = 0;
  static char bytes[65536];
  Client client = log_in(stage, &server);
  fcntl(server, F_SETFL, O_NONBLOCK);
  for (guint stalls = 0; stalls < 3;) {
    ssize_t count = send(server, bytes, sizeof bytes, MSG_NOSIGNAL);
    sent += count > 0 ? (gsize)count : 0;
    stalls = count > 0 ? 0 : stalls + 1;
    stage_synchronise(stage);
    g_assert_cmpuint(sent, <, total);
  }
  while (got < total) {
    ssize_t count = send(server, bytes, MIN(sizeof bytes, total - sent), MSG_NOSIGNAL);
    sent += count > 0 ? (gsize)count : 0;
    count = recv(client.descriptor, bytes, sizeof bytes, 0);
    g_assert_cmpint(count, >, 0);
    got += (gsize)count;
  }
  g_assert_cmpuint(sent, ==, total);
  close(server);
  client_expect_end(&client);
  client_close(&client);
}

/* A client that asks much and reads nothing is not listened to any more. */
static void test_answers_not_read(Stage *stage) {
  Client client = client_greet_pop3(stage);
  gsize sent = 0;
  fcntl(client.descriptor, F_SETFL, O_NONBLOCK);
  for (guint stalls = 0; stalls < 3;) {
    ssize_t count = send(client.descriptor, "CAPA\r\nCAPA\r\nCAPA\r\n", 18, MSG_NOSIGNAL);
    sent += count > 0 ? (gsize)count : 0;
    stalls = count > 0 ? 0 : stalls + 1;
    if (count <= 0)
      stage_synchronise(stage);
    g_assert_cmpuint(sent, <, 64 * 1024 * 1024);
  }
  Client other = client_greet_pop3(stage);
  client_close(&other);
  client_close(&client);
}

static void test_silent_hundred(Stage *stage) {
  Client silent[100];
  int server;
  for (gsize i = 0; i < G_N_ELEMENTS(silent); i++)
    silent[i] = client_connect(stage, i % 2);
  Client client = log_in(stage, &server);
  g_auto(Message) message = MESSAGE_INIT;
  g_autoptr(GError) error = NULL;
  channel_send(stage->verifier, MESSAGE_ASK_COUNTS, g_variant_new_uint64(5), NULL, 0, &error);
  g_assert_no_error(error);
  expect_message(stage->verifier, MESSAGE_COUNTS, &message);
  g_autofree char *text = g_variant_print(message.body, FALSE);
  g_assert_cmpstr(text, ==,
                  "(5, 0, {'pop3-logged-in': 1, 'pop3-before-login': 50, 'imap-logged-in': 0, "
                  "'imap-before-login': 50, 'auth-socket': 0, 'saslauthd-socket': 0})");
  for (gsize i = 0; i < G_N_ELEMENTS(silent); i++)
    client_close(&silent[i]);
  client_close(&client);
  server_expect_end(server);
}

/* What comes after the last answer does not take it back. */
static void test_answer_before_the_end(Stage *stage) {
  g_autofree char *text = g_strnfill(300000, 'x');
  Client client = client_connect(stage, IMAP);
  client_expect(&client, IMAP_GREETING);
  client_say(&client, "a LOGIN ");
  client_say(&client, text);
  client_expect(&client, "a BAD The line is too long.\r\n* BYE [TOOBIG] The line is too long.\r\n");
  client_expect_end(&client);
  client_close(&client);
}

int main(int argc, char **argv) {
  static const StageRow rows[] = {
      {"/front/pop3", test_pop3},
      {"/front/imap", test_imap},
      {"/front/refusals", test_refusals},
      {"/front/delay", test_delay},
      {"/front/delay-outlasts-timeout", test_delay_outlasts_timeout},
      {"/front/stray-verdict", test_stray_verdict},
      {"/front/clear-text", test_clear_text},
      {"/front/starttls", test_starttls},
      {"/front/tls-from-the-start", test_tls_from_the_start},
      {"/front/much-at-once", test_much_at_once},
      {"/front/no-certificate", test_no_certificate},
      {"/front/not-tls", test_not_tls},
      {"/front/verifier-replaced", test_verifier_replaced},
      {"/front/sessions-told-to-new-verifier", test_sessions_told_to_new_verifier},
      {"/front/verifier-not-understood", test_verifier_that_can_not_be_understood},
      {"/front/keys-told-to-new-verifier", test_keys_told_to_new_verifier},
      {"/front/client-goes", test_client_goes},
      {"/front/half-close", test_half_close},
      {"/front/login-timeout", test_login_timeout},
      {"/front/oldest-makes-room", test_oldest_makes_room},
      {"/front/full-of-users", test_full_of_users},
      {"/front/max-per-address", test_max_per_address},
      {"/front/unlisten", test_unlisten},
      {"/front/back-pressure", test_back_pressure},
      {"/front/answers-not-read", test_answers_not_read},
      {"/front/silent-hundred", test_silent_hundred},
      {"/front/answer-before-the-end", test_answer_before_the_end},
  };
  return stage_run_tests(argc, argv, rows, G_N_ELEMENTS(rows));
}

/* SPDX-License-Identifier: MIT */
/* SCRAM through the whole front role: what the client says reaches the verifier, and
 * what it answers the client, whoever breaks off. */
#include "tests/unit/support/front-stage.h"

/* n,,n=ann,r=abc; what may follow a challenge; "ask" and "v=x" */
#define SCRAM_FIRST "biwsbj1hbm4scj1hYmM="
#define SCRAM_FINAL                                                                                \
  "Yz1iaXdzLHI9YWJjZGVmLHA9ZEh6YlphcFdJazRqVWhOK1V0ZTl5dGFnOXpqZk1IZ3NxbW1pejdBbmRWUT0="
#define ASKED "+ YXNr\r\n"
#define PROVED "+ dj14\r\n"
#define PASS_LOGIN "'PASS', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')"

static Client greet_scram(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  stage->has_scram = TRUE;
  stage->proof = "v=x";
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  return client_greet_pop3(stage);
}

/* What the client has said first; how many channel bindings come with it. */
static guint64 expect_scram_first(Stage *stage, guint bindings) {
  g_auto(Message) message = MESSAGE_INIT;
  guint64 login = 0;
  const char *address = NULL;
  gboolean plus = FALSE;
  const char *tls = NULL;
  guint64 session = 0;
  g_autoptr(GVariant) bytes = NULL;
  g_autoptr(GVariant) list = NULL;
  expect_message(stage->verifier, MESSAGE_SCRAM_FIRST, &message);
  g_variant_get(message.body, "(ty&s@ayb&stq@a(say))", &login, NULL, &address, &bytes, &plus, &tls,
                &session, NULL, &list);
  g_assert_cmpstr(address, ==, "127.0.0.1");
  g_assert_cmpmem(g_variant_get_data(bytes), g_variant_get_size(bytes), "n,,n=ann,r=abc", 14);
  g_assert_cmpuint(g_variant_n_children(list), ==, bindings);
  g_assert_false(plus);
  g_assert_cmpstr(tls, ==, bindings > 0 ? "TLSv1.3" : "");
  g_assert_cmpuint(session, >, 0);
  return login;
}

static void expect_scram_final(Stage *stage, guint64 login) {
  g_auto(Message) message = MESSAGE_INIT;
  guint64 number = 0;
  expect_message(stage->verifier, MESSAGE_SCRAM_FINAL, &message);
  g_variant_get_child(message.body, 0, "t", &number);
  g_assert_cmpuint(number, ==, login);
}

static void expect_cancel(Stage *stage, guint64 login) {
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  g_assert_cmpuint(g_variant_get_uint64(message.body), ==, login);
}

static void expect_session_end(Stage *stage, guint64 login) {
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_SESSION_ENDED, &message);
  g_assert_cmpuint(g_variant_get_uint64(message.body), ==, login);
}

static void send_challenge(Stage *stage, guint64 login) {
  GVariant *body = g_variant_new("(t@ay)", login, message_secret_new("ask", 3));
  g_assert_true(channel_send(stage->verifier, MESSAGE_SCRAM_CHALLENGE, body, NULL, 0, NULL));
}

/* Up to where the client has been asked. */
static guint64 begin_scram(Stage *stage, const Client *client) {
  client_say(client, "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n");
  guint64 login = expect_scram_first(stage, 0);
  send_challenge(stage, login);
  client_expect(client, ASKED);
  return login;
}

static void test_scram(Stage *stage) {
  int server;
  Client client = greet_scram(stage);
  guint64 login = begin_scram(stage, &client);
  client_say(&client, SCRAM_FINAL "\r\n");
  expect_scram_final(stage, login);
  send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
  client_expect(&client, PROVED);
  client_say(&client, "\r\nSTAT\r\n");
  client_expect(&client, "+OK Logged in.\r\n");
  server_expect(server, "STAT\r\n");
  client_close(&client);
  server_expect_end(server);
}

static void test_scram_refused(Stage *stage) {
  Client client = greet_scram(stage);
  guint64 login = begin_scram(stage, &client);
  send_challenge(stage, login); /* again: for nobody */
  client_say(&client, SCRAM_FINAL "\r\n");
  expect_scram_final(stage, login);
  send_challenge(stage, login); /* no time for it */
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 10, "", "", NULL);
  client_expect(&client, FAILED);
  client_say(&client, "USER ann\r\nPASS pw\r\n");
  login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
  send_challenge(stage, login); /* not asked for */
  send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 0, "", "", NULL);
  client_expect(&client, "+OK\r\n" FAILED);
  client_close(&client);
}

static void test_scram_in_tls(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  stage->has_scram = TRUE;
  stage_send_settings(stage, &settings);
  stage_send_keys(stage);
  Client client = client_connect(stage, POP3_TLS);
  client_begin_tls(&client);
  client_expect(&client, POP3_GREETING);
  client_say(&client, "AUTH SCRAM-SHA-256 " SCRAM_FIRST "\r\n");
  expect_scram_first(stage, 2); /* of TLS 1.3: the exporter's and the certificate's */
  client_close(&client);
}

/* In each of the ways that an exchange can end before its time. */
static void test_scram_broken_off(Stage *stage) {
  static const struct {
    const char *words, *answer;
  } rows[] = {
      {"*\r\n", "-ERR Authentication cancelled.\r\n"},
      {"!\r\n", "-ERR The authentication response cannot be read.\r\n"},
      {"\r\n", "-ERR The authentication response cannot be read.\r\n"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Client client = greet_scram(stage);
    guint64 login = begin_scram(stage, &client);
    client_say(&client, rows[i].words);
    client_expect(&client, rows[i].answer);
    expect_cancel(stage, login);
    send_verdict(stage, login, OUTCOME_BAD_PASSWORD, 0, "", "", NULL);
    client_say(&client, "QUIT\r\n");
    client_expect(&client, "+OK Bye.\r\n");
    client_close(&client);
  }
  Client client = greet_scram(stage);
  guint64 login = begin_scram(stage, &client);
  client_close(&client);
  expect_cancel(stage, login);
}

/* Whoever does not believe the server's proof is not logged in, and the verifier hears of it,
 * each time anew. */
static void test_scram_proof_refused(Stage *stage) {
  int server;
  Client client = greet_scram(stage);
  for (guint i = 0; i < 2; i++) {
    guint64 login = begin_scram(stage, &client);
    client_say(&client, SCRAM_FINAL "\r\n");
    expect_scram_final(stage, login);
    send_verdict(stage, login, OUTCOME_OK, 0, "", "", &server);
    client_expect(&client, PROVED);
    client_say(&client, "*\r\n");
    client_expect(&client, "-ERR Authentication cancelled.\r\n");
    server_expect_end(server);
    expect_session_end(stage, login);
  }
  guint64 login = begin_scram(stage, &client);
  client_close(&client);
  expect_cancel(stage, login);
}

/* The new one is asked with what the client says next, and knows nothing of it. */
static void test_scram_verifier_replaced(Stage *stage) {
  Client client = greet_scram(stage);
  guint64 login = begin_scram(stage, &client);
  channel_free(stage->verifier);
  stage->verifier = stage_start_verifier(stage);
  stage_synchronise(stage);
  client_say(&client, SCRAM_FINAL "\r\n");
  expect_scram_final(stage, login);
  send_verdict(stage, login, OUTCOME_OVERTAKEN, 0, "", "", NULL);
  client_expect(&client, TEMPORARY);
  client_close(&client);
}

int main(int argc, char **argv) {
  static const StageRow rows[] = {
      {"/front/scram", test_scram},
      {"/front/scram-refused", test_scram_refused},
      {"/front/scram-in-tls", test_scram_in_tls},
      {"/front/scram-broken-off", test_scram_broken_off},
      {"/front/scram-proof-refused", test_scram_proof_refused},
      {"/front/scram-verifier-replaced", test_scram_verifier_replaced},
  };
  return stage_run_tests(argc, argv, rows, G_N_ELEMENTS(rows));
}

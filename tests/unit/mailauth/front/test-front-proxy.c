/* SPDX-License-Identifier: MIT */
/* Connections by a proxy through the whole front role: the address that its header tells
 * counts, and without a header nobody is greeted. */
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/support/front-stage.h"

#define LINE(last) "PROXY TCP4 203.0.113." last " 192.0.2.1 40000 110\r\n"
#define HEAD "\r\n\r\n\0\r\nQUIT\n"
#define LOCAL HEAD "\x20\x00\x00\x00"
#define FOUR "\xcb\x00\x71\x07\xc0\x00\x02\x01\x9c\x40\x00\x6e"
#define BINARY HEAD "\x21\x11\x00\x0c" FOUR
#define BY_TLS HEAD "\x21\x11\x00\x1e" FOUR "\x20\x00\x0f\x01\0\0\0\0\x21\x00\x07TLSv1.2"
#define BYTES(text) text, sizeof(text) - 1
#define LOGIN "USER ann\r\nPASS pw\r\n"
#define ASKED(address, tls) "0x00, 'PASS', 'ann', '', [0x70, 0x77], '" address "', '', '" tls "')"
#define CAPA "+OK Capability list follows.\r\n"
#define CAPA_HEAD CAPA "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"

static StageSettings expect_proxies(Stage *stage) {
  StageSettings settings = STAGE_SETTINGS;
  settings.proxies = "127.0.0.0/8";
  settings.clear_text = CLEAR_TEXT_ALWAYS;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  return settings;
}

static void say_bytes(const Client *client, const char *bytes, gsize size) {
  g_assert_cmpint(send(client->descriptor, bytes, size, MSG_NOSIGNAL), ==, (gssize)size);
}

static Client come_with(Stage *stage, guint listener, const char *bytes, gsize size) {
  Client client = client_connect(stage, listener);
  say_bytes(&client, bytes, size);
  return client;
}

/* What is told of a connection that was refused. */
static void expect_refusal(Stage *stage, Outcome outcome, const char *address, const char *why) {
  g_auto(Message) message = MESSAGE_INIT;
  guint32 what;
  const char *where;
  const char *detail;
  expect_message(stage->verifier, MESSAGE_INCIDENT, &message);
  g_variant_get(message.body, "(tuy&s&s&su&st)", NULL, &what, NULL, NULL, &where, NULL, NULL,
                &detail, NULL);
  g_assert_cmpuint(what, ==, outcome);
  g_assert_cmpstr(where, ==, address);
  g_assert_cmpstr(detail, ==, why);
}

static void test_told(Stage *stage) {
  static const struct {
    const char *bytes;
    gsize size;
    const char *asked;
  } rows[] = {
      {BYTES(LINE("7")), ASKED("203.0.113.7", "")},
      {BYTES("PROXY TCP6 2001:db8::7 ::1 40000 110\r\n"), ASKED("2001:db8::7", "")},
      {BYTES("PROXY UNKNOWN\r\n"), ASKED("127.0.0.1", "")},
      {BYTES(BINARY), ASKED("203.0.113.7", "")},
      {BYTES(LOCAL), ASKED("127.0.0.1", "")},
      {BYTES(BY_TLS), ASKED("203.0.113.7", "TLSv1.2")},
  };
  expect_proxies(stage);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Client client = come_with(stage, POP3, rows[i].bytes, rows[i].size);
    client_expect(&client, POP3_GREETING);
    client_say(&client, LOGIN);
    expect_question(stage, MESSAGE_LOGIN, rows[i].asked);
    client_close(&client);
    g_auto(Message) message = MESSAGE_INIT;
    expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  }
}

/* A proxy need not wait for the greeting before it hands on what its client says. */
static void test_pipelined(Stage *stage) {
  expect_proxies(stage);
  Client client = come_with(stage, POP3, BYTES(BINARY LOGIN));
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.7", ""));
  client_expect(&client, POP3_GREETING "+OK\r\n");
  client_close(&client);
}

static void test_before_tls(Stage *stage) {
  expect_proxies(stage);
  stage_send_keys(stage);
  Client client = come_with(stage, POP3_TLS, BYTES(LINE("7")));
  client_begin_tls(&client);
  client_expect(&client, POP3_GREETING);
  client_say(&client, LOGIN);
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.7", "TLSv1.3"));
  client_close(&client);
}

/* The client came by TLS: its password may travel on, but there is nothing to bind SCRAM to,
 * and no TLS to begin. */
static void test_by_tls(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.clear_text = CLEAR_TEXT_NEVER;
  stage->has_scram = TRUE;
  stage_send_keys(stage);
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client client = come_with(stage, POP3, BYTES(BY_TLS "CAPA\r\nSTLS\r\n"));
  client_expect(&client, POP3_GREETING CAPA_HEAD "USER\r\nSASL PLAIN LOGIN SCRAM-SHA-256\r\n.\r\n"
                                                 "-ERR TLS is active already.\r\n");
  client_close(&client);
  client = come_with(stage, POP3, BYTES(BINARY "CAPA\r\n"));
  client_expect(&client, POP3_GREETING CAPA_HEAD "STLS\r\n.\r\n");
  client_close(&client);
}

/* By the address that was told, not by that of the proxy on this machine. */
static void test_clear_text(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.clear_text = CLEAR_TEXT_LOOPBACK;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client client = come_with(stage, POP3, BYTES(LINE("7") "CAPA\r\n"));
  client_expect(&client, POP3_GREETING CAPA_HEAD ".\r\n");
  client_close(&client);
  client = come_with(stage, POP3, BYTES("PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\nCAPA\r\n"));
  client_expect(&client, POP3_GREETING CAPA_HEAD "USER\r\n");
  client_close(&client);
}

static void test_without(Stage *stage) {
  static const struct {
    guint listener;
    const char *bytes;
    gsize size;
  } rows[] = {
      {POP3, BYTES(LOGIN)},
      {IMAP, BYTES("a LOGIN ann pw\r\n")},
      {POP3, BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 40000\r\n")},
      {POP3, BYTES(HEAD "\x21\x11\xff\xff")},
      {POP3_TLS, BYTES("\x16\x03\x01\x02\x00\x01")},
  };
  expect_proxies(stage);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Client client = come_with(stage, rows[i].listener, rows[i].bytes, rows[i].size);
    expect_refusal(stage, OUTCOME_PROXY_HEADER, "127.0.0.1", "what came first is no PROXY header");
    client_expect_end(&client);
    client_close(&client);
  }
}

static void test_late(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.login_timeout = 1;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client client = come_with(stage, POP3, BYTES(HEAD));
  expect_refusal(stage, OUTCOME_PROXY_HEADER, "127.0.0.1", "no whole header has come in time");
  client_expect_end(&client);
  client_close(&client);
}

/* Looking if the port is open is no fault. */
static void test_silent(Stage *stage) {
  expect_proxies(stage);
  Client client = client_connect(stage, POP3);
  client_close(&client);
  client = come_with(stage, POP3, BYTES(LOGIN));
  expect_refusal(stage, OUTCOME_PROXY_HEADER, "127.0.0.1", "what came first is no PROXY header");
  client_close(&client);
}

/* The front asks whether its settings are current. */
static guint64 expect_settings_question(Stage *stage) {
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_ASK_SETTINGS, &message);
  return g_variant_get_uint64(message.body);
}

static void answer_settings(Stage *stage) {
  send_verdict(stage, expect_settings_question(stage), OUTCOME_PROXY_HEADER, 0, "", "", NULL);
}

static void test_not_expected(Stage *stage) {
  static const char why[] = "a header came, and the address is not in 'Proxy Networks'";
  static const char goodbye[] = "No proxy is expected from your address.\r\n";
  const struct {
    guint listener;
    const char *bytes;
    gsize size;
    const char *greeting, *answer;
  } rows[] = {
      {POP3, BYTES(LINE("7") LOGIN), POP3_GREETING, "-ERR "},
      {POP3, BYTES(BINARY LOGIN), POP3_GREETING, "-ERR "},
      {IMAP, BYTES(BINARY "a LOGIN ann pw\r\n"),
       "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN] "
       "IMAP server ready.\r\n",
       "* BYE "},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *said = g_strconcat(rows[i].greeting, rows[i].answer, goodbye, NULL);
    Client client = come_with(stage, rows[i].listener, rows[i].bytes, rows[i].size);
    answer_settings(stage);
    client_expect(&client, said);
    client_expect_end(&client);
    expect_refusal(stage, OUTCOME_PROXY_HEADER, "127.0.0.1", why);
    client_close(&client);
  }
  stage_send_keys(stage);
  Client client = come_with(stage, POP3_TLS, BYTES(BINARY));
  answer_settings(stage);
  client_expect_end(&client);
  expect_refusal(stage, OUTCOME_PROXY_HEADER, "127.0.0.1", why);
  client_close(&client);
}

/* `Proxy Networks` was set just before the connection began, and is heard of after it. */
static void test_just_set(Stage *stage) {
  stage_send_keys(stage);
  Client plain = come_with(stage, POP3, BYTES(LINE("7") LOGIN));
  guint64 first = expect_settings_question(stage);
  client_expect(&plain, POP3_GREETING);
  Client in_tls = come_with(stage, POP3_TLS, BYTES(BINARY));
  guint64 second = expect_settings_question(stage);
  expect_proxies(stage);
  send_verdict(stage, first, OUTCOME_PROXY_HEADER, 0, "", "", NULL);
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.7", ""));
  client_expect(&plain, "+OK\r\n");
  send_verdict(stage, second, OUTCOME_PROXY_HEADER, 0, "", "", NULL);
  client_begin_tls(&in_tls);
  client_expect(&in_tls, POP3_GREETING);
  client_close(&plain);
  client_close(&in_tls);
}

/* No verifier says that the settings are current: those that there are hold. */
static void test_nobody_to_ask(Stage *stage) {
  Client client = come_with(stage, POP3, BYTES(LINE("7")));
  expect_settings_question(stage);
  channel_free(stage->verifier);
  client_expect(&client, POP3_GREETING "-ERR No proxy is expected from your address.\r\n");
  client_expect_end(&client);
  client_close(&client);
  stage->verifier = stage_start_verifier(stage);
}

/* The proxy's own address has no limit of its own; those that it tells have. */
static void test_max_per_address(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.max_per_address = 2;
  stage_send_settings(stage, &settings);
  stage_send_keys(stage);
  stage_synchronise(stage);
  Client waiting[3];
  for (guint i = 0; i < G_N_ELEMENTS(waiting); i++)
    waiting[i] = client_connect(stage, POP3);
  const char *answers[] = {POP3_GREETING, POP3_GREETING,
                           "-ERR Too many connections from your address.\r\n"};
  for (guint i = 0; i < G_N_ELEMENTS(waiting); i++) { /* one after the other */
    say_bytes(&waiting[i], BYTES(LINE("7")));
    client_expect(&waiting[i], answers[i]);
  }
  client_expect_end(&waiting[2]);
  expect_refusal(stage, OUTCOME_TOO_MANY_CONNECTIONS, "203.0.113.7", "Max Connections Per Address");
  Client in_tls = come_with(stage, POP3_TLS, BYTES(LINE("7")));
  client_expect_end(&in_tls);
  expect_refusal(stage, OUTCOME_TOO_MANY_CONNECTIONS, "203.0.113.7", "Max Connections Per Address");
  Client other = come_with(stage, POP3, BYTES(LINE("8")));
  client_expect(&other, POP3_GREETING);
  client_close(&waiting[0]);
  client_say(&waiting[1], "QUIT\r\n");
  client_expect(&waiting[1], "+OK Bye.\r\n");
  client_expect_end(&waiting[1]);
  Client again = come_with(stage, POP3, BYTES(LINE("7")));
  client_expect(&again, POP3_GREETING);
  for (guint i = 1; i < G_N_ELEMENTS(waiting); i++)
    client_close(&waiting[i]);
  client_close(&in_tls);
  client_close(&other);
  client_close(&again);
}

/* Connections whose header is to come count among all. */
static void test_max_connections(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.max_connections = 2;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client clients[3];
  for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
    clients[i] = client_connect(stage, POP3);
  client_expect_end(&clients[0]);
  expect_refusal(stage, OUTCOME_TOO_MANY_CONNECTIONS, "127.0.0.1", "Max Connections");
  for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
    client_close(&clients[i]);
}

/* ---- clients that tell where their own clients are ---- */

#define XCLIENT(last) "XCLIENT ADDR=203.0.113." last " PORT=4711\r\n"
#define TRUSTED_GREETING "+OK [XCLIENT] POP3 server ready.\r\n"
#define IMAP_GREETING                                                                              \
  "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE AUTH=PLAIN AUTH=LOGIN] "             \
  "IMAP server ready.\r\n"
#define ID_DONE "* ID (\"name\" \"mailauthd\")\r\na OK ID completed.\r\n"
#define STRANGER "-ERR Your address is not one of those that may tell a client's.\r\n"

static void trust(Stage *stage, ClearText clear_text, guint max_per_address) {
  StageSettings settings = STAGE_SETTINGS;
  settings.trusted = "127.0.0.1";
  settings.clear_text = clear_text;
  settings.max_per_address = max_per_address;
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
}

static void test_tells(Stage *stage) {
  trust(stage, CLEAR_TEXT_ALWAYS, 100);
  Client client = come_with(stage, POP3, BYTES(XCLIENT("9") LOGIN));
  client_expect(&client, TRUSTED_GREETING "+OK Noted.\r\n");
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.9", ""));
  client_close(&client);
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  client = come_with(stage, IMAP,
                     BYTES("a ID (\"x-originating-ip\" \"2001:db8::9\")\r\nb LOGIN ann pw\r\n"));
  client_expect(&client, IMAP_GREETING ID_DONE);
  expect_question(stage, MESSAGE_LOGIN,
                  "0x01, 'LOGIN', 'ann', '', [0x70, 0x77], '2001:db8::9', '', '')");
  client_close(&client);
}

/* The last word counts, and a client that is told of does not tell of others itself. */
static void test_tells_again(Stage *stage) {
  trust(stage, CLEAR_TEXT_ALWAYS, 100);
  Client client = come_with(stage, POP3, BYTES(XCLIENT("9") XCLIENT("8") LOGIN));
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.8", ""));
  client_close(&client);
}

static void test_tells_behind_proxy(Stage *stage) {
  StageSettings settings = expect_proxies(stage);
  settings.trusted = "203.0.113.7";
  stage_send_settings(stage, &settings);
  stage_synchronise(stage);
  Client client = come_with(stage, POP3, BYTES(LINE("7") XCLIENT("9") LOGIN));
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.9", ""));
  client_close(&client);
}

/* What was told is as good as who told it: a stranger's word before TLS could be anybody's. */
static void test_tells_before_tls(Stage *stage) {
  trust(stage, CLEAR_TEXT_ALWAYS, 100);
  stage_send_keys(stage);
  Client client = client_connect(stage, POP3);
  client_expect(&client, TRUSTED_GREETING);
  client_say(&client, XCLIENT("9") "STLS\r\n");
  client_expect(&client, "+OK Noted.\r\n+OK Begin TLS negotiation now.\r\n");
  client_begin_tls(&client);
  client_say(&client, LOGIN);
  expect_question(stage, MESSAGE_LOGIN, ASKED("127.0.0.1", "TLSv1.3"));
  client_close(&client);
}

static void test_tells_clear_text(Stage *stage) {
  trust(stage, CLEAR_TEXT_LOOPBACK, 100);
  Client client = come_with(stage, POP3, BYTES(XCLIENT("9") "CAPA\r\n"));
  client_expect(&client, TRUSTED_GREETING "+OK Noted.\r\n" CAPA_HEAD "XCLIENT\r\n.\r\n");
  client_close(&client);
}

/* A stranger is asked about once, and not believed. */
static void test_stranger_tells(Stage *stage) {
  Client client = come_with(stage, POP3, BYTES(XCLIENT("9") XCLIENT("9") "CAPA\r\n" LOGIN));
  answer_settings(stage);
  client_expect(&client,
                POP3_GREETING STRANGER STRANGER CAPA_HEAD "USER\r\nSASL PLAIN LOGIN\r\n.\r\n");
  expect_question(stage, MESSAGE_LOGIN, ASKED("127.0.0.1", ""));
  client_close(&client);
  g_auto(Message) message = MESSAGE_INIT;
  expect_message(stage->verifier, MESSAGE_CANCEL, &message);
  client =
      come_with(stage, IMAP, BYTES("a ID (\"x-originating-ip\" \"::9\")\r\nb LOGIN ann pw\r\n"));
  client_expect(&client, IMAP_GREETING ID_DONE);
  answer_settings(stage);
  expect_question(stage, MESSAGE_LOGIN,
                  "0x01, 'LOGIN', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')");
  client_close(&client);
}

static void test_just_trusted(Stage *stage) {
  Client client = come_with(stage, POP3, BYTES(XCLIENT("9") LOGIN));
  guint64 question = expect_settings_question(stage);
  trust(stage, CLEAR_TEXT_ALWAYS, 100);
  send_verdict(stage, question, OUTCOME_PROXY_HEADER, 0, "", "", NULL);
  expect_question(stage, MESSAGE_LOGIN, ASKED("203.0.113.9", ""));
  client_close(&client);
}

/* Many are let in from a webmail's address, one after the other, and each client has its limit. */
static void test_tells_max_per_address(Stage *stage) {
  trust(stage, CLEAR_TEXT_ALWAYS, 2);
  Client clients[4];
  for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
    clients[i] =
        come_with(stage, POP3, i < 2 ? XCLIENT("8") : XCLIENT("9"), sizeof XCLIENT("8") - 1);
    client_expect(&clients[i], TRUSTED_GREETING "+OK Noted.\r\n");
  }
  Client fifth = come_with(stage, POP3, BYTES(XCLIENT("9")));
  client_expect(&fifth, TRUSTED_GREETING "-ERR Too many connections from your address.\r\n");
  client_expect_end(&fifth);
  expect_refusal(stage, OUTCOME_TOO_MANY_CONNECTIONS, "203.0.113.9", "Max Connections Per Address");
  for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
    client_close(&clients[i]);
  client_close(&fifth);
}

int main(int argc, char **argv) {
  static const StageRow rows[] = {
      {"/front/proxy/told", test_told},
      {"/front/proxy/pipelined", test_pipelined},
      {"/front/proxy/before-tls", test_before_tls},
      {"/front/proxy/by-tls", test_by_tls},
      {"/front/proxy/clear-text", test_clear_text},
      {"/front/proxy/without", test_without},
      {"/front/proxy/late", test_late},
      {"/front/proxy/silent", test_silent},
      {"/front/proxy/not-expected", test_not_expected},
      {"/front/proxy/just-set", test_just_set},
      {"/front/proxy/nobody-to-ask", test_nobody_to_ask},
      {"/front/proxy/max-per-address", test_max_per_address},
      {"/front/proxy/max-connections", test_max_connections},
      {"/front/tells", test_tells},
      {"/front/tells/again", test_tells_again},
      {"/front/tells/behind-proxy", test_tells_behind_proxy},
      {"/front/tells/before-tls", test_tells_before_tls},
      {"/front/tells/clear-text", test_tells_clear_text},
      {"/front/tells/stranger", test_stranger_tells},
      {"/front/tells/just-trusted", test_just_trusted},
      {"/front/tells/max-per-address", test_tells_max_per_address},
  };
  return stage_run_tests(argc, argv, rows, G_N_ELEMENTS(rows));
}

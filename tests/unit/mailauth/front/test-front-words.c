/* SPDX-License-Identifier: MIT */
/* What the front tells a client in the name of a mail server behind. */
#include "tests/unit/support/front-stage.h"

#define IMAP_CAPS "CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE"
#define IMAP_GREETING "* OK [" IMAP_CAPS " AUTH=PLAIN AUTH=LOGIN] IMAP server ready.\r\n"
#define PASS_LOGIN "'PASS', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')"
#define LATER "-ERR [SYS/TEMP] The mailbox cannot be opened now.\r\n"

/* A line break from a mail server is not passed on as an answer of ours. */
static void test_capabilities_checked(Stage *stage) {
  int server;
  Client client = client_connect(stage, IMAP);
  client_expect(&client, IMAP_GREETING);
  client_say(&client, "a LOGIN ann pw\r\n");
  guint64 login = expect_question(stage, MESSAGE_LOGIN,
                                  "0x01, 'LOGIN', 'ann', '', [0x70, 0x77], '127.0.0.1', '', '')");
  send_verdict(stage, login, OUTCOME_OK, 0, "X\r\n* BYE", "", &server);
  client_expect(&client, "a OK Logged in.\r\n");
  client_close(&client);
  server_expect_end(server);
}

/* What a mail server behind has said; nothing of it ends a line. */
static void test_words(Stage *stage) {
  const struct {
    ServerWord word;
    const char *answer;
  } rows[] = {
      {{SERVER_CODE_IN_USE, ""}, "-ERR [IN-USE] Another session has the mailbox open.\r\n"},
      {{SERVER_CODE_ALERT, "Call us."}, "-ERR [SYS/TEMP] Call us.\r\n"},
      {{SERVER_CODE_ALERT, "a\r\n+OK"}, LATER},
      {{(ServerCode)4711, ""}, LATER},
  };
  Client client = client_greet_pop3(stage);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    client_say(&client, "USER ann\r\nPASS pw\r\n");
    guint64 login = expect_question(stage, MESSAGE_LOGIN, "0x00, " PASS_LOGIN);
    stage->word = rows[i].word;
    /* With and without a delay, for which it is kept. */
    send_verdict(stage, login, OUTCOME_BACKEND_REFUSED, i == 1 ? 10 : 0, "", "", NULL);
    client_expect(&client, "+OK\r\n");
    client_expect(&client, rows[i].answer);
  }
  client_close(&client);
}

int main(int argc, char **argv) {
  static const StageRow rows[] = {
      {"/front/capabilities-checked", test_capabilities_checked},
      {"/front/words", test_words},
  };
  return stage_run_tests(argc, argv, rows, G_N_ELEMENTS(rows));
}

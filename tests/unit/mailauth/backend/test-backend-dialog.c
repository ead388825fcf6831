/* SPDX-License-Identifier: MIT */
/* backend-dialog.c: conversations with mail servers, line by line. */
#include "mailauth/backend/backend-dialog.h"

/* alice NUL master NUL secret */
#define CREDENTIALS "YWxpY2UAbWFzdGVyAHNlY3JldA==\r\n"

typedef struct {
  Protocol protocol;
  const char *lines[6];
  const char *sent;
  DialogResult result;
  Outcome outcome;
  const char *capabilities;
  ServerCode code;
  const char *alert;
} Row;

static const Row rows[] = {
    {PROTOCOL_POP3,
     {"+OK ready", "+ ", "+OK Logged in."},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [AUTH] no"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_UNAVAILABLE,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR no"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [IN-USE] busy"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_IN_USE,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [SYS/TEMP] later"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_UNAVAILABLE,
     NULL},
    {PROTOCOL_POP3,
     {"-ERR no"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_UNREACHABLE,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_POP3,
     {"-ERR [LOGIN-DELAY] wait"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_LOGIN_DELAY,
     NULL},
    {PROTOCOL_POP3,
     {"+OK ready", "+OK what"},
     "AUTH PLAIN\r\n",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
      "login OK [CAPABILITY IMAP4rev1 IDLE] Logged in"},
     "login AUTHENTICATE PLAIN " CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "IMAP4rev1 IDLE",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "* CAPABILITY IMAP4rev1 UIDPLUS", "login OK done"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "IMAP4rev1 UIDPLUS",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login OK done"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [AUTHENTICATIONFAILED] no"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_UNAVAILABLE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [LIMIT] Maximum number of connections"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_LIMIT,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO Too many [LIMIT] connections"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [ALERT] Closed at 18:00\x07\xc3\xa4"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_ALERT,
     "Closed at 18:00???"},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "* NO [alert] Pay your bill", "login NO [EXPIRED] no"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_EXPIRED,
     "Pay your bill"},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "* OK [ALERT] Disk full soon", "login OK in"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "",
     SERVER_CODE_NONE,
     "Disk full soon"},
    {PROTOCOL_IMAP,
     {"* BYE [UNAVAILABLE] too busy"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_UNAVAILABLE,
     NULL},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [UNAVAILABLE] no"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_UNAVAILABLE,
     NULL},
    {PROTOCOL_IMAP,
     {"* BYE full"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_UNREACHABLE,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"* PREAUTH hello"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
    {PROTOCOL_IMAP,
     {"HTTP/1.1 400"},
     "",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     "",
     SERVER_CODE_NONE,
     NULL},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(BackendDialog) dialog =
        backend_dialog_new(rows[i].protocol, "alice", "master", "secret");
    g_autoptr(GString) sent = g_string_new(NULL);
    DialogResult result = DIALOG_GO_ON;
    Outcome outcome = OUTCOME_OK;
    for (guint line = 0; rows[i].lines[line] != NULL; line++) {
      g_assert_cmpint(result, ==, DIALOG_GO_ON);
      result = backend_dialog_feed(dialog, rows[i].lines[line], sent, &outcome);
      g_autofree char *valid = g_utf8_make_valid(rows[i].lines[line], -1);
      g_assert_cmpstr(backend_dialog_get_answer(dialog), ==, valid);
    }
    g_test_message("row %u", i);
    g_assert_cmpint(result, ==, rows[i].result);
    g_assert_cmpint(outcome, ==, rows[i].outcome);
    g_assert_cmpstr(sent->str, ==, rows[i].sent);
    const ServerWord word = backend_dialog_get_word(dialog);
    g_assert_cmpint(word.code, ==, rows[i].code);
    g_assert_cmpstr(word.alert, ==, rows[i].alert);
    if (result == DIALOG_DONE)
      g_assert_cmpstr(backend_dialog_get_capabilities(dialog), ==, rows[i].capabilities);
  }
}

static const struct {
  Protocol protocol;
  const char *address;
  guint16 port;
  const char *lines[6]; /* that end in a login */
  const char *sent;
} told[] = {
    {PROTOCOL_POP3,
     "203.0.113.9",
     4711,
     {"+OK [XCLIENT] ready", "+OK Updated", "+ ", "+OK in"},
     "XCLIENT ADDR=203.0.113.9 PORT=4711\r\nAUTH PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_POP3,
     "2001:db8::9",
     0,
     {"+OK [XCLIENT] ready", "-ERR no", "+ ", "+OK in"},
     "XCLIENT ADDR=2001:db8::9\r\nAUTH PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_POP3,
     "203.0.113.9",
     4711,
     {"+OK ready [XCLIENT]", "+ ", "+OK in"},
     "AUTH PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_POP3, "", 0, {"+OK [XCLIENT] ready", "+ ", "+OK in"}, "AUTH PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     4711,
     {"* OK [CAPABILITY IMAP4rev1 SASL-IR ID] ready", "* ID NIL", "told OK done", "login OK in"},
     "told ID (\"x-originating-ip\" \"203.0.113.9\" \"x-originating-port\" \"4711\")\r\n"
     "login AUTHENTICATE PLAIN " CREDENTIALS},
    {PROTOCOL_IMAP,
     "2001:db8::9",
     0,
     {"* OK [CAPABILITY IMAP4rev1 ID] ready", "told BAD no", "+ ", "login OK in"},
     "told ID (\"x-originating-ip\" \"2001:db8::9\")\r\n"
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     4711,
     {"* OK [CAPABILITY IMAP4rev1 SASL-IR XID IDLE] ready", "login OK in"},
     "login AUTHENTICATE PLAIN " CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     0,
     {"* OK ready", "* CAPABILITY IMAP4rev1 ID SASL-IR", "asked OK done", "login OK in"},
     "asked CAPABILITY\r\n"
     "told ID (\"x-originating-ip\" \"203.0.113.9\")\r\n"
     "login AUTHENTICATE PLAIN " CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     0,
     {"* OK ready", "asked OK [CAPABILITY IMAP4rev1 ID] done", "+ ", "told OK", "login OK in"},
     "asked CAPABILITY\r\n"
     "told ID (\"x-originating-ip\" \"203.0.113.9\")\r\n"
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     0,
     {"* OK ready", "* OK still here", "asked BAD what?", "+ ", "login OK in"},
     "asked CAPABILITY\r\nlogin AUTHENTICATE PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_IMAP,
     "203.0.113.9",
     0,
     {"* OK [CAPABILITY IMAP4rev1] ready", "+ ", "login OK in"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS},
    {PROTOCOL_IMAP,
     "",
     0,
     {"* OK ready", "+ ", "login OK in"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS},
    /* From a front that has been taken over. */
    {PROTOCOL_IMAP,
     "::1\"\r\nx DELETE y",
     4711,
     {"* OK [CAPABILITY IMAP4rev1 SASL-IR ID] ready", "login OK in"},
     "login AUTHENTICATE PLAIN " CREDENTIALS},
};

static void test_told(void) {
  for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
    g_autoptr(BackendDialog) dialog =
        backend_dialog_new(told[i].protocol, "alice", "master", "secret");
    g_autoptr(GString) sent = g_string_new(NULL);
    DialogResult result = DIALOG_GO_ON;
    Outcome outcome = OUTCOME_OK;
    backend_dialog_tell(dialog, told[i].address, told[i].port);
    for (guint line = 0; told[i].lines[line] != NULL; line++)
      result = backend_dialog_feed(dialog, told[i].lines[line], sent, &outcome);
    g_assert_cmpstr(sent->str, ==, told[i].sent);
    g_assert_cmpint(result, ==, DIALOG_DONE);
  }
}

/* What a server repeats of the credentials is in no event, and in no alert to a user. */
static void test_repeated(void) {
  static const struct {
    const char *line;
    const char *answer;
    const char *alert;
  } repeated[] = {
      {"login BAD AUTHENTICATE PLAIN YWxpY2UAbWFzdGVyAHNlY3JldA==: unknown",
       "login BAD AUTHENTICATE PLAIN ***: unknown", NULL},
      {"login BAD 'YWxpY2UAbWFzdGVyAHNl'... is too long", "login BAD '***'... is too long", NULL},
      {"login NO YWxpY2UAbWFzdGVyAHNlY3JldA== YWxpY2UAbWFzdGVyAHNlY3JldA==", "login NO *** ***",
       NULL},
      {"login NO [ALERT] secret is no password of master",
       "login NO [ALERT] *** is no password of "
       "master",
       "*** is no password of master"},
      {"login NO [ALERT] YWxpY2UAbWFzdGVyAHNlY3JldA==", "login NO [ALERT] ***", "***"},
      {"login NO YWxpY2U=", "login NO YWxpY2U=", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(repeated); i++) {
    g_autoptr(BackendDialog) dialog =
        backend_dialog_new(PROTOCOL_IMAP, "alice", "master", "secret");
    g_autoptr(GString) sent = g_string_new(NULL);
    Outcome outcome = OUTCOME_OK;
    (void)backend_dialog_feed(dialog, "* OK [CAPABILITY IMAP4rev1 SASL-IR] ready", sent, &outcome);
    (void)backend_dialog_feed(dialog, repeated[i].line, sent, &outcome);
    g_assert_cmpstr(backend_dialog_get_answer(dialog), ==, repeated[i].answer);
    g_assert_cmpstr(backend_dialog_get_word(dialog).alert, ==, repeated[i].alert);
  }
}

/* A password that is a word of the protocol is hidden, and keeps nobody from logging in. */
static void test_password_is_word(void) {
  static const struct {
    Protocol protocol;
    const char *password;
    const char *lines[3];
    const char *answer;
  } words[] = {
      {PROTOCOL_IMAP, "login", {"* OK ready", "+ ", "login OK done"}, "*** OK done"},
      {PROTOCOL_IMAP, "+", {"* OK ready", "+ ", "login OK done"}, "login OK done"},
      {PROTOCOL_POP3, "OK", {"+OK ready", "+ ", "+OK done"}, "+*** done"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
    g_autoptr(BackendDialog) dialog =
        backend_dialog_new(words[i].protocol, "alice", "master", words[i].password);
    g_autoptr(GString) sent = g_string_new(NULL);
    Outcome outcome = OUTCOME_OK;
    for (guint j = 0; j < 2; j++)
      g_assert_cmpint(backend_dialog_feed(dialog, words[i].lines[j], sent, &outcome), ==,
                      DIALOG_GO_ON);
    g_assert_cmpint(backend_dialog_feed(dialog, words[i].lines[2], sent, &outcome), ==,
                    DIALOG_DONE);
    g_assert_cmpstr(backend_dialog_get_answer(dialog), ==, words[i].answer);
  }
}

static void test_without_password(void) {
  g_autoptr(BackendDialog) dialog = backend_dialog_new(PROTOCOL_POP3, "alice", "master", "");
  g_autoptr(GString) sent = g_string_new(NULL);
  Outcome outcome = OUTCOME_OK;
  (void)backend_dialog_feed(dialog, "-ERR no", sent, &outcome);
  g_assert_cmpstr(backend_dialog_get_answer(dialog), ==, "-ERR no");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/backend-dialog/repeated", test_repeated);
  g_test_add_func("/backend-dialog/password-is-word", test_password_is_word);
  g_test_add_func("/backend-dialog/without-password", test_without_password);
  g_test_add_func("/backend-dialog/rows", test_rows);
  g_test_add_func("/backend-dialog/told", test_told);
  return g_test_run();
}

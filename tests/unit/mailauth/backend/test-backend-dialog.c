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
} Row;

static const Row rows[] = {
    {PROTOCOL_POP3,
     {"+OK ready", "+ ", "+OK Logged in."},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     ""},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [AUTH] no"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     ""},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [IN-USE] busy"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_MAILBOX_IN_USE,
     ""},
    {PROTOCOL_POP3,
     {"+OK ready", "+", "-ERR [SYS/TEMP] later"},
     "AUTH PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_UNREACHABLE,
     ""},
    {PROTOCOL_POP3, {"-ERR no"}, "", DIALOG_FAILED, OUTCOME_BACKEND_UNREACHABLE, ""},
    {PROTOCOL_POP3,
     {"+OK ready", "+OK what"},
     "AUTH PLAIN\r\n",
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     ""},
    {PROTOCOL_IMAP,
     {"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
      "login OK [CAPABILITY IMAP4rev1 IDLE] Logged in"},
     "login AUTHENTICATE PLAIN " CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "IMAP4rev1 IDLE"},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "* CAPABILITY IMAP4rev1 UIDPLUS", "login OK done"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     "IMAP4rev1 UIDPLUS"},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login OK done"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_DONE,
     OUTCOME_OK,
     ""},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [AUTHENTICATIONFAILED] no"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_REFUSED,
     ""},
    {PROTOCOL_IMAP,
     {"* OK ready", "+ ", "login NO [UNAVAILABLE] no"},
     "login AUTHENTICATE PLAIN\r\n" CREDENTIALS,
     DIALOG_FAILED,
     OUTCOME_BACKEND_UNREACHABLE,
     ""},
    {PROTOCOL_IMAP, {"* BYE full"}, "", DIALOG_FAILED, OUTCOME_BACKEND_UNREACHABLE, ""},
    {PROTOCOL_IMAP, {"* PREAUTH hello"}, "", DIALOG_FAILED, OUTCOME_BACKEND_REFUSED, ""},
    {PROTOCOL_IMAP, {"HTTP/1.1 400"}, "", DIALOG_FAILED, OUTCOME_BACKEND_REFUSED, ""},
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
      g_assert_cmpstr(backend_dialog_get_answer(dialog), ==, rows[i].lines[line]);
    }
    g_test_message("row %u", i);
    g_assert_cmpint(result, ==, rows[i].result);
    g_assert_cmpint(outcome, ==, rows[i].outcome);
    g_assert_cmpstr(sent->str, ==, rows[i].sent);
    if (result == DIALOG_DONE)
      g_assert_cmpstr(backend_dialog_get_capabilities(dialog), ==, rows[i].capabilities);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/backend-dialog/rows", test_rows);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* pop3-maildrop.c: conversations as rows, each fed in pieces of every size. What
 * it asks for is written into the answers: <send 2>, <top 2 5>, <update 1 3>. */
#include <string.h>

#include "mailauth/mailbox/pop3-body.h"
#include "mailauth/mailbox/pop3-maildrop.h"

static const Pop3Message messages[] = {
    {"first", 100}, {"second", POP3_SIZE_UNKNOWN}, {"third!~", 300}};

typedef struct {
  const char *client;
  const char *server;
} Row;

#define NO "-ERR There is no message "
static const Row rows[] = {
    {"STAT\r\n", "+OK 3 600\r\n"},
    {"stat\n", "+OK 3 600\r\n"},
    {"LIST\r\n", "+OK The sizes follow.\r\n1 100\r\n2 200\r\n3 300\r\n.\r\n"},
    {"LIST 2\r\n", "+OK 2 200\r\n"},
    {"LIST 0\r\nLIST 4\r\n", NO "0.\r\n" NO "4.\r\n"},
    {"LIST 999999999\r\n", NO "999999999.\r\n"},
    {"LIST 9999999999\r\nLIST -1\r\nLIST +1\r\nLIST 1x\r\nLIST 1 2\r\nLIST 0x1\r\n",
     "-ERR LIST takes a message number or nothing.\r\n"
     "-ERR LIST takes a message number or nothing.\r\n"
     "-ERR LIST takes a message number or nothing.\r\n"
     "-ERR LIST takes a message number or nothing.\r\n"
     "-ERR LIST takes a message number or nothing.\r\n"
     "-ERR LIST takes a message number or nothing.\r\n"},
    {"UIDL\r\n", "+OK The unique IDs follow.\r\n1 first\r\n2 second\r\n3 third!~\r\n.\r\n"},
    {"UIDL 3\r\n", "+OK 3 third!~\r\n"},
    {"RETR 2\r\n", "<send 2>"},
    {"RETR\r\nTOP 1\r\nSTAT 1\r\n", "-ERR RETR takes a message number.\r\n"
                                    "-ERR TOP takes a message number and a count of lines.\r\n"
                                    "-ERR STAT takes no argument.\r\n"},
    {"TOP 2 0\r\nTOP 2 5\r\n", "<top 2 0><top 2 5>"},
    {"RETR 2 \r\nNOOP \r\n", "<send 2>+OK\r\n"},
    {"DELE 2\r\nDELE 2\r\nRETR 2\r\nLIST 2\r\nUIDL 2\r\nTOP 2 1\r\n",
     "+OK Message 2 is marked as deleted.\r\n" NO "2: it is marked as deleted.\r\n" NO
     "2: it is marked as deleted.\r\n" NO "2: it is marked as deleted.\r\n" NO
     "2: it is marked as deleted.\r\n" NO "2: it is marked as deleted.\r\n"},
    {"DELE 1\r\nSTAT\r\nLIST\r\nUIDL\r\nRSET\r\nSTAT\r\nQUIT\r\n",
     "+OK Message 1 is marked as deleted.\r\n+OK 2 500\r\n"
     "+OK The sizes follow.\r\n2 200\r\n3 300\r\n.\r\n"
     "+OK The unique IDs follow.\r\n2 second\r\n3 third!~\r\n.\r\n"
     "+OK No message is marked as deleted.\r\n+OK 3 600\r\n<update>"},
    {"DELE 1\r\nDELE 3\r\nQUIT\r\nNOOP\r\n", "+OK Message 1 is marked as deleted.\r\n"
                                             "+OK Message 3 is marked as deleted.\r\n<update 1 3>"},
    {"CAPA\r\n", "+OK The capabilities follow.\r\nTOP\r\nUIDL\r\nRESP-CODES\r\n"
                 "AUTH-RESP-CODE\r\nPIPELINING\r\n.\r\n"},
    {"USER x\r\n\r\n STAT\r\nSTATX\r\nSTA\r\n",
     "-ERR The command is not known here.\r\n-ERR The command is not known here.\r\n"
     "-ERR The command is not known here.\r\n-ERR The command is not known here.\r\n"
     "-ERR The command is not known here.\r\n"},
    {"NOOP", ""},
    {"ST\rAT\r\nNOOP\r\r\n",
     "-ERR The command is not known here.\r\n-ERR The command is not known here.\r\n"},
};

static void ask_update(Pop3Maildrop *maildrop, GString *out) {
  g_string_append(out, "<update");
  for (guint i = 0; i < G_N_ELEMENTS(messages); i++)
    if (pop3_maildrop_is_deleted(maildrop, i))
      g_string_append_printf(out, " %u", i + 1);
  g_string_append_c(out, '>');
}

/* TRUE while the session goes on. */
static gboolean answer(Pop3Maildrop *maildrop, GString *out) {
  Pop3Request request;
  for (;;)
    switch (pop3_maildrop_step(maildrop, out, &request)) {
    case POP3_MAILDROP_MEASURE:
      pop3_maildrop_set_size(maildrop, request.index, 200);
      break;
    case POP3_MAILDROP_SEND:
      if (request.lines == POP3_BODY_WHOLE)
        g_string_append_printf(out, "<send %u>", request.index + 1);
      else
        g_string_append_printf(out, "<top %u %u>", request.index + 1, request.lines);
      break;
    case POP3_MAILDROP_UPDATE:
      ask_update(maildrop, out);
      return FALSE;
    case POP3_MAILDROP_OUTPUT:
      g_assert_not_reached();
    case POP3_MAILDROP_INPUT:
      return TRUE;
    }
}

static void check_row(const Row *row, gsize piece) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(messages, G_N_ELEMENTS(messages));
  g_autoptr(GString) out = g_string_new(NULL);
  gsize size = strlen(row->client);
  for (gsize at = 0; at < size; at += piece) {
    pop3_maildrop_feed(maildrop, row->client + at, MIN(piece, size - at));
    if (!answer(maildrop, out))
      break;
  }
  g_assert_cmpstr(out->str, ==, row->server);
}

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    for (gsize piece = 1; piece <= 64; piece++)
      check_row(&rows[i], piece);
}

/* 255 bytes with CRLF is the longest command; more is refused once and passed over. */
static void test_long_lines(void) {
  const struct {
    gsize spaces;
    const char *answer;
  } lengths[] = {{249, "+OK\r\n+OK\r\n"},
                 {250, "-ERR The command is too long.\r\n+OK\r\n"},
                 {100000, "-ERR The command is too long.\r\n+OK\r\n"}};
  for (guint i = 0; i < G_N_ELEMENTS(lengths); i++)
    for (gsize piece = 1; piece <= 1024; piece *= 2) {
      g_autofree char *spaces = g_strnfill(lengths[i].spaces, ' ');
      g_autofree char *client = g_strconcat("NOOP", spaces, "\r\nNOOP\r\n", NULL);
      check_row(&(Row){client, lengths[i].answer}, piece);
    }
}

static void test_nul_bytes(void) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(messages, G_N_ELEMENTS(messages));
  g_autoptr(GString) out = g_string_new(NULL);
  pop3_maildrop_feed(maildrop, "NOOP\0\r\n\0NOOP\r\nNOOP\r\n", 21);
  g_assert_true(answer(maildrop, out));
  g_assert_cmpstr(out->str, ==,
                  "-ERR The command is not known here.\r\n"
                  "-ERR The command is not known here.\r\n+OK\r\n");
}

static void test_no_messages(void) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(NULL, 0);
  g_autoptr(GString) out = g_string_new(NULL);
  const char *client = "STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nRSET\r\n";
  pop3_maildrop_feed(maildrop, client, strlen(client));
  g_assert_true(answer(maildrop, out));
  g_assert_cmpstr(out->str, ==,
                  "+OK 0 0\r\n+OK The sizes follow.\r\n.\r\n+OK The unique IDs follow.\r\n.\r\n" NO
                  "1.\r\n+OK No message is marked as deleted.\r\n");
}

/* A listing of 100,000 comes in pieces of bounded size, and is whole. */
static void test_large_listing(void) {
  enum { N = 100000 };
  g_autofree Pop3Message *many = g_new(Pop3Message, N);
  for (guint i = 0; i < N; i++)
    many[i] = (Pop3Message){"a-unique-id-of-some-length", i % 2 == 0 ? 7 : POP3_SIZE_UNKNOWN};
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(many, N);
  g_autoptr(GString) out = g_string_new(NULL);
  Pop3Request request;
  Pop3MaildropStep step;
  guint lines = 0;
  pop3_maildrop_feed(maildrop, "LIST\r\nUIDL\r\n", 12);
  do {
    step = pop3_maildrop_step(maildrop, out, &request);
    g_assert_cmpuint(out->len, <, POP3_MAILDROP_OUTPUT_SIZE + 256);
    if (step == POP3_MAILDROP_MEASURE) {
      pop3_maildrop_set_size(maildrop, request.index, 7);
      continue;
    }
    for (const char *at = out->str; (at = strchr(at, '\n')) != NULL; at++)
      lines++;
    g_string_truncate(out, 0);
  } while (step != POP3_MAILDROP_INPUT);
  g_assert_cmpuint(lines, ==, 2 * (N + 2));
}

static void test_answers(void) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(messages, G_N_ELEMENTS(messages));
  g_autoptr(GString) out = g_string_new(NULL);
  pop3_maildrop_begin_message(maildrop, 0, TRUE, out);
  pop3_maildrop_begin_message(maildrop, 1, TRUE, out);
  pop3_maildrop_begin_message(maildrop, 1, FALSE, out);
  pop3_maildrop_finish(maildrop, 0, out);
  pop3_maildrop_finish(maildrop, 2, out);
  g_assert_cmpstr(out->str, ==,
                  "+OK 100 octets\r\n+OK Message follows.\r\n"
                  "-ERR [SYS/TEMP] The message cannot be read now.\r\n+OK Bye.\r\n"
                  "-ERR [SYS/TEMP] Messages that could not be removed: 2.\r\n");
}

/* What could not be read is not deleted unseen; anything else still is. */
static void test_refused(void) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(messages, G_N_ELEMENTS(messages));
  g_autoptr(GString) out = g_string_new(NULL);
  static const char words[] = "DELE 2\r\nRSET\r\nDELE 2\r\nDELE 1\r\nQUIT\r\n";
  pop3_maildrop_refuse_message(maildrop, 1, out);
  g_assert_true(g_str_has_prefix(out->str, "-ERR [SYS/PERM] "));
  g_string_truncate(out, 0);
  pop3_maildrop_feed(maildrop, words, strlen(words));
  g_assert_false(answer(maildrop, out));
  g_assert_cmpstr(out->str, ==,
                  "-ERR [SYS/PERM] The message could not be read here, and stays.\r\n"
                  "+OK No message is marked as deleted.\r\n"
                  "-ERR [SYS/PERM] The message could not be read here, and stays.\r\n"
                  "+OK Message 1 is marked as deleted.\r\n<update 1>");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pop3-maildrop/rows", test_rows);
  g_test_add_func("/pop3-maildrop/long-lines", test_long_lines);
  g_test_add_func("/pop3-maildrop/nul-bytes", test_nul_bytes);
  g_test_add_func("/pop3-maildrop/no-messages", test_no_messages);
  g_test_add_func("/pop3-maildrop/large-listing", test_large_listing);
  g_test_add_func("/pop3-maildrop/answers", test_answers);
  g_test_add_func("/pop3-maildrop/refused", test_refused);
  return g_test_run();
}

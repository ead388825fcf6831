/* SPDX-License-Identifier: MIT */
/* pop3-body.c: messages as they go over the wire, fed in pieces of every size. */
#include <string.h>

#include "mailauth/mailbox/pop3-body.h"

typedef struct {
  const char *stored;
  guint lines;
  const char *sent;
  guint64 octets; /* 0: the bytes sent, without the end of the message */
} Row;

static const Row rows[] = {
    {"", POP3_BODY_WHOLE, ".\r\n", 0},
    {"a: b\n\nhello\n", POP3_BODY_WHOLE, "a: b\r\n\r\nhello\r\n.\r\n", 0},
    {"a: b\r\n\r\nhello\r\n", POP3_BODY_WHOLE, "a: b\r\n\r\nhello\r\n.\r\n", 0},
    {"a: b\n\r\nmixed\nlines\r\n", POP3_BODY_WHOLE, "a: b\r\n\r\nmixed\r\nlines\r\n.\r\n", 0},
    {"no end", POP3_BODY_WHOLE, "no end\r\n.\r\n", 0},
    {"ends in CR\r", POP3_BODY_WHOLE, "ends in CR\r\n.\r\n", 0},
    {"\n.\n..\n.x\nx.\n", POP3_BODY_WHOLE, "\r\n..\r\n...\r\n..x\r\nx.\r\n.\r\n", 17},
    {".", POP3_BODY_WHOLE, "..\r\n.\r\n", 3},
    {"\r\r\n\rx\ry\n", POP3_BODY_WHOLE, "\r\r\n\rx\ry\r\n.\r\n", 0},
    {"a: b\nc: d\n\n1\n2\n3\n", 0, "a: b\r\nc: d\r\n\r\n.\r\n", 23},
    {"a: b\r\n\r\n1\r\n2\r\n3\r\n", 1, "a: b\r\n\r\n1\r\n.\r\n", 17},
    {"a: b\n\n1\n\n.3\n4\n", 3, "a: b\r\n\r\n1\r\n\r\n..3\r\n.\r\n", 20},
    {"a: b\n\n1\n", 9, "a: b\r\n\r\n1\r\n.\r\n", 0},
    {"no header\n", 0, "no header\r\n.\r\n", 0},
    {"a: b\n\nunfinished", 1, "a: b\r\n\r\nunfinished\r\n.\r\n", 0},
};

static void check_sent(const Row *row, gsize piece) {
  g_autoptr(GString) out = g_string_new(NULL);
  Pop3Body body;
  gsize size = strlen(row->stored);
  pop3_body_init(&body, row->lines);
  for (gsize at = 0; at < size; at += piece) {
    gsize before = out->len;
    gsize now = MIN(piece, size - at);
    gboolean more = pop3_body_add(&body, row->stored + at, now, out);
    g_assert_cmpuint(out->len - before, <=, 2 * now + 1);
    if (!more)
      break;
  }
  pop3_body_finish(&body, out);
  g_assert_cmpstr(out->str, ==, row->sent);
}

static void check_octets(const Row *row, gsize piece) {
  Pop3Measure measure = POP3_MEASURE_INIT;
  gsize size = strlen(row->stored);
  for (gsize at = 0; at < size; at += piece)
    pop3_measure_add(&measure, row->stored + at, MIN(piece, size - at));
  guint64 expected = row->octets > 0 ? row->octets : strlen(row->sent) - strlen(".\r\n");
  g_assert_cmpuint(pop3_measure_finish(&measure), ==, expected);
}

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    for (gsize piece = 1; piece <= 32; piece++) {
      check_sent(&rows[i], piece);
      check_octets(&rows[i], piece);
    }
}

static void test_nul_bytes(void) {
  g_autoptr(GString) out = g_string_new(NULL);
  Pop3Body body;
  pop3_body_init(&body, POP3_BODY_WHOLE);
  pop3_body_add(&body, "a\0b\n\0", 5, out);
  pop3_body_finish(&body, out);
  g_assert_cmpmem(out->str, out->len, "a\0b\r\n\0\r\n.\r\n", 11);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pop3-body/rows", test_rows);
  g_test_add_func("/pop3-body/nul-bytes", test_nul_bytes);
  return g_test_run();
}

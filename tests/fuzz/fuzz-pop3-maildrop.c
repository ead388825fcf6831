/* SPDX-License-Identifier: MIT */
/* What a client says after login, fed in pieces: every answer is a line or a list
 * of lines within the limits, only messages that there are are asked for, and
 * no more is sent than one step may. */
#include <string.h>

#include "mailauth/mailbox/pop3-body.h"
#include "mailauth/mailbox/pop3-maildrop.h"
#include "tests/fuzz/fuzz.h"

#define MAX_RESPONSE 512 /* RFC 2449, section 4 */

static const Pop3Message messages[] = {
    {"a", 1}, {"b", POP3_SIZE_UNKNOWN}, {"c", 3}, {"d", POP3_SIZE_UNKNOWN}};

static void check_lines(const GString *out) {
  const char *line = out->str;
  g_assert_cmpuint(strlen(out->str), ==, out->len);
  while (*line != '\0') {
    const char *end = strstr(line, "\r\n");
    g_assert_nonnull(end);
    g_assert_cmpint(end - line + 2, <=, MAX_RESPONSE);
    g_assert_true(strchr("+-.", line[0]) != NULL || g_ascii_isdigit(line[0]) ||
                  g_ascii_isupper(line[0]));
    line = end + 2;
  }
}

/* The message itself stands in for any: it is what came from the client. */
static void send(const Pop3Request *request, const guint8 *data, gsize size) {
  g_autoptr(GString) sent = g_string_new(NULL);
  Pop3Body body;
  pop3_body_init(&body, request->lines);
  pop3_body_add(&body, (const char *)data, size, sent);
  pop3_body_finish(&body, sent);
  g_assert_cmpuint(sent->len, <=, 2 * size + 6);
  g_assert_true(g_str_has_suffix(sent->str + sent->len - 3, ".\r\n"));
}

/* FALSE at the end of the session. */
static gboolean step(Pop3Maildrop *maildrop, GString *out, const guint8 *data, gsize size) {
  Pop3Request request = {0};
  for (;;) {
    Pop3MaildropStep now = pop3_maildrop_step(maildrop, out, &request);
    g_assert_cmpuint(out->len, <, POP3_MAILDROP_OUTPUT_SIZE + MAX_RESPONSE);
    if (now == POP3_MAILDROP_INPUT || now == POP3_MAILDROP_UPDATE)
      return now == POP3_MAILDROP_INPUT;
    if (now == POP3_MAILDROP_OUTPUT) {
      g_string_truncate(out, 0);
      continue;
    }
    g_assert_cmpuint(request.index, <, G_N_ELEMENTS(messages));
    if (now == POP3_MAILDROP_MEASURE) {
      pop3_maildrop_set_size(maildrop, request.index, 7);
      continue;
    }
    g_assert_false(pop3_maildrop_is_deleted(maildrop, request.index));
    pop3_maildrop_begin_message(maildrop, request.index, TRUE, out);
    send(&request, data, size);
  }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(Pop3Maildrop) maildrop = pop3_maildrop_new(messages, G_N_ELEMENTS(messages));
  g_autoptr(GString) out = g_string_new(NULL);
  gsize piece = size > 0 ? data[0] % 64 + 1 : 1;
  for (gsize at = 0; at < size; at += piece) {
    g_string_truncate(out, 0);
    pop3_maildrop_feed(maildrop, (const char *)data + at, MIN(piece, size - at));
    gboolean goes_on = step(maildrop, out, data, size);
    check_lines(out);
    if (!goes_on)
      break;
  }
  return 0;
}

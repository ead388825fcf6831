/* SPDX-License-Identifier: MIT */
/* See pop3-body.h. A CR is passed on unchanged; a LF without one gets one. */
#include "mailauth/mailbox/pop3-body.h"

#include <string.h>

void pop3_body_init(Pop3Body *body, guint lines) {
  *body = (Pop3Body){.lines_left = lines, .blank = TRUE};
}

static void add_part_of_line(Pop3Body *body, const char *bytes, gsize size, GString *out) {
  if (size == 0)
    return;
  if (!body->in_line && bytes[0] == '.')
    g_string_append_c(out, '.');
  body->blank = !body->in_line && size == 1 && bytes[0] == '\r';
  body->in_line = TRUE;
  body->after_cr = bytes[size - 1] == '\r';
  g_string_append_len(out, bytes, (gssize)size);
}

static void end_line(Pop3Body *body, GString *out) {
  g_string_append(out, body->after_cr ? "\n" : "\r\n");
  if (body->in_body && body->lines_left != POP3_BODY_WHOLE)
    body->lines_left--;
  if (body->blank)
    body->in_body = TRUE;
  body->in_line = body->after_cr = FALSE;
  body->blank = TRUE;
}

gboolean pop3_body_add(Pop3Body *body, const char *bytes, gsize size, GString *out) {
  const char *end = bytes + size;
  while (bytes < end && !(body->in_body && body->lines_left == 0)) {
    const char *line_end = memchr(bytes, '\n', (gsize)(end - bytes));
    const char *stop = line_end != NULL ? line_end : end;
    add_part_of_line(body, bytes, (gsize)(stop - bytes), out);
    if (line_end != NULL)
      end_line(body, out);
    bytes = line_end != NULL ? line_end + 1 : end;
  }
  return !(body->in_body && body->lines_left == 0);
}

void pop3_body_finish(Pop3Body *body, GString *out) {
  if (body->in_line)
    end_line(body, out);
  g_string_append(out, ".\r\n");
}

void pop3_measure_add(Pop3Measure *measure, const char *bytes, gsize size) {
  const char *end = bytes + size;
  measure->octets += size;
  for (const char *at = bytes; (at = memchr(at, '\n', (gsize)(end - at))) != NULL; at++)
    measure->octets += (at > bytes ? at[-1] : measure->last) != '\r';
  if (size > 0)
    measure->last = end[-1];
}

guint64 pop3_measure_finish(const Pop3Measure *measure) {
  if (measure->last == '\n')
    return measure->octets;
  return measure->octets + (measure->last == '\r' ? 1 : 2);
}

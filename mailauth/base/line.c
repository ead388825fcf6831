/* SPDX-License-Identifier: MIT */
/* line.h: finding the ends of lines. */
#include "mailauth/base/line.h"

static void advance(const guint8 **input, gsize *size, gsize by) {
  *input += by;
  *size -= by;
}

/* Reads past the rest of an over-long line; FALSE if its end is not here. */
static gboolean skip_rest(Line *line, const guint8 **input, gsize *size) {
  const guint8 *end = *size > 0 ? memchr(*input, '\n', *size) : NULL;
  advance(input, size, end == NULL ? *size : (gsize)(end - *input) + 1);
  line->skipping = end == NULL;
  return end != NULL;
}

LineResult line_feed(Line *line, const guint8 **input, gsize *size, gsize limit) {
  if (line->skipping && !skip_rest(line, input, size))
    return LINE_MORE;
  const guint8 *end = *size > 0 ? memchr(*input, '\n', *size) : NULL;
  gsize length = end == NULL ? *size : (gsize)(end - *input) + 1;
  gsize free_room = limit - MIN(limit, line->text.size);
  if (length > free_room) {
    secret_append(&line->text, *input, free_room);
    advance(input, size, free_room);
    skip_rest(line, input, size);
    return LINE_TOO_LONG;
  }
  if (length > 0)
    secret_append(&line->text, *input, length);
  advance(input, size, length);
  if (end == NULL)
    return LINE_MORE;
  line->text.size--;
  if (line->text.size > 0 && line->text.bytes[line->text.size - 1] == '\r')
    line->text.size--;
  line->text.bytes[line->text.size] = '\0';
  return LINE_DONE;
}

void line_clear(Line *line) {
  secret_clear(&line->text);
}

gboolean line_has_nul(const Line *line) {
  return secret_has_nul(&line->text);
}

void line_trim(Line *line) {
  Secret *text = &line->text;
  while (text->size > 0 && text->bytes[text->size - 1] == ' ')
    text->bytes[--text->size] = '\0';
}

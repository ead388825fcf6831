/* SPDX-License-Identifier: MIT */
/* See open-text.h. */
#include "client/regfile/open-text.h"

#include "client/base/protocol.h"
#include "client/regfile/scan.h"

typedef struct {
  RegfileLine line; /* its text is found by the offset */
  gsize offset;
} HeldLine;

struct OpenText {
  GString *bytes; /* the lines with their ends between */
  GArray *lines;  /* of HeldLine */
};

static void hold(OpenText *text, const RegfileLine *line) {
  if (text->lines->len > 0)
    g_string_append(text->bytes, line->end_before);
  const HeldLine held = {*line, text->bytes->len};
  g_array_append_val(text->lines, held);
  g_string_append_len(text->bytes, line->text, (gssize)line->length);
}

OpenText *open_text_new(const RegfileLine *first) {
  OpenText *text = g_new0(OpenText, 1);
  text->bytes = g_string_new(NULL);
  text->lines = g_array_new(FALSE, FALSE, sizeof(HeldLine));
  hold(text, first);
  return text;
}

void open_text_free(OpenText *text) {
  if (text == NULL)
    return;
  g_string_free(text->bytes, TRUE);
  g_array_unref(text->lines);
  g_free(text);
}

OpenTextEnd open_text_add(OpenText *text, const RegfileLine *line) {
  if (line->has_nul || line->cut || text->bytes->len > LIMIT_REGFILE_TEXT_BYTES ||
      line->length > LIMIT_REGFILE_TEXT_BYTES - text->bytes->len)
    return OPEN_TEXT_MISSING;
  Cursor cursor = {line->text, line->text + line->length};
  QuotedEnd end = cursor_skip_quoted(&cursor);
  gboolean closes = end == QUOTED_CLOSED && cursor_is_at_end(&cursor);
  if (!closes && end != QUOTED_OPEN)
    return OPEN_TEXT_MISSING;
  hold(text, line);
  return closes ? OPEN_TEXT_CLOSED : OPEN_TEXT_GOES_ON;
}

guint open_text_count_lines(const OpenText *text) {
  return text->lines->len;
}

RegfileLine open_text_get_line(const OpenText *text, guint index) {
  const HeldLine *held = &g_array_index(text->lines, HeldLine, index);
  RegfileLine line = held->line;
  line.text = text->bytes->str + held->offset;
  return line;
}

RegfileLine open_text_get_whole(const OpenText *text) {
  RegfileLine whole = open_text_get_line(text, 0);
  whole.length = text->bytes->len;
  for (guint i = 0; i < text->lines->len; i++) {
    const HeldLine *held = &g_array_index(text->lines, HeldLine, i);
    whole.ascii = whole.ascii && held->line.ascii;
    whole.well_formed = whole.well_formed && held->line.well_formed;
  }
  return whole;
}

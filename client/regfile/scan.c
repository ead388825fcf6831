/* SPDX-License-Identifier: MIT */
/* The parts of a line of a .reg file. */
#include "client/regfile/scan.h"

#include <string.h>

void cursor_skip_blanks(Cursor *cursor) {
  while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
    cursor->at++;
}

gboolean cursor_is_at_end(Cursor *cursor) {
  cursor_skip_blanks(cursor);
  return cursor->at == cursor->end || *cursor->at == ';';
}

gboolean cursor_skip_prefix(Cursor *cursor, const char *prefix) {
  gsize length = strlen(prefix);
  if ((gsize)(cursor->end - cursor->at) < length || memcmp(cursor->at, prefix, length) != 0)
    return FALSE;
  cursor->at += length;
  return TRUE;
}

gboolean slice_is(Slice slice, const char *text) {
  return slice.length == strlen(text) && memcmp(slice.text, text, slice.length) == 0;
}

gboolean cursor_is_next(const Cursor *cursor, char character) {
  return cursor->at < cursor->end && *cursor->at == character;
}

/* ---- hex data ---- */

/* After a backslash: whether it ends the line, so that the data goes on. */
static HexEnd read_continuation_mark(Cursor *cursor) {
  cursor->at++;
  return cursor_is_at_end(cursor) ? HEX_CONTINUES : HEX_BROKEN;
}

HexEnd cursor_continue_hex(Cursor *cursor, GByteArray *bytes) {
  guint kept = bytes->len;
  g_byte_array_set_size(bytes, kept + (guint)(cursor->end - cursor->at) / 2 + 1);
  guint8 *out = bytes->data + kept;
  HexEnd end = HEX_BROKEN;
  while (cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at)) {
    int byte = g_ascii_xdigit_value(*cursor->at++);
    if (cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at))
      byte = byte << 4 | g_ascii_xdigit_value(*cursor->at++);
    *out++ = (guint8)byte;
    if (!cursor_is_next(cursor, ',')) {
      end = cursor_is_at_end(cursor) ? HEX_WHOLE : HEX_BROKEN;
      break;
    }
    cursor->at++;
    if (cursor_is_at_end(cursor)) {
      end = HEX_WHOLE;
      break;
    }
    if (*cursor->at == '\\') {
      end = read_continuation_mark(cursor);
      break;
    }
  }
  g_byte_array_set_size(bytes, (guint)(out - bytes->data));
  return end;
}

HexEnd cursor_read_hex(Cursor *cursor, GByteArray *bytes) {
  if (cursor_is_at_end(cursor))
    return HEX_WHOLE;
  if (*cursor->at == '\\')
    return read_continuation_mark(cursor);
  return cursor_continue_hex(cursor, bytes);
}

/* ---- quoted text ---- */

#define NO_CLOSING_QUOTE "the closing quote is missing"

static char unescape(char character) {
  if (character == 'n')
    return '\n';
  return character == 'r' ? '\r' : character;
}

/* Reads on from the first backslash; what precedes it is in @scratch already. */
static const char *read_escaped(Cursor *cursor, GString *scratch) {
  for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
    char character = *cursor->at;
    if (character == '\\') {
      if (++cursor->at == cursor->end)
        return NO_CLOSING_QUOTE;
      if (*cursor->at == '0')
        return "the escape \\0 is not allowed in a string";
      character = unescape(*cursor->at);
    }
    g_string_append_c(scratch, character);
  }
  if (cursor->at == cursor->end)
    return NO_CLOSING_QUOTE;
  cursor->at++;
  return NULL;
}

const char *cursor_read_quoted(Cursor *cursor, GString *scratch, Slice *slice) {
  slice->text = cursor->at;
  while (cursor->at < cursor->end && *cursor->at != '"' && *cursor->at != '\\')
    cursor->at++;
  slice->length = (gsize)(cursor->at - slice->text);
  if (cursor_is_next(cursor, '"')) {
    cursor->at++;
    return NULL;
  }
  g_string_truncate(scratch, 0);
  g_string_append_len(scratch, slice->text, (gssize)slice->length);
  const char *reason = read_escaped(cursor, scratch);
  *slice = (Slice){scratch->str, scratch->len};
  return reason;
}

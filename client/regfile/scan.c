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

gsize cursor_read_number(Cursor *cursor, guint64 *number) {
  const char *start = cursor->at;
  *number = 0;
  for (; cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at); cursor->at++)
    *number = *number > G_MAXUINT64 >> 4
                  ? G_MAXUINT64
                  : *number << 4 | (guint64)g_ascii_xdigit_value(*cursor->at);
  return (gsize)(cursor->at - start);
}

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

QuotedEnd cursor_skip_quoted(Cursor *cursor) {
  for (; cursor->at < cursor->end; cursor->at++) {
    if (*cursor->at == '"') {
      cursor->at++;
      return QUOTED_CLOSED;
    }
    if (*cursor->at == '\\' && ++cursor->at == cursor->end)
      return QUOTED_CUT;
  }
  return QUOTED_OPEN;
}

static char unescape(char character) {
  if (character == 'n')
    return '\n';
  return character == 'r' ? '\r' : character;
}

/* Reads text that ends at @end; FALSE: an escape in it can't be read. @list: \0 is a NUL. */
static gboolean read_escaped(const char *text, const char *end, gboolean list, GString *scratch) {
  for (; text < end; text++) {
    if (*text != '\\') {
      g_string_append_c(scratch, *text);
      continue;
    }
    text++;
    if (*text == '0' && !list)
      return FALSE;
    g_string_append_c(scratch, *text == '0' ? '\0' : unescape(*text));
  }
  return TRUE;
}

static QuotedEnd read_quoted(Cursor *cursor, gboolean list, GString *scratch, Slice *slice) {
  const char *start = cursor->at;
  while (cursor->at < cursor->end && *cursor->at != '"' && *cursor->at != '\\')
    cursor->at++;
  *slice = (Slice){start, (gsize)(cursor->at - start)};
  if (cursor_is_next(cursor, '"')) {
    cursor->at++;
    return QUOTED_CLOSED;
  }
  const char *escaped = cursor->at;
  QuotedEnd end = cursor_skip_quoted(cursor);
  if (end != QUOTED_CLOSED)
    return end;
  g_string_truncate(scratch, 0);
  g_string_append_len(scratch, slice->text, (gssize)slice->length);
  if (!read_escaped(escaped, cursor->at - 1, list, scratch))
    return QUOTED_BAD_ESCAPE;
  *slice = (Slice){scratch->str, scratch->len};
  return QUOTED_CLOSED;
}

QuotedEnd cursor_read_quoted(Cursor *cursor, GString *scratch, Slice *slice) {
  return read_quoted(cursor, FALSE, scratch, slice);
}

QuotedEnd cursor_read_quoted_list(Cursor *cursor, GString *scratch, Slice *slice) {
  return read_quoted(cursor, TRUE, scratch, slice);
}

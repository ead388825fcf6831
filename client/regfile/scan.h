/* SPDX-License-Identifier: MIT */
/* The parts of a line of a .reg file: blanks, comments, bytes in hexadecimal, quoted text.
 * regfile-parser.c decides what they mean. Pure. */
#ifndef CLIENT_REGFILE_SCAN_H
#define CLIENT_REGFILE_SCAN_H

#include <glib.h>

/* What is left of a line; not NUL-terminated. */
typedef struct {
  const char *at;
  const char *end;
} Cursor;

/* A piece of text, borrowed. */
typedef struct {
  const char *text;
  gsize length;
} Slice;

gboolean slice_is(Slice slice, const char *text);

void cursor_skip_blanks(Cursor *cursor);
/* Skips blanks; whether nothing but a comment is left. */
gboolean cursor_is_at_end(Cursor *cursor);
gboolean cursor_is_next(const Cursor *cursor, char character);
/* FALSE: something else stands there, and the cursor stays. */
gboolean cursor_skip_prefix(Cursor *cursor, const char *prefix);

/* Reads hexadecimal digits; how many there are. A number that needs more than 64 bits is
 * G_MAXUINT64. */
gsize cursor_read_number(Cursor *cursor, guint64 *number);

/* How a line of bytes in hexadecimal ends. */
typedef enum {
  HEX_WHOLE,
  HEX_CONTINUES, /* with a backslash: the next line goes on with it */
  HEX_BROKEN,
} HexEnd;

/* Appends bytes (one or two digits each, commas between) up to the end of the line: the
 * first line of data, which may hold none, or a line that goes on with it, where the
 * cursor must be on a digit. */
HexEnd cursor_read_hex(Cursor *cursor, GByteArray *bytes);
HexEnd cursor_continue_hex(Cursor *cursor, GByteArray *bytes);

/* How text in quotes ends, from after the opening quote. */
typedef enum {
  QUOTED_CLOSED,     /* the cursor is after the closing quote */
  QUOTED_OPEN,       /* the line ends before it */
  QUOTED_CUT,        /* the line ends in a backslash that escapes nothing */
  QUOTED_BAD_ESCAPE, /* closed, but it can't be read: a \0 is in it */
} QuotedEnd;

/* *@slice is part of the line, or of @scratch until that is used again. */
QuotedEnd cursor_read_quoted(Cursor *cursor, GString *scratch, Slice *slice);
/* The same of a list: \0 ends each of its strings and is a NUL. Never QUOTED_BAD_ESCAPE. */
QuotedEnd cursor_read_quoted_list(Cursor *cursor, GString *scratch, Slice *slice);
/* The same without reading: never QUOTED_BAD_ESCAPE. */
QuotedEnd cursor_skip_quoted(Cursor *cursor);

#endif

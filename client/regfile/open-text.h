/* SPDX-License-Identifier: MIT */
/* Text in quotes that has no closing quote on its line. Windows' regedit writes a REG_SZ
 * of several lines as it is, so the text may go on: looking ahead decides, at most
 * LIMIT_REGFILE_TEXT_BYTES far. It goes on up to a line on which nothing but blanks or a
 * comment stands behind the first quote; no line of it ends in a backslash. Else the quote
 * is missing, and the lines that were held back are lines of their own. Pure. */
#ifndef CLIENT_REGFILE_OPEN_TEXT_H
#define CLIENT_REGFILE_OPEN_TEXT_H

#include "client/regfile/lines.h"

typedef struct OpenText OpenText;

/* @first: the line that opens the quotes; copied. */
OpenText *open_text_new(const RegfileLine *first);
void open_text_free(OpenText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OpenText, open_text_free)

typedef enum {
  OPEN_TEXT_GOES_ON, /* the line is held back */
  OPEN_TEXT_CLOSED,  /* the line, held back too, has the closing quote */
  OPEN_TEXT_MISSING, /* the quote is missing; this line is not held back */
} OpenTextEnd;

OpenTextEnd open_text_add(OpenText *text, const RegfileLine *line);

/* The lines held back, the first one included. What is returned points into @text. */
guint open_text_count_lines(const OpenText *text);
RegfileLine open_text_get_line(const OpenText *text, guint index);
/* All of them as one, with the line ends of the file between, and the number of the first. */
RegfileLine open_text_get_whole(const OpenText *text);

#endif

/* SPDX-License-Identifier: MIT */
/* Lines out of fragments: what POP3, IMAP and SASL are made of. It answers for
 * finding the end of a line and for the limit on its length. Pure.
 *
 * A line ends with LF; one CR before it is no part of the line. A CR by itself
 * ends nothing: two readers that differ about that can be played against each
 * other. */
#ifndef MAILAUTH_BASE_LINE_H
#define MAILAUTH_BASE_LINE_H

#include "mailauth/base/secret.h"

typedef enum {
  LINE_MORE,     /* all input is taken, the line has not ended */
  LINE_DONE,     /* text holds the line without its end */
  LINE_TOO_LONG, /* said once, as soon as the limit is passed; text holds the beginning, and what
                    follows up to the LF is read past */
} LineResult;

/* All zero is the state before a line. */
typedef struct {
  Secret text;
  gboolean skipping; /* reading past the rest of a line that was too long */
} Line;

/* Takes from *@input, of *@size bytes, up to the end of the line and moves both
 * on. @limit: bytes, the line's end counted. After DONE or TOO_LONG the caller
 * calls line_clear() when it has read the text. */
LineResult line_feed(Line *line, const guint8 **input, gsize *size, gsize limit);
/* Wipes the text. Skipping goes on. */
void line_clear(Line *line);
gboolean line_has_nul(const Line *line);
/* Takes the spaces at the end of a whole line away. */
void line_trim(Line *line);

#endif

/* SPDX-License-Identifier: MIT */
/* A stored message as POP3 sends it (RFC 1939, section 3): every line ends in
 * CRLF, a line that begins with a dot gets another, a dot by itself ends it.
 * Pure: bytes in, in pieces of any size; bytes out. */
#ifndef MAILAUTH_MAILBOX_POP3_BODY_H
#define MAILAUTH_MAILBOX_POP3_BODY_H

#include <glib.h>

/* All lines of the body, for pop3_body_init(). */
#define POP3_BODY_WHOLE G_MAXUINT

typedef struct {
  guint lines_left; /* of the body, after the header; POP3_BODY_WHOLE: no limit */
  gboolean in_body; /* the empty line has been seen */
  gboolean in_line; /* bytes of the line have been sent */
  gboolean blank;   /* the line holds nothing, or one CR */
  gboolean after_cr;
} Pop3Body;

/* @lines: what TOP asks for, POP3_BODY_WHOLE for RETR. */
void pop3_body_init(Pop3Body *body, guint lines);
/* Appends @size bytes of the message to @out in their form on the wire: at most
 * 2 * @size + 1 bytes. FALSE: no more of the message is wanted. */
gboolean pop3_body_add(Pop3Body *body, const char *bytes, gsize size, GString *out);
/* Ends the last line if it has no end, and the message. */
void pop3_body_finish(Pop3Body *body, GString *out);

/* What the message is on the wire without added dots: what LIST and STAT count. */
typedef struct {
  guint64 octets;
  char last; /* byte; '\n' before the first */
} Pop3Measure;

#define POP3_MEASURE_INIT                                                                          \
  { .last = '\n' }

void pop3_measure_add(Pop3Measure *measure, const char *bytes, gsize size);
guint64 pop3_measure_finish(const Pop3Measure *measure);

#endif

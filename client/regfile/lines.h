/* SPDX-License-Identifier: MIT */
/* The lower half of reading a .reg file: from bytes, cut anywhere, to lines of text in
 * UTF-8. It does not interpret the lines.
 *
 * FF FE at the start: UTF-16LE. Anything else is 8-bit: UTF-8 behind its byte-order mark,
 * which is skipped; else of the encoding that was named; and where none was, a line is
 * UTF-8 if it is valid as such, and guessed to be Windows-1252 if it is not. Lines end with
 * LF, CR or CR LF; the last one may have no end. */
#ifndef CLIENT_REGFILE_LINES_H
#define CLIENT_REGFILE_LINES_H

#include "client/regfile/legacy-text.h"

#include <glib.h>

typedef struct {
  const char *text; /* without its end; not NUL-terminated; valid during the call */
  gsize length;
  guint32 number;         /* from 1 */
  gboolean ascii;         /* all bytes below 0x80 */
  gboolean well_formed;   /* valid UTF-8; else it has lone surrogates, as three bytes each */
  gboolean has_nul;       /* a NUL character is in it; its encoding is not looked at then */
  gboolean cut;           /* the file ends in the middle of its last character */
  gboolean guessed;       /* read as Windows-1252, because it is not UTF-8 */
  const char *end_before; /* what ended the line before it, as in the file; static */
} RegfileLine;

/* FALSE, with @error set, ends the reading. */
typedef gboolean (*RegfileLineTaker)(const RegfileLine *line, gpointer data, GError **error);

/* Begins the message if the first bytes show that the file is no registry file. */
#define REGFILE_NOT_ONE "line 1: not a registry file"

typedef struct RegfileLines RegfileLines;

RegfileLines *regfile_lines_new(RegfileLineTaker take, gpointer data);
/* What 8-bit text is; @encoding is taken. Before the first push. */
void regfile_lines_set_encoding(RegfileLines *lines, LegacyText *encoding);
void regfile_lines_free(RegfileLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegfileLines, regfile_lines_free)

/* LIMIT_EXCEEDED: a line of more than LIMIT_REGFILE_LINE_BYTES; INVALID_VALUE:
 * UTF-16 in big-endian order, or text that is not of the encoding named; or what the taker
 * said. Not to be called again
 * after FALSE. */
gboolean regfile_lines_push(RegfileLines *lines, const char *bytes, gsize size, GError **error);
/* The end of the file: passes on the last line. */
gboolean regfile_lines_finish(RegfileLines *lines, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* .reg files (regd-reg(5)): a push parser that turns bytes, however they are cut, into a
 * Change, and a printer. Pure: no I/O.
 *
 * Text in hex(1), hex(2) and hex(7) is UTF-16 in a file of version 5 and
 * 8-bit in one of version 4 (Windows-1252, or the encoding that is named), whatever
 * encoding the file itself is in.
 * What Windows-1252 can't carry (other characters, malformed UTF-16) the printer
 * writes into a version 4 file as UTF-16 with the comment `;UTF-16` right after
 * the data, which the parser honours and other programs skip. */
#ifndef CLIENT_REGFILE_REGFILE_H
#define CLIENT_REGFILE_REGFILE_H

#include "client/base/change.h"

typedef struct RegfileParser RegfileParser;

/* The lines that could not be read, for the report and for standard error. A line counts
 * if it has text other than a comment (`;` or `#` first) and had no effect. That includes
 * a value of a key that is unknown, deleted or missing; each line of a value whose data
 * breaks off; the line that a broken value swallows; the header of an unknown version and
 * everything below it; and everything from a NUL character on. Reasons never repeat a
 * value's data. */
typedef struct {
  guint32 lines_ignored;
  guint32 first_ignored_line; /* from 1; 0: none */
  char *first_reason;         /* why, or NULL; owned by the parser */
  guint32 lines_guessed;      /* but for comments: not UTF-8, read as Windows-1252 */
  guint32 first_guessed_line; /* from 1; 0: none */
  guint operations;           /* keys and values that were read so far */
} RegfileReport;

/* @strict: the first line that can't be read, or whose encoding would be guessed, ends it
 * with INVALID_VALUE naming the line. */
RegfileParser *regfile_parser_new(gboolean strict);
void regfile_parser_free(RegfileParser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegfileParser, regfile_parser_free)

/* Says what 8-bit text is, hex(1), hex(2) and hex(7) of version 4 included. @encoding: a
 * name that iconv knows, else INVALID_VALUE. Before the first push; a byte-order mark
 * overrules it. */
gboolean regfile_parser_set_encoding(RegfileParser *parser, const char *encoding, GError **error);

/* Takes the next @size bytes. FALSE: the file is refused as a whole
 * (INVALID_VALUE: header, encoding, strict; LIMIT_EXCEEDED: a line too long, or
 * more than LIMIT_REGFILE_OPERATIONS); only the report can be asked then. */
gboolean regfile_parser_push(RegfileParser *parser, const char *bytes, gsize size, GError **error);
/* The end of the file. Operations are set-value, delete-value and delete-tree
 * with OPERATION_TOLERANT, create-key for each key line, and create-link for a
 * value `SymbolicLinkValue` of type 6, in place of the create-key of its key
 * line where it comes first. Keys are valid paths as they were written, without
 * backslashes at the end; value names are valid too; a link's target is a valid
 * path, `\Registry\Machine\` and `\Registry\User\` made ours. Owned by the
 * caller. To be called once. */
Change *regfile_parser_finish(RegfileParser *parser, GError **error);
const RegfileReport *regfile_parser_get_report(const RegfileParser *parser);
/* Whether @error, from a parser or passed on by regd, refuses the file as no registry file
 * at all, by its first line or its encoding. */
gboolean regfile_error_is_of_head(const GError *error);

typedef enum { REGFILE_VERSION_4, REGFILE_VERSION_5 } RegfileVersion;
typedef enum { REGFILE_UTF16, REGFILE_UTF8 } RegfileEncoding;

/* Prints pieces of a file; each call appends encoded bytes to @out: begin, then
 * each key followed by its values, then end. Keys come depth first. Nothing is
 * lost: what a quoted string or dword: can't carry goes out as hex(N). Paths and
 * names are valid ones. */
typedef struct RegfilePrinter RegfilePrinter;
RegfilePrinter *regfile_printer_new(RegfileVersion version, RegfileEncoding encoding);
void regfile_printer_free(RegfilePrinter *printer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegfilePrinter, regfile_printer_free)
void regfile_printer_begin(RegfilePrinter *printer, GByteArray *out);
void regfile_printer_key(RegfilePrinter *printer, const char *path, GByteArray *out);
void regfile_printer_value(RegfilePrinter *printer, const char *name, const RegistryValue *value,
                           GByteArray *out);
/* What deletes a key (`[-path]`), or a value of the key before (`"name"=-`). */
void regfile_printer_no_key(RegfilePrinter *printer, const char *path, GByteArray *out);
void regfile_printer_no_value(RegfilePrinter *printer, const char *name, GByteArray *out);
void regfile_printer_end(RegfilePrinter *printer, GByteArray *out);

#endif

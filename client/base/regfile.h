/* .reg files (reg-format.md): a push parser that turns bytes, however they are
 * cut, into a Change, and a printer. Pure: no I/O. */
#ifndef REGISTRY_BASE_REGFILE_H
#define REGISTRY_BASE_REGFILE_H

#include "client/base/change.h"

typedef struct RegfileParser RegfileParser;

/* What could not be read, for the report and for standard error. */
typedef struct {
  guint32 lines_ignored;      /* lines with something on them that were not understood */
  guint32 first_ignored_line; /* from 1; 0: none */
  char *first_reason;         /* why, or NULL; owned by the parser */
} RegfileReport;

/* @strict: the first line that can't be read ends it with INVALID_VALUE naming
 * the line. */
RegfileParser *regfile_parser_new(gboolean strict);
void regfile_parser_free(RegfileParser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegfileParser, regfile_parser_free)

/* Takes the next @size bytes. FALSE: the file is refused as a whole
 * (INVALID_VALUE: header, encoding, strict; LIMIT_EXCEEDED: a line too long). */
gboolean regfile_parser_push(RegfileParser *parser, const char *bytes, gsize size, GError **error);
/* The end of the file. Operations are set-value, delete-value and delete-tree
 * with OPERATION_TOLERANT, create-key, and create-link for a value
 * `SymbolicLinkValue` of type 6. Owned by the caller. */
Change *regfile_parser_finish(RegfileParser *parser, GError **error);
const RegfileReport *regfile_parser_get_report(const RegfileParser *parser);

typedef enum { REGFILE_VERSION_4, REGFILE_VERSION_5 } RegfileVersion;
typedef enum { REGFILE_UTF16, REGFILE_UTF8 } RegfileEncoding;

/* Prints pieces of a file; each call appends encoded bytes to @out. Keys come
 * depth first. Nothing is lost: what a quoted string or dword: can't carry
 * goes out as hex(N). */
typedef struct RegfilePrinter RegfilePrinter;
RegfilePrinter *regfile_printer_new(RegfileVersion version, RegfileEncoding encoding);
void regfile_printer_free(RegfilePrinter *printer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegfilePrinter, regfile_printer_free)
void regfile_printer_begin(RegfilePrinter *printer, GByteArray *out);
void regfile_printer_key(RegfilePrinter *printer, const char *path, GByteArray *out);
void regfile_printer_value(RegfilePrinter *printer, const char *name, const RegistryValue *value,
                           GByteArray *out);
void regfile_printer_end(RegfilePrinter *printer, GByteArray *out);

#endif

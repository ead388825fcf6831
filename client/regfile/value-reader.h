/* SPDX-License-Identifier: MIT */
/* Reading the lines of values of a .reg file: each becomes an operation. What a line leaves
 * open, bytes or text that go on, the parser deals with. Pure. */
#ifndef CLIENT_REGFILE_VALUE_READER_H
#define CLIENT_REGFILE_VALUE_READER_H

#include "client/base/change.h"
#include "client/regfile/lines.h"
#include "client/regfile/scan.h"

/* What follows the line that was read last. */
typedef enum { VALUE_ENDS, VALUE_HEX_CONTINUES, VALUE_TEXT_OPEN } ValueNext;

typedef struct {
  Change *change;     /* borrowed */
  GRefString *key;    /* current, or NULL */
  gboolean eight_bit; /* text in hex is 8-bit */
  LegacyText *legacy; /* what 8-bit text in hex is; NULL: Windows-1252 */
  gboolean one_line;  /* the quote is known to be missing: text is not left open */
  ValueNext next;
  /* the value being read */
  char *name;
  guint32 type;
  GByteArray *bytes;
  gboolean raw; /* text as UTF-16 though the file is version 4 */
  GString *scratch;
} ValueReader;

void value_reader_init(ValueReader *reader, Change *change);
void value_reader_clear(ValueReader *reader);
/* The key that values belong to; NULL: none. */
void value_reader_set_key(ValueReader *reader, GRefString *key);
void value_reader_set_name(ValueReader *reader, const char *name, gsize length);

/* Each returns NULL, or why nothing comes of the line; static. They set `next`. */
/* The cursor is on the first character of @line that is no blank, `@` or a quote. */
const char *value_reader_read(ValueReader *reader, const RegfileLine *line, Cursor *cursor);
/* The cursor is on a digit of a line that goes on with bytes. */
const char *value_reader_continue_hex(ValueReader *reader, Cursor *cursor);
/* The bytes so far are the value. */
const char *value_reader_emit_hex(ValueReader *reader);
/* Takes @value, for the name that was set. */
const char *value_reader_emit(ValueReader *reader, RegistryValue *value);

/* A piece of @line as a value of the reader's type. */
RegistryValue *value_reader_new_text(const ValueReader *reader, Slice slice,
                                     const RegfileLine *line);

#endif

/* SPDX-License-Identifier: MIT */
/* See value-reader.h. */
#include "client/regfile/value-reader.h"

#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/base/value.h"
#include "client/regfile/link-target.h"

#include <string.h>

/* A comment after data of a version 4 file that our own printer writes. */
#define RAW_MARK ";UTF-16"

void value_reader_init(ValueReader *reader, Change *change) {
  *reader = (ValueReader){.change = change};
  reader->bytes = g_byte_array_new();
  reader->scratch = g_string_new(NULL);
}

void value_reader_clear(ValueReader *reader) {
  value_reader_set_key(reader, NULL);
  g_free(reader->name);
  g_byte_array_unref(reader->bytes);
  legacy_text_free(reader->legacy);
  g_string_free(reader->scratch, TRUE);
}

void value_reader_set_key(ValueReader *reader, GRefString *key) {
  g_clear_pointer(&reader->key, g_ref_string_release);
  if (key != NULL)
    reader->key = g_ref_string_acquire(key);
}

void value_reader_set_name(ValueReader *reader, const char *name, gsize length) {
  g_free(reader->name);
  reader->name = g_strndup(name, length);
}

/* ---- operations ---- */

static const char *emit_link(ValueReader *reader, const RegistryValue *value) {
  const char *reason = NULL;
  g_autofree char *target = link_target_dup(value, &reason);
  if (target == NULL)
    return reason;
  /* The key line has made an ordinary key; the link takes its place. */
  GPtrArray *operations = reader->change->operations;
  const Operation *last = g_ptr_array_index(operations, operations->len - 1);
  if (last->kind == OPERATION_CREATE_KEY && last->key == reader->key)
    g_ptr_array_remove_index(operations, operations->len - 1);
  Operation *operation = change_add(reader->change, OPERATION_CREATE_LINK, reader->key);
  operation->target = g_steal_pointer(&target);
  return NULL;
}

static gboolean is_link(const ValueReader *reader, const RegistryValue *value) {
  return registry_value_get_type(value) == REGISTRY_LINK &&
         path_equal_names(reader->name, LINK_VALUE_NAME);
}

/* NULL, or why nothing can be done to the value that the reader has named. */
static const char *check_target(const ValueReader *reader) {
  if (reader->key == NULL)
    return "the value belongs to no key: no key line is before it, or that line was deleted or "
           "ignored";
  if (!path_check_value_name(reader->name, NULL))
    return "a value name is whole characters, at most 16383 UTF-16 code units of them";
  return NULL;
}

const char *value_reader_emit(ValueReader *reader, RegistryValue *value) {
  g_autoptr(RegistryValue) owned = value;
  const char *reason = check_target(reader);
  if (reason != NULL)
    return reason;
  if (is_link(reader, owned))
    return emit_link(reader, owned);
  Operation *operation = change_add(reader->change, OPERATION_SET_VALUE, reader->key);
  operation->name = g_steal_pointer(&reader->name);
  operation->value = g_steal_pointer(&owned);
  return NULL;
}

/* ---- data ---- */

static const char *emit_eight_bit(ValueReader *reader, guint32 type, const GByteArray *bytes) {
  g_autoptr(GByteArray) units = legacy_text_to_utf16(reader->legacy, bytes);
  if (units == NULL)
    return "the text in hex is not of the encoding that was named";
  return value_reader_emit(reader, registry_value_new_bytes(type, units->data, units->len));
}

static gboolean is_text_in_hex(guint32 type) {
  return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ || type == REGISTRY_MULTI_SZ;
}

const char *value_reader_emit_hex(ValueReader *reader) {
  if (reader->eight_bit && !reader->raw && is_text_in_hex(reader->type))
    return emit_eight_bit(reader, reader->type, reader->bytes);
  return value_reader_emit(
      reader, registry_value_new_bytes(reader->type, reader->bytes->data, reader->bytes->len));
}

/* The cursor is at the end or on the comment after the data. */
static gboolean has_raw_mark(Cursor cursor) {
  return cursor_skip_prefix(&cursor, RAW_MARK) && cursor.at == cursor.end;
}

/* What follows when a line of hex data has been read. */
static const char *end_hex_line(ValueReader *reader, HexEnd end, const Cursor *cursor) {
  if (end == HEX_CONTINUES) {
    reader->next = VALUE_HEX_CONTINUES;
    return NULL;
  }
  if (end == HEX_BROKEN)
    return "hex data is bytes of one or two hexadecimal digits with commas between, and a comma "
           "before a backslash that continues them";
  reader->raw = has_raw_mark(*cursor);
  return value_reader_emit_hex(reader);
}

static const char *read_hex(ValueReader *reader, Cursor *cursor) {
  g_byte_array_set_size(reader->bytes, 0);
  return end_hex_line(reader, cursor_read_hex(cursor, reader->bytes), cursor);
}

static const char *read_binary(ValueReader *reader, G_GNUC_UNUSED const RegfileLine *line,
                               Cursor *cursor) {
  reader->type = REGISTRY_BINARY;
  return read_hex(reader, cursor);
}

static const char *read_typed_hex(ValueReader *reader, G_GNUC_UNUSED const RegfileLine *line,
                                  Cursor *cursor) {
  guint64 type;
  if (cursor_read_number(cursor, &type) == 0 || !cursor_skip_prefix(cursor, "):"))
    return "hex(N): takes a type number N in hexadecimal";
  if (type > G_MAXUINT32)
    return "a type number is at most ffffffff";
  reader->type = (guint32)type;
  return read_hex(reader, cursor);
}

static const char *read_dword(ValueReader *reader, G_GNUC_UNUSED const RegfileLine *line,
                              Cursor *cursor) {
  cursor_skip_blanks(cursor);
  guint64 number;
  gsize digits = cursor_read_number(cursor, &number);
  if (digits < 1 || digits > 8 || !cursor_is_at_end(cursor))
    return "dword: takes one to eight hexadecimal digits";
  return value_reader_emit(reader, value_new_uint32(REGISTRY_DWORD, (guint32)number));
}

static const char *read_deletion(ValueReader *reader, G_GNUC_UNUSED const RegfileLine *line,
                                 Cursor *cursor) {
  if (!cursor_is_at_end(cursor))
    return "something follows the minus that deletes a value";
  const char *reason = check_target(reader);
  if (reason != NULL)
    return reason;
  Operation *operation = change_add(reader->change, OPERATION_DELETE_VALUE, reader->key);
  operation->flags = OPERATION_TOLERANT;
  operation->name = g_steal_pointer(&reader->name);
  return NULL;
}

/* ---- quoted text ---- */

RegistryValue *value_reader_new_text(const ValueReader *reader, Slice slice,
                                     const RegfileLine *line) {
  guint32 type = reader->type;
  return line->well_formed && type != REGISTRY_MULTI_SZ
             ? value_new_text(type, slice.text, slice.length)
             : value_new_units(type, slice.text, slice.length);
}

/* Why text in quotes can't be read. */
static const char *const quoted_faults[] = {
    [QUOTED_CLOSED] = NULL,
    [QUOTED_OPEN] = "the closing quote is missing",
    [QUOTED_CUT] = "the closing quote is missing",
    [QUOTED_BAD_ESCAPE] = "the escape \\0 is not allowed in a string",
};

/* Text of the reader's type, from after the opening quote. */
static const char *read_text(ValueReader *reader, const RegfileLine *line, Cursor *cursor) {
  Slice slice;
  QuotedEnd end = reader->type == REGISTRY_MULTI_SZ
                      ? cursor_read_quoted_list(cursor, reader->scratch, &slice)
                      : cursor_read_quoted(cursor, reader->scratch, &slice);
  if (end == QUOTED_OPEN && !reader->one_line) {
    reader->next = VALUE_TEXT_OPEN;
    return NULL;
  }
  if (quoted_faults[end] != NULL)
    return quoted_faults[end];
  if (!cursor_is_at_end(cursor))
    return "something follows the closing quote";
  return value_reader_emit(reader, value_reader_new_text(reader, slice, line));
}

static const char *read_string(ValueReader *reader, const RegfileLine *line, Cursor *cursor) {
  reader->type = REGISTRY_SZ;
  return read_text(reader, line, cursor);
}

/* `str(2):"..."`, as Wine keeps text that is no REG_SZ. */
static const char *read_typed_string(ValueReader *reader, const RegfileLine *line, Cursor *cursor) {
  guint64 type;
  if (cursor_read_number(cursor, &type) == 0 || !cursor_skip_prefix(cursor, "):\"") ||
      (type != REGISTRY_SZ && type != REGISTRY_EXPAND_SZ && type != REGISTRY_MULTI_SZ))
    return "str(N): takes 1, 2 or 7 for N, and text in quotes";
  reader->type = (guint32)type;
  return read_text(reader, line, cursor);
}

/* ---- values ---- */

/* The beginning of the data selects its reader. */
static const struct {
  const char *prefix;
  const char *(*read)(ValueReader *reader, const RegfileLine *line, Cursor *cursor);
} data_readers[] = {
    {"\"", read_string},      {"dword:", read_dword}, {"hex:", read_binary},
    {"hex(", read_typed_hex}, {"-", read_deletion},   {"str(", read_typed_string},
};

/* Whether the name is one that a value can have is asked once the data has been read: text
 * of several lines is one value, whatever it is called. */
static const char *read_name(ValueReader *reader, Cursor *cursor) {
  Slice slice = {"", 0};
  QuotedEnd end = QUOTED_CLOSED;
  if (*cursor->at++ == '"')
    end = cursor_read_quoted(cursor, reader->scratch, &slice);
  value_reader_set_name(reader, slice.text, slice.length);
  return quoted_faults[end];
}

const char *value_reader_read(ValueReader *reader, const RegfileLine *line, Cursor *cursor) {
  reader->next = VALUE_ENDS;
  const char *reason = read_name(reader, cursor);
  if (reason != NULL)
    return reason;
  cursor_skip_blanks(cursor);
  if (!cursor_is_next(cursor, '='))
    return "an equals sign is missing after the value's name";
  cursor->at++;
  cursor_skip_blanks(cursor);
  for (gsize i = 0; i < G_N_ELEMENTS(data_readers); i++)
    if (cursor_skip_prefix(cursor, data_readers[i].prefix))
      return data_readers[i].read(reader, line, cursor);
  return "data is \"text\", dword:, hex:, hex(N):, str(N): or a minus";
}

const char *value_reader_continue_hex(ValueReader *reader, Cursor *cursor) {
  reader->next = VALUE_ENDS;
  return end_hex_line(reader, cursor_continue_hex(cursor, reader->bytes), cursor);
}

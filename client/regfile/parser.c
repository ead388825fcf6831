/* SPDX-License-Identifier: MIT */
/* The upper half of reading a .reg file: from lines to a Change. A function for each state
 * takes the next line. A line that can't be read is counted and skipped, as Windows does,
 * and the first one's reason is kept; strict reading ends there.
 *
 * Messages never repeat a value's data: it may be a secret. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "client/base/value.h"
#include "client/regfile/lines.h"
#include "client/regfile/regfile.h"
#include "client/regfile/scan.h"
#include "client/regfile/windows-1252.h"

#include <string.h>

#define HEADER_VERSION_4 "REGEDIT4"
#define HEADER_VERSION_5 "Windows Registry Editor Version 5.00"
#define HEADER_WINDOWS_31 "REGEDIT"
#define WINDOWS_31_ROOT "HKEY_CLASSES_ROOT"
/* A comment after data of a version 4 file that our own printer writes. */
#define RAW_MARK ";UTF-16"

#define NO_KEY                                                                                     \
  "the value belongs to no key: no key line is before it, or that line was deleted or ignored"

typedef gboolean (*LineState)(RegfileParser *parser, const RegfileLine *line, GError **error);

/* The value being read, which may go on over several lines. */
typedef struct {
  char *name;
  guint32 type;
  GByteArray *bytes;
  gboolean raw;       /* text as UTF-16 though the file is version 4 */
  guint32 first_line; /* where it begins */
  guint32 lines;      /* lines with something on them that it has taken */
} ValueDraft;

struct RegfileParser {
  RegfileLines *lines;
  gboolean strict;
  LineState state;
  gboolean eight_bit; /* the header says that text in hex is 8-bit */
  Change *change;
  GRefString *key; /* current, or NULL */
  ValueDraft value;
  GString *scratch;
  RegfileReport report;
};

/* ---- what can't be read ---- */

static gboolean ignore_line(RegfileParser *parser, guint32 number, const char *reason,
                            GError **error) {
  RegfileReport *report = &parser->report;
  report->lines_ignored++;
  if (report->first_ignored_line == 0) {
    report->first_ignored_line = number;
    report->first_reason = g_strdup(reason);
  }
  if (!parser->strict)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "line %u: %s", number, reason);
}

/* The end of a value: if @reason is not NULL, all its lines count as ignored. */
static gboolean settle_value(RegfileParser *parser, const char *reason, GError **error) {
  if (reason == NULL)
    return TRUE;
  for (guint32 i = 0; i < parser->value.lines; i++)
    if (!ignore_line(parser, parser->value.first_line, reason, error))
      return FALSE;
  return TRUE;
}

/* ---- operations ---- */

static void set_current_key(RegfileParser *parser, GRefString *key) {
  g_clear_pointer(&parser->key, g_ref_string_release);
  if (key != NULL)
    parser->key = g_ref_string_acquire(key);
}

static void set_value_name(RegfileParser *parser, const char *name, gsize length) {
  g_free(parser->value.name);
  parser->value.name = g_strndup(name, length);
}

/* @length without the backslashes at its end. */
static char *dup_key_text(const char *text, gsize length) {
  while (length > 0 && text[length - 1] == '\\')
    length--;
  return g_strndup(text, length);
}

/* NULL and the reason if @key is no path of a key. */
static Path *parse_key(const char *key, char **reason) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Path) path = path_parse(*key != '\0' ? key : "\\", &error);
  if (path == NULL)
    *reason = g_strdup(error->message);
  return g_steal_pointer(&path);
}

/* Windows writes a link's target as the kernel names it. */
static char *dup_link_target(char *text) {
  static const struct {
    const char *kernel_name;
    PathRoot root;
  } rows[] = {{"\\REGISTRY\\MACHINE\\", PATH_ROOT_LOCAL_MACHINE},
              {"\\REGISTRY\\USER\\", PATH_ROOT_USERS}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    gsize length = strlen(rows[i].kernel_name);
    if (g_ascii_strncasecmp(text, rows[i].kernel_name, length) == 0)
      return g_strconcat(path_root_get_name(rows[i].root), "\\", text + length, NULL);
  }
  return g_strdup(text);
}

static const char *emit_link(RegfileParser *parser, const RegistryValue *value) {
  g_autofree char *text = registry_value_dup_string(value);
  if (text == NULL)
    return "the target of a link is not UTF-16 text";
  g_autofree char *target = dup_link_target(text);
  g_autoptr(Path) path = path_parse(target, NULL);
  if (path == NULL || path->root == PATH_ROOT_ABOVE)
    return "the target of a link is not the path of a key";
  /* The key line has made an ordinary key; the link takes its place. */
  GPtrArray *operations = parser->change->operations;
  const Operation *last = g_ptr_array_index(operations, operations->len - 1);
  if (last->kind == OPERATION_CREATE_KEY && last->key == parser->key)
    g_ptr_array_remove_index(operations, operations->len - 1);
  Operation *operation = change_add(parser->change, OPERATION_CREATE_LINK, parser->key);
  operation->target = g_steal_pointer(&target);
  return NULL;
}

static gboolean is_link(const RegfileParser *parser, const RegistryValue *value) {
  return registry_value_get_type(value) == REGISTRY_LINK &&
         path_equal_names(parser->value.name, LINK_VALUE_NAME);
}

/* Takes @value and the draft's name. NULL, or the reason why it is dropped. */
static const char *emit_value(RegfileParser *parser, RegistryValue *value) {
  g_autoptr(RegistryValue) owned = value;
  if (parser->key == NULL)
    return NO_KEY;
  if (is_link(parser, owned))
    return emit_link(parser, owned);
  Operation *operation = change_add(parser->change, OPERATION_SET_VALUE, parser->key);
  operation->name = g_steal_pointer(&parser->value.name);
  operation->value = g_steal_pointer(&owned);
  return NULL;
}

/* ---- data ---- */

static RegistryValue *new_value_from_eight_bit(guint32 type, const GByteArray *bytes) {
  g_autoptr(GByteArray) units = g_byte_array_sized_new(2 * bytes->len);
  for (guint i = 0; i < bytes->len; i++) {
    guint16 unit = windows_1252_decode(bytes->data[i]);
    const guint8 unit_bytes[2] = {(guint8)unit, (guint8)(unit >> 8)};
    g_byte_array_append(units, unit_bytes, sizeof unit_bytes);
  }
  return registry_value_new_bytes(type, units->data, units->len);
}

static gboolean is_text_in_hex(guint32 type) {
  return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ || type == REGISTRY_MULTI_SZ;
}

static const char *emit_hex_value(RegfileParser *parser) {
  const ValueDraft *value = &parser->value;
  if (parser->eight_bit && !value->raw && is_text_in_hex(value->type))
    return emit_value(parser, new_value_from_eight_bit(value->type, value->bytes));
  return emit_value(parser,
                    registry_value_new_bytes(value->type, value->bytes->data, value->bytes->len));
}

/* The cursor is at the end or on the comment after the data. */
static gboolean has_raw_mark(Cursor cursor) {
  return cursor_skip_prefix(&cursor, RAW_MARK) && cursor.at == cursor.end;
}

static LineState find_continuation_state(HexEnd end);

/* What follows when a line of hex data has been read. */
static const char *end_hex_line(RegfileParser *parser, HexEnd end, const Cursor *cursor) {
  parser->state = find_continuation_state(end);
  if (end == HEX_CONTINUES)
    return NULL;
  if (end == HEX_BROKEN)
    return "hex data is bytes of one or two hexadecimal digits with commas between, and a comma "
           "before a backslash that continues them";
  parser->value.raw = has_raw_mark(*cursor);
  return emit_hex_value(parser);
}

static const char *read_hex(RegfileParser *parser, Cursor *cursor) {
  g_byte_array_set_size(parser->value.bytes, 0);
  return end_hex_line(parser, cursor_read_hex(cursor, parser->value.bytes), cursor);
}

static const char *read_binary(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                               Cursor *cursor) {
  parser->value.type = REGISTRY_BINARY;
  return read_hex(parser, cursor);
}

static const char *read_typed_hex(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                                  Cursor *cursor) {
  guint64 type = 0;
  const char *start = cursor->at;
  for (; cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at); cursor->at++) {
    type = type << 4 | (guint64)g_ascii_xdigit_value(*cursor->at);
    if (type > G_MAXUINT32)
      return "a type number is at most ffffffff";
  }
  if (cursor->at == start || !cursor_skip_prefix(cursor, "):"))
    return "hex(N): takes a type number N in hexadecimal";
  parser->value.type = (guint32)type;
  return read_hex(parser, cursor);
}

static const char *read_dword(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                              Cursor *cursor) {
  cursor_skip_blanks(cursor);
  guint32 number = 0;
  const char *start = cursor->at;
  for (; cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at); cursor->at++)
    number = number << 4 | (guint32)g_ascii_xdigit_value(*cursor->at);
  gsize digits = (gsize)(cursor->at - start);
  if (digits < 1 || digits > 8 || !cursor_is_at_end(cursor))
    return "dword: takes one to eight hexadecimal digits";
  return emit_value(parser, value_new_uint32(REGISTRY_DWORD, number));
}

static const char *read_deletion(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                                 Cursor *cursor) {
  if (!cursor_is_at_end(cursor))
    return "something follows the minus that deletes a value";
  if (parser->key == NULL)
    return NO_KEY;
  Operation *operation = change_add(parser->change, OPERATION_DELETE_VALUE, parser->key);
  operation->flags = OPERATION_TOLERANT;
  operation->name = g_steal_pointer(&parser->value.name);
  return NULL;
}

/* ---- quoted text ---- */

/* Text with a lone surrogate is kept as the units it is made of. */
static RegistryValue *new_malformed_text(Slice slice) {
  gsize size = 2 * text_count_units(slice.text, slice.length);
  g_autofree guint8 *bytes = g_malloc(size + 2);
  text_utf8_to_utf16(slice.text, slice.length, bytes);
  memset(bytes + size, 0, 2);
  return registry_value_new_bytes(REGISTRY_SZ, bytes, size + 2);
}

static const char *read_string(RegfileParser *parser, const RegfileLine *line, Cursor *cursor) {
  Slice slice;
  const char *reason = cursor_read_quoted(cursor, parser->scratch, &slice);
  if (reason != NULL)
    return reason;
  if (!cursor_is_at_end(cursor))
    return "something follows the closing quote";
  return emit_value(parser, line->well_formed
                                ? value_new_text(REGISTRY_SZ, slice.text, slice.length)
                                : new_malformed_text(slice));
}

/* ---- values ---- */

/* The beginning of the data selects its reader. */
static const struct {
  const char *prefix;
  const char *(*read)(RegfileParser *parser, const RegfileLine *line, Cursor *cursor);
} data_readers[] = {
    {"\"", read_string},      {"dword:", read_dword}, {"hex:", read_binary},
    {"hex(", read_typed_hex}, {"-", read_deletion},
};

static const char *read_name(RegfileParser *parser, Cursor *cursor) {
  Slice slice = {"", 0};
  if (*cursor->at++ == '"') {
    const char *reason = cursor_read_quoted(cursor, parser->scratch, &slice);
    if (reason != NULL)
      return reason;
  }
  set_value_name(parser, slice.text, slice.length);
  if (!path_check_value_name(parser->value.name, NULL))
    return "a value name is text of at most 16383 UTF-16 code units without control characters";
  return NULL;
}

static const char *read_value(RegfileParser *parser, const RegfileLine *line, Cursor *cursor) {
  const char *reason = read_name(parser, cursor);
  if (reason != NULL)
    return reason;
  cursor_skip_blanks(cursor);
  if (!cursor_is_next(cursor, '='))
    return "an equals sign is missing after the value's name";
  cursor->at++;
  cursor_skip_blanks(cursor);
  for (gsize i = 0; i < G_N_ELEMENTS(data_readers); i++)
    if (cursor_skip_prefix(cursor, data_readers[i].prefix))
      return data_readers[i].read(parser, line, cursor);
  return "data is \"text\", dword:, hex:, hex(N): or a minus";
}

static gboolean take_value(RegfileParser *parser, const RegfileLine *line, Cursor *cursor,
                           GError **error) {
  parser->value.first_line = line->number;
  parser->value.lines = 1;
  return settle_value(parser, read_value(parser, line, cursor), error);
}

/* ---- keys ---- */

static void emit_key(RegfileParser *parser, const char *key) {
  set_current_key(parser, change_add(parser->change, OPERATION_CREATE_KEY, key)->key);
}

static const char *emit_key_deletion(RegfileParser *parser, const char *key, const Path *path) {
  if (path->depth == 0)
    return "a root key cannot be deleted";
  change_add(parser->change, OPERATION_DELETE_TREE, key)->flags = OPERATION_TOLERANT;
  return NULL;
}

static gboolean take_key(RegfileParser *parser, const RegfileLine *line, Cursor *cursor,
                         GError **error) {
  cursor->at++;
  const char *close = memrchr(cursor->at, ']', (gsize)(cursor->end - cursor->at));
  if (close == NULL)
    return ignore_line(parser, line->number, "the closing bracket of the key is missing", error);
  gboolean deletion = cursor_skip_prefix(cursor, "-");
  if (cursor_is_next(cursor, ' ') || cursor_is_next(cursor, '\t'))
    return ignore_line(parser, line->number, "a blank stands before the key", error);
  /* From here on it is a key line: values that follow no longer belong to the last key. */
  set_current_key(parser, NULL);
  g_autofree char *key = dup_key_text(cursor->at, (gsize)(close - cursor->at));
  g_autofree char *why = NULL;
  g_autoptr(Path) path = parse_key(key, &why);
  if (path == NULL)
    return ignore_line(parser, line->number, why, error);
  const char *reason = NULL;
  if (deletion)
    reason = emit_key_deletion(parser, key, path);
  else
    emit_key(parser, key);
  return reason == NULL || ignore_line(parser, line->number, reason, error);
}

/* ---- states ---- */

static gboolean is_blank_or_comment(Cursor *cursor) {
  return cursor_is_at_end(cursor) || *cursor->at == '#';
}

/* Lines of versions 4 and 5. */
static gboolean take_registry_line(RegfileParser *parser, const RegfileLine *line, GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  if (is_blank_or_comment(&cursor))
    return TRUE;
  if (*cursor.at == '"' || *cursor.at == '@')
    return take_value(parser, line, &cursor, error);
  if (*cursor.at == '[')
    return take_key(parser, line, &cursor, error);
  return ignore_line(parser, line->number, "not a key, a value or a comment", error);
}

/* The line after one of hex data that ended with a backslash. If it does not go on with
 * hex data, it is lost together with the value. */
static gboolean take_continuation(RegfileParser *parser, const RegfileLine *line, GError **error) {
  ValueDraft *value = &parser->value;
  Cursor cursor = {line->text, line->text + line->length};
  if (cursor_is_at_end(&cursor))
    return TRUE;
  if (!g_ascii_isxdigit(*cursor.at)) {
    value->lines += *cursor.at != '#';
    parser->state = take_registry_line;
    return settle_value(parser, "the line after the backslash does not go on with hex data", error);
  }
  value->lines++;
  HexEnd end = cursor_continue_hex(&cursor, value->bytes);
  if (value->bytes->len > LIMIT_REGFILE_LINE_BYTES)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "line %u: the value has more than %u bytes", value->first_line,
                     LIMIT_REGFILE_LINE_BYTES);
  return settle_value(parser, end_hex_line(parser, end, &cursor), error);
}

static LineState find_continuation_state(HexEnd end) {
  return end == HEX_CONTINUES ? take_continuation : take_registry_line;
}

/* `HKEY_CLASSES_ROOT\key = text`: all that Windows 3.1 had. */
static gboolean take_windows_31_line(RegfileParser *parser, const RegfileLine *line,
                                     GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  if (!cursor_skip_prefix(&cursor, WINDOWS_31_ROOT))
    return is_blank_or_comment(&cursor) ||
           ignore_line(parser, line->number, "not a line of " WINDOWS_31_ROOT, error);
  while (cursor.at < cursor.end && *cursor.at != ' ' && *cursor.at != '\t')
    cursor.at++;
  g_autofree char *key = dup_key_text(line->text, (gsize)(cursor.at - line->text));
  g_autofree char *why = NULL;
  g_autoptr(Path) path = parse_key(key, &why);
  if (path == NULL)
    return ignore_line(parser, line->number, why, error);
  cursor_skip_blanks(&cursor);
  if (cursor_is_next(&cursor, '='))
    cursor.at++;
  if (cursor_is_next(&cursor, ' ') || cursor_is_next(&cursor, '\t'))
    cursor.at++;
  emit_key(parser, key);
  set_value_name(parser, "", 0);
  const Slice text = {cursor.at, (gsize)(cursor.end - cursor.at)};
  emit_value(parser, line->well_formed ? value_new_text(REGISTRY_SZ, text.text, text.length)
                                       : new_malformed_text(text));
  return TRUE;
}

/* The state in which nothing is read any more: every line counts as ignored. */
static gboolean take_nothing(RegfileParser *parser, const RegfileLine *line, GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  return is_blank_or_comment(&cursor) ||
         ignore_line(parser, line->number, "the line is in a part of the file that is not read",
                     error);
}

static gboolean take_header(RegfileParser *parser, const RegfileLine *line, GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  cursor_skip_blanks(&cursor);
  const Slice header = {cursor.at, (gsize)(cursor.end - cursor.at)};
  parser->eight_bit = !slice_is(header, HEADER_VERSION_5);
  parser->state = take_registry_line;
  if (!parser->eight_bit || slice_is(header, HEADER_VERSION_4))
    return TRUE;
  parser->state = take_windows_31_line;
  if (slice_is(header, HEADER_WINDOWS_31))
    return TRUE;
  parser->state = take_nothing;
  if (cursor_skip_prefix(&cursor, HEADER_WINDOWS_31))
    return ignore_line(
        parser, line->number,
        "the header names a version that is not known, so nothing is read; known are "
        "REGEDIT4 and " HEADER_VERSION_5,
        error);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   REGFILE_NOT_ONE ": it begins with neither \"" HEADER_VERSION_4
                                   "\" nor \"" HEADER_VERSION_5 "\"%s",
                   line->has_nul ? " (UTF-16 needs a byte-order mark)" : "");
}

/* A line that ends all reading: a NUL is the end of the text to Windows too. */
static gboolean take_broken_line(RegfileParser *parser, const RegfileLine *line, GError **error) {
  const char *reason = line->cut ? "the file ends in the middle of a character"
                                 : "a NUL character is in the line; nothing is read from there on";
  gboolean in_value = parser->state == take_continuation;
  parser->state = take_nothing;
  if (in_value && !settle_value(parser, reason, error))
    return FALSE;
  return ignore_line(parser, line->number, reason, error);
}

static gboolean take_line(const RegfileLine *line, gpointer data, GError **error) {
  RegfileParser *parser = data;
  gboolean broken =
      (line->has_nul || line->cut) && parser->state != take_header && parser->state != take_nothing;
  LineState state = broken ? take_broken_line : parser->state;
  if (!state(parser, line, error))
    return FALSE;
  if (parser->change->operations->len <= LIMIT_REGFILE_OPERATIONS)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "line %u: the file has more than %u keys and values; import it in parts",
                   line->number, LIMIT_REGFILE_OPERATIONS);
}

/* ---- the parser ---- */

RegfileParser *regfile_parser_new(gboolean strict) {
  RegfileParser *parser = g_new0(RegfileParser, 1);
  parser->lines = regfile_lines_new(take_line, parser);
  parser->strict = strict;
  parser->state = take_header;
  parser->change = change_new();
  parser->value.bytes = g_byte_array_new();
  parser->scratch = g_string_new(NULL);
  return parser;
}

void regfile_parser_free(RegfileParser *parser) {
  if (parser == NULL)
    return;
  regfile_lines_free(parser->lines);
  change_free(parser->change);
  set_current_key(parser, NULL);
  g_free(parser->value.name);
  g_byte_array_unref(parser->value.bytes);
  g_string_free(parser->scratch, TRUE);
  g_free(parser->report.first_reason);
  g_free(parser);
}

gboolean regfile_parser_push(RegfileParser *parser, const char *bytes, gsize size, GError **error) {
  return regfile_lines_push(parser->lines, bytes, size, error);
}

Change *regfile_parser_finish(RegfileParser *parser, GError **error) {
  if (!regfile_lines_finish(parser->lines, error))
    return NULL;
  if (parser->state == take_header) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, REGFILE_NOT_ONE ": it is empty");
    return NULL;
  }
  /* The end of the file after a backslash ends the value as a line would. */
  if (parser->state == take_continuation && !settle_value(parser, emit_hex_value(parser), error))
    return NULL;
  return g_steal_pointer(&parser->change);
}

const RegfileReport *regfile_parser_get_report(const RegfileParser *parser) {
  return &parser->report;
}

gboolean regfile_error_is_of_head(const GError *error) {
  return g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE) &&
         g_str_has_prefix(error->message, REGFILE_NOT_ONE);
}

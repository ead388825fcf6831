/* SPDX-License-Identifier: MIT */
/* The upper half of reading a .reg file: from lines to a Change. A function for each state
 * takes the next line. A line that can't be read is counted and skipped, as Windows does,
 * and the first one's reason is kept; strict reading ends there.
 *
 * Messages never repeat a value's data: it may be a secret. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/base/value.h"
#include "client/regfile/header.h"
#include "client/regfile/lines.h"
#include "client/regfile/link-target.h"
#include "client/regfile/open-text.h"
#include "client/regfile/regfile.h"
#include "client/regfile/scan.h"

#include <string.h>

#define WINDOWS_31_ROOT "HKEY_CLASSES_ROOT"
/* A comment after data of a version 4 file that our own printer writes. */
#define RAW_MARK ";UTF-16"

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
  OpenText *open;     /* text whose closing quote is looked for, or NULL */
  gboolean one_line;  /* the quote is known to be missing: no looking for it */
  LegacyText *legacy; /* what 8-bit text in hex is; NULL: Windows-1252 */
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

static const char *emit_link(RegfileParser *parser, const RegistryValue *value) {
  const char *reason = NULL;
  g_autofree char *target = link_target_dup(value, &reason);
  if (target == NULL)
    return reason;
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

/* NULL, or why nothing can be done to the value that the draft names. */
static const char *check_target(const RegfileParser *parser) {
  if (parser->key == NULL)
    return "the value belongs to no key: no key line is before it, or that line was deleted or "
           "ignored";
  if (!path_check_value_name(parser->value.name, NULL))
    return "a value name is whole characters, at most 16383 UTF-16 code units of them";
  return NULL;
}

/* Takes @value and the draft's name. NULL, or the reason why it is dropped. */
static const char *emit_value(RegfileParser *parser, RegistryValue *value) {
  g_autoptr(RegistryValue) owned = value;
  const char *reason = check_target(parser);
  if (reason != NULL)
    return reason;
  if (is_link(parser, owned))
    return emit_link(parser, owned);
  Operation *operation = change_add(parser->change, OPERATION_SET_VALUE, parser->key);
  operation->name = g_steal_pointer(&parser->value.name);
  operation->value = g_steal_pointer(&owned);
  return NULL;
}

/* ---- data ---- */

static const char *emit_eight_bit(RegfileParser *parser, guint32 type, const GByteArray *bytes) {
  g_autoptr(GByteArray) units = legacy_text_to_utf16(parser->legacy, bytes);
  if (units == NULL)
    return "the text in hex is not of the encoding that was named";
  return emit_value(parser, registry_value_new_bytes(type, units->data, units->len));
}

static gboolean is_text_in_hex(guint32 type) {
  return type == REGISTRY_SZ || type == REGISTRY_EXPAND_SZ || type == REGISTRY_MULTI_SZ;
}

static const char *emit_hex_value(RegfileParser *parser) {
  const ValueDraft *value = &parser->value;
  if (parser->eight_bit && !value->raw && is_text_in_hex(value->type))
    return emit_eight_bit(parser, value->type, value->bytes);
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
  guint64 type;
  if (cursor_read_number(cursor, &type) == 0 || !cursor_skip_prefix(cursor, "):"))
    return "hex(N): takes a type number N in hexadecimal";
  if (type > G_MAXUINT32)
    return "a type number is at most ffffffff";
  parser->value.type = (guint32)type;
  return read_hex(parser, cursor);
}

static const char *read_dword(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                              Cursor *cursor) {
  cursor_skip_blanks(cursor);
  guint64 number;
  gsize digits = cursor_read_number(cursor, &number);
  if (digits < 1 || digits > 8 || !cursor_is_at_end(cursor))
    return "dword: takes one to eight hexadecimal digits";
  return emit_value(parser, value_new_uint32(REGISTRY_DWORD, (guint32)number));
}

static const char *read_deletion(RegfileParser *parser, G_GNUC_UNUSED const RegfileLine *line,
                                 Cursor *cursor) {
  if (!cursor_is_at_end(cursor))
    return "something follows the minus that deletes a value";
  const char *reason = check_target(parser);
  if (reason != NULL)
    return reason;
  Operation *operation = change_add(parser->change, OPERATION_DELETE_VALUE, parser->key);
  operation->flags = OPERATION_TOLERANT;
  operation->name = g_steal_pointer(&parser->value.name);
  return NULL;
}

/* ---- quoted text ---- */

/* A piece of @line as a value. */
static RegistryValue *new_text(Slice slice, const RegfileLine *line) {
  return line->well_formed ? value_new_text(REGISTRY_SZ, slice.text, slice.length)
                           : value_new_units(REGISTRY_SZ, slice.text, slice.length);
}

/* Why text in quotes can't be read. */
static const char *const quoted_faults[] = {
    [QUOTED_CLOSED] = NULL,
    [QUOTED_OPEN] = "the closing quote is missing",
    [QUOTED_CUT] = "the closing quote is missing",
    [QUOTED_BAD_ESCAPE] = "the escape \\0 is not allowed in a string",
};

static gboolean take_open_text(RegfileParser *parser, const RegfileLine *line, GError **error);

static const char *read_string(RegfileParser *parser, const RegfileLine *line, Cursor *cursor) {
  Slice slice;
  QuotedEnd end = cursor_read_quoted(cursor, parser->scratch, &slice);
  if (end == QUOTED_OPEN && !parser->one_line) {
    parser->open = open_text_new(line);
    parser->state = take_open_text;
    return NULL;
  }
  if (quoted_faults[end] != NULL)
    return quoted_faults[end];
  if (!cursor_is_at_end(cursor))
    return "something follows the closing quote";
  return emit_value(parser, new_text(slice, line));
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

/* Whether the name is one that a value can have is asked once the data has been read: text
 * of several lines is one value, whatever it is called. */
static const char *read_name(RegfileParser *parser, Cursor *cursor) {
  Slice slice = {"", 0};
  QuotedEnd end = QUOTED_CLOSED;
  if (*cursor->at++ == '"')
    end = cursor_read_quoted(cursor, parser->scratch, &slice);
  set_value_name(parser, slice.text, slice.length);
  return quoted_faults[end];
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

/* @lines: that @line is made of. */
static gboolean take_value(RegfileParser *parser, const RegfileLine *line, guint lines,
                           GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  cursor_skip_blanks(&cursor);
  parser->value.first_line = line->number;
  parser->value.lines = lines;
  return settle_value(parser, read_value(parser, line, &cursor), error);
}

/* ---- keys ---- */

static void emit_key(RegfileParser *parser, const char *key) {
  set_current_key(parser, change_add(parser->change, OPERATION_CREATE_KEY, key)->key);
}

static gboolean take_key(RegfileParser *parser, const RegfileLine *line, Cursor *cursor,
                         GError **error) {
  cursor->at++;
  const char *close = memrchr(cursor->at, ']', (gsize)(cursor->end - cursor->at));
  /* It is a key line, whatever is wrong with it: values that follow do not belong to the
   * key before it. */
  set_current_key(parser, NULL);
  if (close == NULL)
    return ignore_line(parser, line->number, "the closing bracket of the key is missing", error);
  gboolean deletion = cursor_skip_prefix(cursor, "-");
  if (cursor_is_next(cursor, ' ') || cursor_is_next(cursor, '\t'))
    return ignore_line(parser, line->number, "a blank stands before the key", error);
  g_autofree char *key = dup_key_text(cursor->at, (gsize)(close - cursor->at));
  g_autofree char *why = NULL;
  g_autoptr(Path) path = parse_key(key, &why);
  if (path == NULL)
    return ignore_line(parser, line->number, why, error);
  if (deletion && path->depth == 0)
    return ignore_line(parser, line->number, "a root key cannot be deleted", error);
  if (deletion)
    change_add(parser->change, OPERATION_DELETE_TREE, key)->flags = OPERATION_TOLERANT;
  else
    emit_key(parser, key);
  return TRUE;
}

/* A line that begins as a path does: the bracket before it got lost. */
static gboolean is_key_without_bracket(const Cursor *cursor) {
  gsize length = 0;
  while (cursor->at + length < cursor->end && strchr("\\]", cursor->at[length]) == NULL)
    length++;
  g_autofree char *first = g_strndup(cursor->at, length);
  g_autoptr(Path) path = path_parse(first, NULL);
  return path != NULL && path->root != PATH_ROOT_ABOVE;
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
    return take_value(parser, line, 1, error);
  if (*cursor.at == '[')
    return take_key(parser, line, &cursor, error);
  if (is_key_without_bracket(&cursor)) {
    set_current_key(parser, NULL);
    return ignore_line(parser, line->number, "the opening bracket of the key is missing", error);
  }
  return ignore_line(parser, line->number, "not a key, a value or a comment", error);
}

/* The quote of the text that was held back is missing: its lines are lines of their own. No
 * line but the first has an unescaped quote, so none of them opens text again. */
static gboolean take_lines_held(RegfileParser *parser, const OpenText *open, GError **error) {
  gboolean going = TRUE;
  parser->one_line = TRUE;
  for (guint i = 0; going && i < open_text_count_lines(open); i++) {
    RegfileLine line = open_text_get_line(open, i);
    going = parser->state(parser, &line, error);
  }
  parser->one_line = FALSE;
  return going;
}

static gboolean take_line(const RegfileLine *line, gpointer data, GError **error);

/* A line after text whose closing quote has not come. */
static gboolean take_open_text(RegfileParser *parser, const RegfileLine *line, GError **error) {
  OpenTextEnd end = open_text_add(parser->open, line);
  if (end == OPEN_TEXT_GOES_ON)
    return TRUE;
  g_autoptr(OpenText) open = g_steal_pointer(&parser->open);
  parser->state = take_registry_line;
  if (end == OPEN_TEXT_MISSING)
    return take_lines_held(parser, open, error) && take_line(line, parser, error);
  const RegfileLine whole = open_text_get_whole(open);
  return take_value(parser, &whole, open_text_count_lines(open), error);
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
  emit_value(parser, new_text(text, line));
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
  static const LineState states[] = {
      [HEADER_REGEDIT4] = take_registry_line,
      [HEADER_REGEDIT5] = take_registry_line,
      [HEADER_REGEDIT3] = take_windows_31_line,
      [HEADER_UNKNOWN_VERSION] = take_nothing,
      [HEADER_NONE] = take_nothing,
  };
  const char *fault;
  Header header = header_read((Slice){line->text, line->length}, line->has_nul, &fault);
  parser->eight_bit = header != HEADER_REGEDIT5;
  parser->state = states[header];
  if (header == HEADER_NONE)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, REGFILE_NOT_ONE ": %s", fault);
  return fault == NULL || ignore_line(parser, line->number, fault, error);
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

/* Whether @line ends the reading. Text held back before it is dealt with first. */
static gboolean ends_reading(const RegfileParser *parser, const RegfileLine *line) {
  return (line->has_nul || line->cut) && parser->state != take_header &&
         parser->state != take_nothing && parser->state != take_open_text;
}

static gboolean take_line(const RegfileLine *line, gpointer data, GError **error) {
  RegfileParser *parser = data;
  LineState state = ends_reading(parser, line) ? take_broken_line : parser->state;
  if (!state(parser, line, error))
    return FALSE;
  parser->report.operations = parser->change->operations->len;
  if (parser->report.operations <= LIMIT_REGFILE_OPERATIONS)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "line %u: the file has more than %u keys and values; import it in parts",
                   line->number, LIMIT_REGFILE_OPERATIONS);
}

/* Counts a line of which the encoding was guessed; nothing is read of a comment. */
static gboolean note_guess(RegfileParser *parser, const RegfileLine *line, GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  if (parser->state == take_header || parser->state == take_nothing || is_blank_or_comment(&cursor))
    return TRUE;
  RegfileReport *report = &parser->report;
  if (report->lines_guessed++ == 0)
    report->first_guessed_line = line->number;
  return !parser->strict ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "line %u: the text is not UTF-8, and would be guessed to be Windows-1252; "
                   "say what encoding it is",
                   line->number);
}

/* A line as it comes from the file, once. */
static gboolean take_file_line(const RegfileLine *line, gpointer data, GError **error) {
  return (!line->guessed || note_guess(data, line, error)) && take_line(line, data, error);
}

/* ---- the parser ---- */

RegfileParser *regfile_parser_new(gboolean strict) {
  RegfileParser *parser = g_new0(RegfileParser, 1);
  parser->lines = regfile_lines_new(take_file_line, parser);
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
  open_text_free(parser->open);
  legacy_text_free(parser->legacy);
  g_string_free(parser->scratch, TRUE);
  g_free(parser->report.first_reason);
  g_free(parser);
}

gboolean regfile_parser_set_encoding(RegfileParser *parser, const char *encoding, GError **error) {
  LegacyText *text = legacy_text_new(encoding, error);
  if (text == NULL)
    return FALSE;
  regfile_lines_set_encoding(parser->lines, text);
  legacy_text_free(parser->legacy);
  parser->legacy = legacy_text_new(encoding, error);
  return parser->legacy != NULL;
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
  g_autoptr(OpenText) open = g_steal_pointer(&parser->open);
  if (open != NULL) {
    parser->state = take_registry_line;
    if (!take_lines_held(parser, open, error))
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

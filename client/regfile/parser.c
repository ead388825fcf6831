/* SPDX-License-Identifier: MIT */
/* The upper half of reading a .reg file: from lines to a Change. A function for each state
 * takes the next line. A line that can't be read is counted and skipped, as Windows does,
 * and the first one's reason is kept; strict reading ends there.
 *
 * Messages never repeat a value's data: it may be a secret. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/regfile/header.h"
#include "client/regfile/lines.h"
#include "client/regfile/open-text.h"
#include "client/regfile/regfile.h"
#include "client/regfile/scan.h"
#include "client/regfile/value-reader.h"

#include <string.h>

#define WINDOWS_31_ROOT "HKEY_CLASSES_ROOT"

typedef gboolean (*LineState)(RegfileParser *parser, const RegfileLine *line, GError **error);

struct RegfileParser {
  RegfileLines *lines;
  gboolean strict;
  LineState state;
  Change *change;
  ValueReader values;
  guint32 first_line; /* of the value being read */
  guint32 lines_read; /* lines with something on them that it has taken */
  OpenText *open;     /* text whose closing quote is looked for, or NULL */
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
  for (guint32 i = 0; i < parser->lines_read; i++)
    if (!ignore_line(parser, parser->first_line, reason, error))
      return FALSE;
  return TRUE;
}

/* ---- operations ---- */

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

/* ---- values ---- */

static LineState find_next_state(ValueNext next);

/* @lines: that @line is made of. */
static gboolean take_value(RegfileParser *parser, const RegfileLine *line, guint lines,
                           GError **error) {
  Cursor cursor = {line->text, line->text + line->length};
  cursor_skip_blanks(&cursor);
  parser->first_line = line->number;
  parser->lines_read = lines;
  const char *reason = value_reader_read(&parser->values, line, &cursor);
  if (parser->values.next == VALUE_TEXT_OPEN)
    parser->open = open_text_new(line);
  parser->state = find_next_state(parser->values.next);
  return settle_value(parser, reason, error);
}

/* ---- keys ---- */

static void emit_key(RegfileParser *parser, const char *key) {
  value_reader_set_key(&parser->values, change_add(parser->change, OPERATION_CREATE_KEY, key)->key);
}

static gboolean take_key(RegfileParser *parser, const RegfileLine *line, Cursor *cursor,
                         GError **error) {
  cursor->at++;
  const char *close = memrchr(cursor->at, ']', (gsize)(cursor->end - cursor->at));
  /* It is a key line, whatever is wrong with it: values that follow do not belong to the
   * key before it. */
  value_reader_set_key(&parser->values, NULL);
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
    value_reader_set_key(&parser->values, NULL);
    return ignore_line(parser, line->number, "the opening bracket of the key is missing", error);
  }
  return ignore_line(parser, line->number, "not a key, a value or a comment", error);
}

/* The quote of the text that was held back is missing: its lines are lines of their own. No
 * line but the first has an unescaped quote, so none of them opens text again. */
static gboolean take_lines_held(RegfileParser *parser, const OpenText *open, GError **error) {
  gboolean going = TRUE;
  parser->values.one_line = TRUE;
  for (guint i = 0; going && i < open_text_count_lines(open); i++) {
    RegfileLine line = open_text_get_line(open, i);
    going = parser->state(parser, &line, error);
  }
  parser->values.one_line = FALSE;
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
  Cursor cursor = {line->text, line->text + line->length};
  if (cursor_is_at_end(&cursor))
    return TRUE;
  if (!g_ascii_isxdigit(*cursor.at)) {
    parser->lines_read += *cursor.at != '#';
    parser->state = take_registry_line;
    return settle_value(parser, "the line after the backslash does not go on with hex data", error);
  }
  parser->lines_read++;
  const char *reason = value_reader_continue_hex(&parser->values, &cursor);
  if (parser->values.bytes->len > LIMIT_REGFILE_LINE_BYTES)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "line %u: the value has more than %u bytes", parser->first_line,
                     LIMIT_REGFILE_LINE_BYTES);
  parser->state = find_next_state(parser->values.next);
  return settle_value(parser, reason, error);
}

static LineState find_next_state(ValueNext next) {
  static const LineState states[] = {
      [VALUE_ENDS] = take_registry_line,
      [VALUE_HEX_CONTINUES] = take_continuation,
      [VALUE_TEXT_OPEN] = take_open_text,
  };
  return states[next];
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
  parser->values.type = REGISTRY_SZ;
  value_reader_set_name(&parser->values, "", 0);
  const Slice text = {cursor.at, (gsize)(cursor.end - cursor.at)};
  value_reader_emit(&parser->values, value_reader_new_text(&parser->values, text, line));
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
  parser->values.eight_bit = header != HEADER_REGEDIT5;
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
  gboolean in_text = parser->state == take_open_text; /* where nothing is a comment */
  if (parser->state == take_header || parser->state == take_nothing ||
      (!in_text && is_blank_or_comment(&cursor)))
    return TRUE;
  RegfileReport *report = &parser->report;
  if (report->lines_guessed++ == 0)
    report->first_guessed_line = line->number;
  return !parser->strict ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "line %u: the text is not UTF-8, and would be guessed to be Windows-1252; "
                   "name its encoding (the option encoding, regctl --encoding)",
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
  value_reader_init(&parser->values, parser->change);
  return parser;
}

void regfile_parser_free(RegfileParser *parser) {
  if (parser == NULL)
    return;
  regfile_lines_free(parser->lines);
  change_free(parser->change);
  value_reader_clear(&parser->values);
  open_text_free(parser->open);
  g_free(parser->report.first_reason);
  g_free(parser);
}

gboolean regfile_parser_set_encoding(RegfileParser *parser, const char *encoding, GError **error) {
  LegacyText *text = legacy_text_new(encoding, error);
  if (text == NULL)
    return FALSE;
  regfile_lines_set_encoding(parser->lines, text);
  legacy_text_free(parser->values.legacy);
  parser->values.legacy = legacy_text_new(encoding, error);
  return parser->values.legacy != NULL;
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
  if (parser->state == take_continuation &&
      !settle_value(parser, value_reader_emit_hex(&parser->values), error))
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

/* SPDX-License-Identifier: MIT */
/* Keys, names and data, read from operands and printed. */
#include "client/cli/data.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/escape.h"
#include "client/base/number.h"
#include "client/base/path.h"

#define DEFAULT_VALUE "@"
#define SHOWN_BYTES 8 /* a character, and NUL */

/* ---- reading ---- */

static const char *skip_word(const char *text, const char *word) {
  gsize length = strlen(word);
  return g_ascii_strncasecmp(text, word, length) == 0 ? text + length : text;
}

/* The key as others write it: regedit's address bar, PowerShell, slashes. NULL: it is none of
 * these. */
static char *dup_meant_key(const char *operand) {
  const char *text = skip_word(skip_word(operand, "My "), "Computer\\");
  text = skip_word(skip_word(text, "Registry::"), "\\");
  g_autofree char *meant = g_strdup(text);
  char *colon = strstr(meant, ":\\");
  if (colon != NULL)
    memmove(colon, colon + 1, strlen(colon));
  else if (strchr(meant, '\\') == NULL)
    g_strdelimit(meant, "/", '\\');
  g_autoptr(Path) path = path_parse(meant, NULL);
  return path != NULL && path->root != PATH_ROOT_ABOVE ? g_steal_pointer(&meant) : NULL;
}

char *data_parse_key(const char *operand, GError **error) {
  gboolean slashes = *operand == '/' && strchr(operand, '\\') == NULL;
  g_autofree char *text = g_strdup(slashes ? operand + 1 : operand);
  if (slashes)
    g_strdelimit(text, "/", '\\');
  g_autoptr(GError) problem = NULL;
  g_autoptr(Path) path = path_parse(text, &problem);
  if (path != NULL)
    return g_steal_pointer(&text);
  g_autofree char *meant = dup_meant_key(operand);
  error_set(error, (RegistryError)problem->code, "%s%s%s%s", problem->message,
            meant != NULL ? "; did you mean \"" : "", meant != NULL ? meant : "",
            meant != NULL ? "\"?" : "");
  return NULL;
}

const char *data_parse_name(const char *operand, GError **error) {
  if (strcmp(operand, DEFAULT_VALUE) == 0)
    return "";
  return path_check_value_name(operand, error) ? operand : NULL;
}

const char *data_show_name(const char *name) {
  return *name ? name : DEFAULT_VALUE;
}

/* What a type's data looks like on the command line. */
typedef enum { SHAPE_TEXT, SHAPE_TEXTS, SHAPE_NUMBER, SHAPE_LONG_NUMBER, SHAPE_BYTES } Shape;

static Shape shape_of_type(guint32 type) {
  switch (type) {
  case REGISTRY_SZ:
  case REGISTRY_EXPAND_SZ:
  case REGISTRY_LINK:
    return SHAPE_TEXT;
  case REGISTRY_MULTI_SZ:
    return SHAPE_TEXTS;
  case REGISTRY_DWORD:
  case REGISTRY_DWORD_BIG_ENDIAN:
    return SHAPE_NUMBER;
  case REGISTRY_QWORD:
    return SHAPE_LONG_NUMBER;
  default:
    return SHAPE_BYTES;
  }
}

static RegistryValue *parse_text(guint32 type, GStrv words, GError **error) {
  return registry_value_new_string(type, words[0], error);
}

static RegistryValue *parse_texts(G_GNUC_UNUSED guint32 type, GStrv words, GError **error) {
  return registry_value_new_strings((const char *const *)words, error);
}

static RegistryValue *parse_number(guint32 type, GStrv words, GError **error) {
  guint64 number = 0;
  if (number_parse(words[0], G_MAXUINT32, &number))
    return registry_value_new_uint32(type, (guint32)number, error);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "%s is no number from 0 to 4294967295, in decimal or after 0x", words[0]);
  return NULL;
}

static RegistryValue *parse_long_number(G_GNUC_UNUSED guint32 type, GStrv words, GError **error) {
  guint64 number = 0;
  if (number_parse(words[0], G_MAXUINT64, &number))
    return registry_value_new_uint64(number);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "%s is no number from 0 to 18446744073709551615, in decimal or after 0x", words[0]);
  return NULL;
}

RegistryValue *data_parse_bytes(guint32 type, const char *digits, GError **error) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  const char *at = digits;
  for (; g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]); at += 2) {
    guint8 byte = (guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
    g_byte_array_append(bytes, &byte, 1);
  }
  if (*at == '\0')
    return registry_value_new_bytes(type, bytes->data, bytes->len);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is not pairs of hexadecimal digits", digits);
  return NULL;
}

static RegistryValue *parse_bytes(guint32 type, GStrv words, GError **error) {
  return data_parse_bytes(type, words[0] != NULL ? words[0] : "", error);
}

static const struct {
  guint fewest, most; /* words */
  RegistryValue *(*parse)(guint32 type, GStrv words, GError **error);
} shapes[] = {
    [SHAPE_TEXT] = {1, 1, parse_text},     [SHAPE_TEXTS] = {0, G_MAXUINT, parse_texts},
    [SHAPE_NUMBER] = {1, 1, parse_number}, [SHAPE_LONG_NUMBER] = {1, 1, parse_long_number},
    [SHAPE_BYTES] = {0, 1, parse_bytes},
};

RegistryValue *data_parse(guint32 type, GStrv words, const char *key, const char *name,
                          GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autofree char *type_name = data_show_type(type);
  Shape shape = shape_of_type(type);
  guint count = g_strv_length(words);
  if (count < shapes[shape].fewest || count > shapes[shape].most) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "%s: %s: a %s takes one DATA, not %u; data with blanks stands in quotes", key,
              data_show_name(name), type_name, count);
    return NULL;
  }
  RegistryValue *value = shapes[shape].parse(type, words, &problem);
  if (value == NULL)
    error_set(error, (RegistryError)problem->code, "%s: %s: %s: %s", key, data_show_name(name),
              type_name, problem->message);
  return value;
}

/* Removes one line end. */
static void chomp(char *text) {
  gsize length = strlen(text);
  if (length > 0 && text[length - 1] == '\n')
    text[--length] = '\0';
  if (length > 0 && text[length - 1] == '\r')
    text[length - 1] = '\0';
}

static GStrv split_lines(const char *text) {
  GStrv lines = *text != '\0' ? g_strsplit(text, "\n", -1) : g_new0(char *, 1);
  for (char **line = lines; *line != NULL; line++)
    chomp(*line);
  return lines;
}

RegistryValue *data_parse_contents(guint32 type, const GByteArray *contents, gboolean raw,
                                   GError **error) {
  Shape shape = shape_of_type(type);
  if (raw || shape == SHAPE_BYTES)
    return registry_value_new_bytes(type, contents->data, contents->len);
  const char *bytes = contents->len > 0 ? (const char *)contents->data : "";
  if (!g_utf8_validate_len(bytes, contents->len, NULL)) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE,
              "what was read is not text in UTF-8; --bytes takes bytes as they are");
    return NULL;
  }
  g_autofree char *text = g_strndup(bytes, contents->len);
  chomp(text);
  g_auto(GStrv) words = shape == SHAPE_TEXTS ? split_lines(text) : g_new0(char *, 2);
  if (shape != SHAPE_TEXTS)
    words[0] = g_strdup(text);
  return shapes[shape].parse(type, words, error);
}

/* ---- printing ---- */

char *data_show_type(guint32 type) {
  const char *name = registry_type_get_name(type);
  return name != NULL ? g_strdup(name) : g_strdup_printf("0x%x", type);
}

static void append_bytes(GString *out, const RegistryValue *value) {
  gsize size = 0;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf(out, "%02x", bytes[i]);
}

/* Numbers and bytes look alike everywhere. FALSE: it is text. */
static gboolean append_number_or_bytes(GString *out, const RegistryValue *value) {
  guint32 number = 0;
  guint64 long_number = 0;
  if (registry_value_get_uint32(value, &number))
    g_string_append_printf(out, "%u", number);
  else if (registry_value_get_uint64(value, &long_number))
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, long_number);
  else if (registry_value_get_form(value) == REGISTRY_FORM_BYTES)
    append_bytes(out, value);
  else
    return FALSE;
  return TRUE;
}

void data_print(const RegistryValue *value, GString *out) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  for (char **text = texts; text != NULL && *text != NULL; text++)
    g_string_append_printf(out, "%s\n", *text);
  if (texts != NULL)
    return;
  if (!append_number_or_bytes(out, value)) {
    g_autofree char *text = registry_value_dup_string(value);
    g_string_append(out, text);
  }
  g_string_append_c(out, '\n');
}

/* Whether @text begins as what is behind the backslash of an escape does. */
static gboolean looks_escaped(const char *text) {
  return (text[0] == 'x' && g_ascii_isxdigit(text[1]) && g_ascii_isxdigit(text[2])) ||
         (text[0] == 'u' && text[1] == '{');
}

/* Appends text so that no other is shown alike: the backslashes before what is escaped, and
 * before what looks so, are doubled. @bar: `|` is escaped too. */
static void append_distinct(GString *out, const char *text, gboolean bar) {
  gsize backslashes = 0;
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
    if (*at == '\\') {
      backslashes++;
      g_string_append_c(out, '\\');
      continue;
    }
    if (backslashes == 0 && *at >= ' ' && *at < 0x7f && *at != '|') {
      g_string_append_c(out, *at);
      continue;
    }
    gunichar character = g_utf8_get_char(at);
    gboolean is_bar = bar && character == '|';
    gboolean special = is_bar || !escape_is_harmless(character) || looks_escaped(at);
    for (; special && backslashes > 0; backslashes--)
      g_string_append_c(out, '\\');
    backslashes = 0;
    char one[SHOWN_BYTES] = {0};
    g_unichar_to_utf8(character, one);
    g_string_append(out, is_bar ? "\\" : "");
    escape_append(out, one);
  }
}

void data_print_name(const char *name, GString *out) {
  gsize backslashes = strspn(name, "\\");
  if (strcmp(name + backslashes, DEFAULT_VALUE) == 0)
    g_string_append_c(out, '\\');
  append_distinct(out, data_show_name(name), FALSE);
}

void data_print_escaped(const RegistryValue *value, GString *out) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  for (char **text = texts; text != NULL && *text != NULL; text++) {
    g_string_append(out, text == texts ? "" : " | ");
    append_distinct(out, *text, TRUE);
  }
  if (texts != NULL || append_number_or_bytes(out, value))
    return;
  g_autofree char *text = registry_value_dup_string(value);
  append_distinct(out, text, FALSE);
}

gboolean data_is_malformed(const RegistryValue *value) {
  return shape_of_type(registry_value_get_type(value)) != SHAPE_BYTES &&
         registry_value_get_form(value) == REGISTRY_FORM_BYTES;
}

void data_print_type(const RegistryValue *value, GString *out) {
  g_autofree char *type = data_show_type(registry_value_get_type(value));
  g_string_append(out, type);
  g_string_append(out, data_is_malformed(value) ? " (malformed)" : "");
}

/* ---- JSON ---- */

static void write_strings(const RegistryValue *value, Json *json) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  json_begin(json, '[');
  for (char **text = texts; *text != NULL; text++)
    json_string(json, *text);
  json_end(json, ']');
}

static void write_data(const RegistryValue *value, Json *json) {
  guint32 number = 0;
  guint64 long_number = 0;
  gsize size = 0;
  const guint8 *bytes = registry_value_get_bytes(value, &size);
  g_autofree char *text = registry_value_dup_string(value);
  if (text != NULL)
    json_string(json, text);
  else if (registry_value_get_form(value) == REGISTRY_FORM_STRINGS)
    write_strings(value, json);
  else if (registry_value_get_uint32(value, &number))
    json_number(json, number);
  else if (registry_value_get_uint64(value, &long_number))
    json_number(json, long_number);
  else
    json_bytes(json, bytes, size);
}

void data_write_json(const char *name, const RegistryValue *value, Json *json) {
  guint32 type = registry_value_get_type(value);
  g_autofree char *type_name = data_show_type(type);
  json_member_string(json, "name", name);
  json_member_string(json, "type", type_name);
  json_name(json, "data");
  write_data(value, json);
  guint64 number = 0;
  if (registry_value_get_uint64(value, &number))
    json_member_digits(json, number);
  if (data_is_malformed(value))
    json_member_boolean(json, "malformed", TRUE);
}

void data_write_member(const char *member, const char *name, const RegistryValue *value,
                       Json *json) {
  if (value == NULL)
    return;
  json_name(json, member);
  json_begin(json, '{');
  data_write_json(name, value, json);
  json_end(json, '}');
}

/* SPDX-License-Identifier: MIT */
/* Keys, names and data, read from operands and printed. */
#include "client/cli/data.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/escape.h"
#include "client/base/number.h"
#include "client/base/path.h"

#define DEFAULT_VALUE "@"

/* ---- reading ---- */

char *data_parse_key(const char *operand, GError **error) {
  gboolean slashes = *operand == '/' && strchr(operand, '\\') == NULL;
  g_autofree char *text = g_strdup(slashes ? operand + 1 : operand);
  if (slashes)
    g_strdelimit(text, "/", '\\');
  g_autoptr(Path) path = path_parse(text, error);
  return path != NULL ? g_steal_pointer(&text) : NULL;
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

static RegistryValue *parse_bytes(guint32 type, GStrv words, GError **error) {
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  const char *at = words[0] != NULL ? words[0] : "";
  for (; g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]); at += 2) {
    guint8 byte = (guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));
    g_byte_array_append(bytes, &byte, 1);
  }
  if (*at == '\0')
    return registry_value_new_bytes(type, bytes->data, bytes->len);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s is not pairs of hexadecimal digits", words[0]);
  return NULL;
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

void data_print_escaped(const RegistryValue *value, GString *out) {
  g_auto(GStrv) texts = registry_value_dup_strings(value);
  for (char **text = texts; text != NULL && *text != NULL; text++) {
    g_string_append(out, text == texts ? "" : " | ");
    escape_append(out, *text);
  }
  if (texts != NULL || append_number_or_bytes(out, value))
    return;
  g_autofree char *text = registry_value_dup_string(value);
  escape_append(out, text);
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
  if (shape_of_type(type) != SHAPE_BYTES && registry_value_get_form(value) == REGISTRY_FORM_BYTES)
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

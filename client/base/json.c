/* SPDX-License-Identifier: MIT */
/* A JSON writer (RFC 8259). */
#include "client/base/json.h"

#include "client/base/escape.h"

static void separate(Json *json) {
  if (json->separating)
    g_string_append(json->text, ", ");
  json->separating = TRUE;
}

void json_begin(Json *json, char opening) {
  separate(json);
  g_string_append_c(json->text, opening);
  json->separating = FALSE;
}

void json_end(Json *json, char closing) {
  g_string_append_c(json->text, closing);
  json->separating = TRUE;
}

/* RFC 8259, section 7: past U+FFFF as a pair of surrogates. */
static void append_escaped(GString *text, gunichar character) {
  if (character < 0x10000) {
    g_string_append_printf(text, "\\u%04x", character);
    return;
  }
  gunichar above = character - 0x10000;
  g_string_append_printf(text, "\\u%04x\\u%04x", 0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff));
}

static void append_character(GString *text, gunichar character) {
  if (character == '"' || character == '\\')
    g_string_append_printf(text, "\\%c", (char)character);
  else if (escape_is_harmless(character))
    g_string_append_unichar(text, character);
  else
    append_escaped(text, character);
}

static void append_quoted(GString *out, const char *text) {
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  g_string_append_c(out, '"');
  for (const char *at = valid; *at; at = g_utf8_find_next_char(at, NULL))
    append_character(out, g_utf8_get_char(at));
  g_string_append_c(out, '"');
}

void json_name(Json *json, const char *name) {
  separate(json);
  append_quoted(json->text, name);
  g_string_append(json->text, ": ");
  json->separating = FALSE;
}

void json_string(Json *json, const char *text) {
  separate(json);
  append_quoted(json->text, text);
}

void json_number(Json *json, guint64 number) {
  separate(json);
  g_string_append_printf(json->text, "%" G_GUINT64_FORMAT, number);
}

void json_boolean(Json *json, gboolean truth) {
  separate(json);
  g_string_append(json->text, truth ? "true" : "false");
}

void json_null(Json *json) {
  separate(json);
  g_string_append(json->text, "null");
}

void json_bytes(Json *json, const guint8 *bytes, gsize size) {
  static const char digits[] = "0123456789abcdef";
  separate(json);
  g_string_append_c(json->text, '"');
  for (gsize i = 0; i < size; i++) {
    g_string_append_c(json->text, digits[bytes[i] >> 4]);
    g_string_append_c(json->text, digits[bytes[i] & 15]);
  }
  g_string_append_c(json->text, '"');
}

void json_member_string(Json *json, const char *name, const char *text) {
  json_name(json, name);
  json_string(json, text);
}

void json_member_number(Json *json, const char *name, guint64 number) {
  json_name(json, name);
  json_number(json, number);
}

void json_member_digits(Json *json, guint64 number) {
  json_name(json, "digits");
  g_string_append_printf(json->text, "\"%" G_GUINT64_FORMAT "\"", number);
}

void json_member_boolean(Json *json, const char *name, gboolean truth) {
  json_name(json, name);
  json_boolean(json, truth);
}

/* SPDX-License-Identifier: MIT */
/* Escapes text for a terminal. */
#include "client/base/escape.h"

gboolean escape_is_harmless(gunichar character) {
  switch (g_unichar_type(character)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_FORMAT:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
    return FALSE;
  default:
    return TRUE;
  }
}

void escape_append(GString *out, const char *text) {
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  for (const char *at = valid; *at; at = g_utf8_find_next_char(at, NULL)) {
    gunichar character = g_utf8_get_char(at);
    if (escape_is_harmless(character))
      g_string_append_unichar(out, character);
    else if (character < 0x80)
      g_string_append_printf(out, "\\x%02x", character);
    else
      g_string_append_printf(out, "\\u{%x}", character);
  }
}

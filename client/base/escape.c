/* SPDX-License-Identifier: MIT */
/* Escapes text for a terminal, a log or a message. */
#include "client/base/escape.h"

#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"
/* The longest that one character becomes: a backslash, "u{10ffff}", NUL. */
#define SHOWN_BYTES 16

gboolean escape_is_harmless(gunichar character) {
  switch (g_unichar_type(character)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_FORMAT:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
  case G_UNICODE_UNASSIGNED: /* so this GLib does not know which of the others it is */
    return FALSE;
  default:
    return TRUE;
  }
}

/* Returns how many bytes @character takes in @shown. */
static gsize show(gunichar character, char shown[SHOWN_BYTES]) {
  if (escape_is_harmless(character))
    return (gsize)g_unichar_to_utf8(character, shown);
  return (gsize)g_snprintf(shown, SHOWN_BYTES, character < 0x80 ? "\\x%02x" : "\\u{%x}", character);
}

void escape_append(GString *out, const char *text) {
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  char shown[SHOWN_BYTES];
  for (const char *at = valid; *at; at = g_utf8_find_next_char(at, NULL))
    g_string_append_len(out, shown, (gssize)show(g_utf8_get_char(at), shown));
}

void escape_append_quoted(GString *out, const char *text) {
  g_autoptr(GString) shown = g_string_new(NULL);
  escape_append(shown, text);
  g_string_append_c(out, '"');
  for (const char *at = shown->str; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      g_string_append_c(out, '\\');
    g_string_append_c(out, *at);
  }
  g_string_append_c(out, '"');
}

char *escape_dup(const char *text, gssize length, gsize limit) {
  gsize size = length < 0 ? strlen(text) : strnlen(text, (gsize)length);
  /* No character becomes shorter, so more than the limit is not looked at. */
  g_autofree char *valid = g_utf8_make_valid(text, (gssize)MIN(size, limit + 1));
  GString *out = g_string_new(NULL);
  gsize kept = 0; /* what leaves room for the ellipsis */
  char shown[SHOWN_BYTES];
  for (const char *at = valid; *at && out->len <= limit; at = g_utf8_find_next_char(at, NULL)) {
    if (out->len + strlen(ELLIPSIS) <= limit)
      kept = out->len;
    g_string_append_len(out, shown, (gssize)show(g_utf8_get_char(at), shown));
  }
  if (out->len > limit) {
    g_string_truncate(out, kept);
    g_string_append(out, ELLIPSIS);
  }
  return g_string_free(out, FALSE);
}

/* SPDX-License-Identifier: MIT */
/* escape.c: what of a stranger's text is shown, and how. */
#include "client/base/escape.h"

#include <string.h>

#include "client/base/text.h"

static const struct {
  const char *name, *text, *shown;
} rows[] = {
    {"plain", "anna", "anna"},
    {"letters", "z\xc3\xa4hlen", "z\xc3\xa4hlen"},
    {"line feed", "a\nb", "a\\x0ab"},
    {"carriage return", "a\rb", "a\\x0db"},
    {"escape", "\x1b[1m", "\\x1b[1m"},
    {"delete", "a\x7f", "a\\x7f"},
    {"next line, C1", "a\xc2\x85", "a\\u{85}"},
    {"control sequence introducer, C1", "\xc2\x9b", "\\u{9b}"},
    {"line separator", "a\xe2\x80\xa8", "a\\u{2028}"},
    {"paragraph separator", "a\xe2\x80\xa9", "a\\u{2029}"},
    {"left-to-right mark", "\xe2\x80\x8e", "\\u{200e}"},
    {"right-to-left mark", "\xe2\x80\x8f", "\\u{200f}"},
    {"Arabic letter mark", "\xd8\x9c", "\\u{61c}"},
    {"right-to-left override", "\xe2\x80\xae", "\\u{202e}"},
    {"pop directional", "\xe2\x80\xac", "\\u{202c}"},
    {"first strong isolate", "\xe2\x81\xa8", "\\u{2068}"},
    {"zero width space", "\xe2\x80\x8b", "\\u{200b}"},
    {"byte order mark", "\xef\xbb\xbf", "\\u{feff}"},
    {"annotation", "\xef\xbf\xb9", "\\u{fff9}"},
    {"tag", "\xf3\xa0\x81\x81", "\\u{e0041}"},
    {"no character", "\xef\xbf\xbf", "\\u{ffff}"},
    {"not UTF-8", "a\xff", "a\xef\xbf\xbd"},
    {"a surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"cut off", "a\xe2\x80", "a\xef\xbf\xbd\xef\xbf\xbd"},
    {"too long a form", "\xc0\x8a", "\xef\xbf\xbd\xef\xbf\xbd"},
};

static void test_rows(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *shown = escape_dup(rows[i].text, -1, 1000);
    g_autofree char *again = escape_dup(shown, -1, 1000);
    g_autofree char *in_message = text_for_message(rows[i].text, -1);
    g_test_message("%s", rows[i].name);
    g_assert_cmpstr(shown, ==, rows[i].shown);
    g_assert_cmpstr(again, ==, shown);
    g_assert_cmpstr(in_message, ==, shown);
  }
}

/* By what each character is, as the table of Unicode has it. */
static gboolean misleads(gunichar character) {
  static const GUnicodeType types[] = {G_UNICODE_CONTROL, G_UNICODE_FORMAT, G_UNICODE_UNASSIGNED,
                                       G_UNICODE_LINE_SEPARATOR, G_UNICODE_PARAGRAPH_SEPARATOR};
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
    if (g_unichar_type(character) == types[i])
      return TRUE;
  return FALSE;
}

static void test_every_character(void) {
  for (gunichar character = 1; character <= 0x10ffff; character++) {
    char text[7] = {0};
    if (!g_unichar_validate(character))
      continue;
    g_unichar_to_utf8(character, text);
    g_autofree char *shown = escape_dup(text, -1, 100);
    g_assert_true(g_utf8_validate(shown, -1, NULL));
    if (misleads(character))
      g_assert_true(shown[0] == '\\' && text_is_ascii(shown, strlen(shown)));
    else
      g_assert_cmpstr(shown, ==, text);
  }
}

static void test_limits(void) {
  const struct {
    const char *text;
    gssize length;
    gsize limit;
    const char *shown;
  } limits[] = {
      {"abcdef", -1, 6, "abcdef"},
      {"abcdefg", -1, 6, "abc\xe2\x80\xa6"},
      {"abcdefg", 2, 6, "ab"},
      {"ab\0cd", 5, 6, "ab"},
      {"", -1, 6, ""},
      {"\n\n\n", -1, 8, "\\x0a\xe2\x80\xa6"}, /* an escape is not cut in two */
      {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", -1, 6, "\xc3\xa4\xe2\x80\xa6"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
    g_autofree char *shown = escape_dup(limits[i].text, limits[i].length, limits[i].limit);
    g_assert_cmpstr(shown, ==, limits[i].shown);
  }
}

static void test_huge(void) {
  g_autofree char *many = g_strnfill(10000000, '\xff');
  g_autofree char *shown = escape_dup(many, -1, 200);
  g_assert_cmpuint(strlen(shown), <=, 200);
  g_assert_true(g_utf8_validate(shown, -1, NULL));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/escape/rows", test_rows);
  g_test_add_func("/escape/every-character", test_every_character);
  g_test_add_func("/escape/limits", test_limits);
  g_test_add_func("/escape/huge", test_huge);
  return g_test_run();
}

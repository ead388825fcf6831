/* SPDX-License-Identifier: MIT */
/* regctl's operands as data, and data as it is printed and written as JSON. */
#include "client/base/error.h"
#include "client/base/escape.h"
#include "client/cli/data.h"

#include <string.h>

static const struct {
  const char *operand;
  const char *path; /* NULL: refused */
} keys[] = {
    {"HKLM\\SOFTWARE\\Acme", "HKLM\\SOFTWARE\\Acme"},
    {"/HKLM/SOFTWARE/Acme", "HKLM\\SOFTWARE\\Acme"},
    {"/HKLM/SOFTWARE/", "HKLM\\SOFTWARE\\"},
    {"HKLM\\a/b", "HKLM\\a/b"},
    {"/", ""},
    {"", ""},
    {"/HKLM\\a/b", NULL},
    {"/HKLM//a", NULL},
    {"HKLM/a", NULL},
    {"Acme", NULL},
    {"\xff", NULL},
};

static void test_keys(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = data_parse_key(keys[i].operand, &error);
    g_assert_cmpstr(path, ==, keys[i].path);
    if (!path)
      g_assert_cmpint(error_get_exit_code(error), ==, EXIT_CODE_INVALID);
  }
}

static void test_names(void) {
  g_assert_cmpstr(data_parse_name("@", NULL), ==, "");
  g_assert_cmpstr(data_parse_name("@@", NULL), ==, "@@");
  g_assert_cmpstr(data_parse_name("a\\b", NULL), ==, "a\\b");
  g_assert_null(data_parse_name("a\xff", NULL));
  g_assert_cmpstr(data_show_name(""), ==, "@");
}

/* Words separated by commas; what comes of them as JSON, or what is said. */
static const struct {
  guint32 type;
  const char *words; /* NULL: none */
  const char *json;
  const char *said;
  const char *printed;
} rows[] = {
    {REGISTRY_SZ, "a\tb", "\"a\\u0009b\"", NULL, "a\tb\n"},
    {REGISTRY_SZ, "", "\"\"", NULL, "\n"},
    {REGISTRY_EXPAND_SZ, "%x%\\\"", "\"%x%\\\\\\\"\"", NULL, "%x%\\\"\n"},
    {REGISTRY_MULTI_SZ, "a,b c", "[\"a\", \"b c\"]", NULL, "a\nb c\n"},
    {REGISTRY_MULTI_SZ, NULL, "[]", NULL, ""},
    {REGISTRY_DWORD, "0xFFFFFFFF", "4294967295", NULL, "4294967295\n"},
    {REGISTRY_DWORD_BIG_ENDIAN, "7", "7", NULL, "7\n"},
    {REGISTRY_QWORD, "18446744073709551615", "18446744073709551615", NULL,
     "18446744073709551615\n"},
    {REGISTRY_BINARY, "00fFa0", "\"00ffa0\"", NULL, "00ffa0\n"},
    {REGISTRY_BINARY, NULL, "\"\"", NULL, "\n"},
    {REGISTRY_NONE, "", "\"\"", NULL, "\n"},
    {77, "01", "\"01\"", NULL, "01\n"},
    {REGISTRY_SZ, "\xf0\x9f\x98\x80\xe2\x80\xae", "\"\xf0\x9f\x98\x80\\u202e\"", NULL,
     "\xf0\x9f\x98\x80\xe2\x80\xae\n"},
    {REGISTRY_SZ, "\xf3\xa0\x80\x81", "\"\\udb40\\udc01\"", NULL, "\xf3\xa0\x80\x81\n"},
    {REGISTRY_DWORD, "4294967296", NULL, "K: N: REG_DWORD: 4294967296 is no number from 0", NULL},
    {REGISTRY_DWORD, "-1", NULL, "K: N: REG_DWORD: -1 is no number", NULL},
    {REGISTRY_DWORD, "", NULL, "is no number", NULL},
    {REGISTRY_QWORD, "18446744073709551616", NULL, "is no number", NULL},
    {REGISTRY_BINARY, "abc", NULL, "pairs of hexadecimal digits", NULL},
    {REGISTRY_BINARY, "0x01", NULL, "pairs of hexadecimal digits", NULL},
    {REGISTRY_MULTI_SZ, "a,", NULL, "empty", NULL},
    {REGISTRY_SZ, "\xff", NULL, "UTF-8", NULL},
};

static void check_taken(guint i, const RegistryValue *value) {
  g_autoptr(GString) printed = g_string_new(NULL);
  Json json = {.text = g_string_new(NULL)};
  g_autofree char *type = data_show_type(rows[i].type);
  g_autofree char *expected =
      g_strdup_printf("{\"name\": \"N\", \"type\": \"%s\", \"data\": %s}", type, rows[i].json);
  json_begin(&json, '{');
  data_write_json("N", value, &json);
  json_end(&json, '}');
  g_assert_cmpstr(json.text->str, ==, expected);
  data_print(value, printed);
  g_assert_cmpstr(printed->str, ==, rows[i].printed);
  g_string_free(json.text, TRUE);
}

static void test_data(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words =
        rows[i].words && *rows[i].words ? g_strsplit(rows[i].words, ",", -1) : g_new0(char *, 2);
    if (rows[i].words && !*rows[i].words)
      words[0] = g_strdup("");
    g_autoptr(RegistryValue) value = data_parse(rows[i].type, words, "K", "N", &error);
    g_test_message("%u %s: %s", rows[i].type, rows[i].words ? rows[i].words : "nothing",
                   error ? error->message : "taken");
    g_assert_cmpint(value != NULL, ==, rows[i].json != NULL);
    if (value) {
      check_taken(i, value);
      continue;
    }
    g_assert_cmpint(error_get_exit_code(error), ==, EXIT_CODE_INVALID);
    g_assert_nonnull(strstr(error->message, rows[i].said));
  }
}

static void test_number_of_words(void) {
  static char one[] = "1", two[] = "2";
  char *words[] = {one, two, NULL};
  static const guint32 types[] = {REGISTRY_SZ, REGISTRY_DWORD, REGISTRY_QWORD, REGISTRY_BINARY};
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(data_parse(types[i], words, "K", "", &error));
    g_assert_cmpint(error_get_exit_code(error), ==, EXIT_CODE_USAGE);
    g_assert_nonnull(strstr(error->message, "K: @: a REG_"));
  }
  g_assert_null(data_parse(REGISTRY_SZ, words + 2, "K", "N", NULL));
}

static void test_malformed(void) {
  g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_DWORD, "\x01\x02\x03", 3);
  g_autoptr(GString) printed = g_string_new(NULL);
  Json json = {.text = g_string_new(NULL)};
  data_print(value, printed);
  data_print_escaped(value, printed);
  g_assert_cmpstr(printed->str, ==, "010203\n010203");
  data_write_json("", value, &json);
  g_assert_cmpstr(json.text->str, ==,
                  "\"name\": \"\", \"type\": \"REG_DWORD\", \"data\": \"010203\", "
                  "\"malformed\": true");
  g_string_free(json.text, TRUE);
}

static const struct {
  const char *text;
  const char *escaped;
} escapes[] = {
    {"plain \\ text", "plain \\ text"},
    {"\x1b[31m\n\x7f", "\\x1b[31m\\x0a\\x7f"},
    {"\xc2\x9b", "\\u{9b}"},
    {"\xe2\x80\xae\xe2\x80\xa8", "\\u{202e}\\u{2028}"},
    {"\xc3\xa4", "\xc3\xa4"},
    {"\xff", "\xef\xbf\xbd"},
};

static void test_escapes(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(escapes); i++) {
    g_autoptr(GString) out = g_string_new(NULL);
    escape_append(out, escapes[i].text);
    g_assert_cmpstr(out->str, ==, escapes[i].escaped);
  }
}

static void test_json_shape(void) {
  Json json = {.text = g_string_new(NULL)};
  json_begin(&json, '[');
  json_begin(&json, '{');
  json_member_string(&json, "a\"", "\xff");
  json_member_boolean(&json, "b", FALSE);
  json_name(&json, "c");
  json_null(&json);
  json_end(&json, '}');
  json_begin(&json, '[');
  json_end(&json, ']');
  json_number(&json, 1);
  json_end(&json, ']');
  g_assert_cmpstr(json.text->str, ==,
                  "[{\"a\\\"\": \"\xef\xbf\xbd\", \"b\": false, \"c\": null}, [], 1]");
  g_string_free(json.text, TRUE);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regctl/data/keys", test_keys);
  g_test_add_func("/regctl/data/names", test_names);
  g_test_add_func("/regctl/data/data", test_data);
  g_test_add_func("/regctl/data/number-of-words", test_number_of_words);
  g_test_add_func("/regctl/data/malformed", test_malformed);
  g_test_add_func("/regctl/data/escapes", test_escapes);
  g_test_add_func("/regctl/data/json-shape", test_json_shape);
  return g_test_run();
}

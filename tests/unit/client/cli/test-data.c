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
    {"Computer\\HKLM\\a", NULL},
    {"HKLM:\\a", NULL},
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

/* A key as other programs write it, and what is asked. */
static const struct {
  const char *operand;
  const char *meant; /* NULL: nothing is */
} hints[] = {
    {"Computer\\HKEY_LOCAL_MACHINE\\SOFTWARE", "HKEY_LOCAL_MACHINE\\SOFTWARE"},
    {"My Computer\\HKCU", "HKCU"},
    {"HKLM:\\SOFTWARE", "HKLM\\SOFTWARE"},
    {"hkcu:\\a\\b", "hkcu\\a\\b"},
    {"Registry::HKEY_USERS\\a", "HKEY_USERS\\a"},
    {"HKLM/SOFTWARE/Acme", "HKLM\\SOFTWARE\\Acme"},
    {"\\HKLM\\a", "HKLM\\a"},
    {"SOFTWARE\\a", NULL},
    {"etc/passwd", NULL},
    {"HKLX:\\a", NULL},
};

static void test_hints(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(hints); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *asked = g_strdup_printf("did you mean \"%s\"?", hints[i].meant);
    g_assert_null(data_parse_key(hints[i].operand, &error));
    g_assert_cmpint(strstr(error->message, "did you mean") != NULL, ==, hints[i].meant != NULL);
    g_assert_true(hints[i].meant == NULL || g_str_has_suffix(error->message, asked));
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
    {REGISTRY_QWORD, "18446744073709551615",
     "18446744073709551615, \"digits\": \"18446744073709551615\"", NULL, "18446744073709551615\n"},
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

/* Values and names that must not be shown alike: every row unlike every other. */
static void test_nothing_looks_alike(void) {
  static const char *const names[] = {
      "",         "@",       "\\@", "\\\\@", "@@",           "a\x1b",     "a\\x1b",
      "a\\\\x1b", "a\\\x1b", "\\x", "\\xz",  "\xe2\x80\xae", "\\u{202e}", "u{202e}"};
  static const char *const lists[][4] = {{"a", "b | c"}, {"a | b", "c"},   {"a", "b", "c"},
                                         {"a | b | c"},  {"a \\", "b"},    {"a \\| b"},
                                         {"a \\\\| b"},  {"a |", "b | c"}, {"a", "| b", "c"}};
  static const char *const texts[] = {"5400680000", "a|b",  "a\\|b",  "\\x0a",
                                      "\n",         "\\\n", "\\\\x0a"};
  g_autoptr(GHashTable) shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    GString *out = g_string_new("name ");
    data_print_name(names[i], out);
    g_assert_true(g_hash_table_add(shown, g_string_free(out, FALSE)));
  }
  g_autoptr(GPtrArray) values =
      g_ptr_array_new_with_free_func((GDestroyNotify)registry_value_unref);
  for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
    g_ptr_array_add(values, registry_value_new_strings(lists[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_ptr_array_add(values, registry_value_new_string(REGISTRY_SZ, texts[i], NULL));
  g_ptr_array_add(values, registry_value_new_bytes(REGISTRY_SZ, "\x54\x00\x68\x00\x00", 5));
  g_ptr_array_add(values, registry_value_new_bytes(REGISTRY_DWORD, "\x05", 1));
  g_ptr_array_add(values, registry_value_new_uint32(REGISTRY_DWORD, 5, NULL));
  for (guint i = 0; i < values->len; i++) {
    GString *out = g_string_new(NULL);
    data_print_type(values->pdata[i], out);
    g_string_append_c(out, '\t');
    data_print_escaped(values->pdata[i], out);
    g_test_message("%s", out->str);
    g_assert_true(g_hash_table_add(shown, g_string_free(out, FALSE)));
  }
}

/* The contents of a file as data; NULL @printed: refused. */
static const struct {
  guint32 type;
  gboolean raw;
  const char *contents;
  gsize size;
  const char *printed;
} contents[] = {
    {REGISTRY_SZ, FALSE, "a\nb\n", 4, "a\nb\n"},
    {REGISTRY_SZ, FALSE, "a\r\n", 3, "a\n"},
    {REGISTRY_SZ, FALSE, "a\n\n", 3, "a\n\n"},
    {REGISTRY_SZ, FALSE, "", 0, "\n"},
    {REGISTRY_SZ, FALSE, "a\0b", 3, NULL},
    {REGISTRY_SZ, FALSE, "\xff", 1, NULL},
    {REGISTRY_SZ, TRUE, "a\0\0", 3, "610000\n"},
    {REGISTRY_MULTI_SZ, FALSE, "a\r\nb c\n", 7, "a\nb c\n"},
    {REGISTRY_MULTI_SZ, FALSE, "", 0, ""},
    {REGISTRY_MULTI_SZ, FALSE, "a\n\nb\n", 5, NULL},
    {REGISTRY_DWORD, FALSE, "0x10\n", 5, "16\n"},
    {REGISTRY_DWORD, FALSE, "x", 1, NULL},
    {REGISTRY_BINARY, FALSE, "a\n", 2, "610a\n"},
    {REGISTRY_NONE, FALSE, "", 0, "\n"},
};

static void test_contents(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)contents[i].contents, (guint)contents[i].size);
    g_autoptr(GString) printed = g_string_new(NULL);
    g_autoptr(RegistryValue) value =
        data_parse_contents(contents[i].type, bytes, contents[i].raw, NULL);
    if (value != NULL)
      data_print(value, printed);
    g_assert_cmpstr(value != NULL ? printed->str : NULL, ==, contents[i].printed);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regctl/data/keys", test_keys);
  g_test_add_func("/regctl/data/hints", test_hints);
  g_test_add_func("/regctl/data/names", test_names);
  g_test_add_func("/regctl/data/nothing-looks-alike", test_nothing_looks_alike);
  g_test_add_func("/regctl/data/contents", test_contents);
  g_test_add_func("/regctl/data/data", test_data);
  g_test_add_func("/regctl/data/number-of-words", test_number_of_words);
  g_test_add_func("/regctl/data/malformed", test_malformed);
  g_test_add_func("/regctl/data/escapes", test_escapes);
  g_test_add_func("/regctl/data/json-shape", test_json_shape);
  return g_test_run();
}

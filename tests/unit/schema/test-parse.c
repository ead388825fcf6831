/* SPDX-License-Identifier: MIT */
/* The schema file format: what it says, and that every mistake names its line. */
#include "client/base/error.h"
#include "schema/parse.h"

#include <string.h>

#define KEY "[key HKLM\\SOFTWARE\\A]\n"
#define PATH "HKEY_LOCAL_MACHINE\\SOFTWARE\\A"

static SchemaSet *parse(const char *text, GError **error) {
  g_autoptr(SchemaSet) set = schema_set_new();
  if (!schema_parse(set, "/etc/x/a.schema", text, strlen(text), error))
    return NULL;
  return g_steal_pointer(&set);
}

static const char whole[] = "\xef\xbb\xbf# a comment\r\n"
                            "\r\n"
                            "[key HKLM\\SOFTWARE\\A]\r\n"
                            "summary = The key\r\n"
                            "closed\r\n"
                            "[value Say \"when\"]\n"
                            "type = REG_SZ\n"
                            "alias = Say | \"Say|so\"\n"
                            "alias = \" When \"\n"
                            "allowed = \"\" | C:\\new | \"a \\\"b\\\" \\\\ c\"\n"
                            "  \t\n"
                            "default = \"\"\n"
                            "summary = First\n"
                            "description = One\n"
                            "  and two\n"
                            "  # in between\n"
                            "\t.\n"
                            " three\n"
                            "required\n"
                            "secret\n"
                            "[value @]\n"
                            "type = dword\n"
                            "range = 1..0x10\n"
                            "default = 16\n"
                            "[value \"@\"]\n"
                            "type = REG_BINARY\n"
                            "max-length = 4\n"
                            "default = 00 fF1a\n"
                            "[value Many]\n"
                            "type = REG_MULTI_SZ\n"
                            "pattern = [a-z|=]+\n"
                            "default = a | \"b|c\"\n"
                            "[value None]\n"
                            "type = REG_MULTI_SZ\n"
                            "default =\n"
                            "[key \"HKLM\\\\SOFTWARE\\\\B ]\"]\n";

static const SchemaValue *find(const SchemaSet *set, const char *name) {
  const SchemaValue *value = schema_set_find_value(set, PATH, name, NULL);
  g_assert_nonnull(value);
  return value;
}

static void test_whole(void) {
  g_autoptr(GError) error = NULL;
  g_autoptr(SchemaSet) set = parse(whole, &error);
  g_assert_no_error(error);
  const SchemaKey *key = schema_set_find_key(set, PATH);
  g_assert_nonnull(key);
  g_assert_cmpstr(key->path, ==, PATH);
  g_assert_cmpstr(key->summary, ==, "The key");
  g_assert_cmpstr(key->file, ==, "a.schema");
  g_assert_true(key->closed);
  g_assert_cmpuint(key->values->len, ==, 5);
  g_assert_nonnull(schema_set_find_key(set, "HKEY_LOCAL_MACHINE\\software\\b ]"));
}

static void test_strings(void) {
  g_autoptr(SchemaSet) set = parse(whole, NULL);
  const SchemaValue *say = find(set, "SAY \"WHEN\"");
  const char *const aliases[] = {"Say", "Say|so", " When ", NULL};
  const char *const allowed[] = {"", "C:\\new", "a \"b\" \\ c", NULL};
  g_assert_true(g_strv_equal((const char *const *)say->aliases, aliases));
  g_assert_true(g_strv_equal((const char *const *)say->allowed, allowed));
  g_assert_cmpstr(say->summary, ==, "First");
  g_assert_cmpstr(say->description, ==, "One and two\n\nthree");
  g_assert_true(say->required && say->secret && say->typed);
  g_autofree char *text = registry_value_dup_string(say->default_value);
  g_assert_cmpstr(text, ==, "");
  g_assert_true(find(set, " when ") == say);
}

static void test_other_types(void) {
  g_autoptr(SchemaSet) set = parse(whole, NULL);
  const SchemaValue *number = find(set, "");
  guint32 sixteen = 0;
  g_assert_true(registry_value_get_uint32(number->default_value, &sixteen));
  g_assert_cmpuint(sixteen, ==, 16);
  g_assert_true(number->has_minimum && number->has_maximum);
  g_assert_cmpuint(number->maximum, ==, 16);
  gsize size = 0;
  const guint8 *bytes = registry_value_get_bytes(find(set, "@")->default_value, &size);
  g_assert_cmpmem(bytes, size, "\x00\xff\x1a", 3);
  g_auto(GStrv) many = registry_value_dup_strings(find(set, "many")->default_value);
  const char *const expected[] = {"a", "b|c", NULL};
  g_assert_true(g_strv_equal((const char *const *)many, expected));
  g_auto(GStrv) none = registry_value_dup_strings(find(set, "none")->default_value);
  g_assert_cmpuint(g_strv_length(none), ==, 0);
}

/* Each with the line it is about and a part of what is said. */
static const struct {
  const char *text;
  guint line;
  const char *said;
} bad[] = {
    {"summary = x\n", 1, "[key] comes before"},
    {"[value A]\n", 1, "below a [key]"},
    {"[key]\n", 1, "path is missing"},
    {"[key HKXX\\A]\n", 1, "unknown root"},
    {"[key HKLM\\A\\\\B]\n", 1, "empty"},
    {"[key HKLM\\A*]\n", 1, "one whole component"},
    {"[key HKLM\\A] x\n", 1, "ends in ]"},
    {"[key HKLM\\A\n", 1, "ends in ]"},
    {"[keys HKLM\\A]\n", 1, "[key PATH] or [value NAME]"},
    {"[]\n", 1, "[key PATH] or [value NAME]"},
    {KEY "[value]\n", 2, "name is missing"},
    {KEY "[value \"a]\n", 2, "closing quote"},
    {KEY "[value A]\n[value a]\n", 3, "already, from line 2"},
    {KEY "[value A]\n[value B]\nalias = C | a\n", 4, "already, from line 2"},
    {KEY "[value A]\nalias = A\n", 3, "already, from line 2"},
    {KEY "type = REG_SZ\n", 2, "setting of a value"},
    {KEY "[value A]\nclosed\n", 3, "setting of a key"},
    {KEY "colour = red\n", 2, "\"colour\" is no setting; settings are summary"},
    {KEY "closed = yes\n", 2, "stands alone"},
    {KEY "summary\n", 2, "comes ="},
    {KEY "summary =\n", 2, "no text"},
    {KEY "summary = a\nsummary = b\n", 3, "set in line 2"},
    {KEY "closed\n  more\n", 3, "none before it"},
    {KEY "summary = a\n\n  more\n", 4, "none before it"},
    {KEY "[value A]\ntype = REG_FOO\n", 3, "is no type"},
    {KEY "[value A]\nallowed = a\n", 3, "needs a \"type\""},
    {KEY "[value A]\ntype = REG_SZ | REG_FOO\n", 3, "is no type"},
    {KEY "[value A]\ntype = REG_SZ | REG_DWORD | REG_QWORD\n", 3, "one of two"},
    {KEY "[value A]\nrange = 1..2\ntype = REG_SZ\n", 3, "says nothing about a REG_SZ"},
    {KEY "[value A]\ntype = REG_DWORD\npattern = a\n", 4, "says nothing about a REG_DWORD"},
    {KEY "[value A]\ntype = REG_DWORD\nmax-length = 1\n", 4, "says nothing"},
    {KEY "[value A]\ntype = REG_SZ\nmax-length = -1\n", 4, "no length"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = 1\n", 4, "LOWEST..HIGHEST"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = ..\n", 4, "LOWEST..HIGHEST"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = 2..1\n", 4, "empty"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = a..b\n", 4, "no number"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = 1..2...3\n", 4, "no number"},
    {KEY "[value A]\ntype = REG_DWORD\ndefault = 4294967296\n", 4, "no number of the type"},
    {KEY "[value A]\ntype = REG_DWORD\nrange = 1..2\ndefault = 3\n", 5, "rule \"range\""},
    {KEY "[value A]\ndefault = a\n", 3, "needs a \"type\""},
    {KEY "[value A]\ntype = REG_SZ\ndefault = a | b\n", 4, "one word"},
    {KEY "[value A]\ntype = REG_SZ\ndefault = \"a\" b\n", 4, "after the closing quote"},
    {KEY "[value A]\ntype = REG_SZ\ndefault = \"a\\n\"\n", 4, "backslash in quotes"},
    {KEY "[value A]\ntype = REG_SZ\nallowed = a ||\n", 4, "empty word"},
    {KEY "[value A]\ntype = REG_SZ\nallowed = a\ndefault = b\n", 5, "rule \"allowed\""},
    {KEY "[value A]\ntype = REG_MULTI_SZ\ndefault = a | \"\"\n", 4, "empty"},
    {KEY "[value A]\ntype = REG_BINARY\ndefault = abc\n", 4, "hexadecimal"},
    {KEY "[value A]\ntype = REG_SZ\npattern = (\n", 4, "can't be used"},
    {KEY "[value A]\ntype = REG_SZ\npattern = a)|(b\n", 4, "can't be used"},
    {KEY "\xff\n", 1, "UTF-8"},
};

static void test_bad(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(SchemaSet) set = parse(bad[i].text, &error);
    g_assert_null(set);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    g_test_message("%s", error->message);
    g_autofree char *place = g_strdup_printf("/etc/x/a.schema: line %u: ", bad[i].line);
    g_assert_true(g_str_has_prefix(error->message, place));
    g_assert_nonnull(strstr(error->message, bad[i].said));
  }
}

static void test_bad_adds_nothing(void) {
  static const char text[] = KEY "[value A]\nsecret\n[key HKLM\\SOFTWARE\\B]\nnonsense\n";
  g_autoptr(SchemaSet) set = schema_set_new();
  g_assert_false(schema_parse(set, "a.schema", text, strlen(text), NULL));
  g_assert_false(schema_set_reaches(set, "HKEY_LOCAL_MACHINE"));
}

static void test_nul_inside(void) {
  g_autoptr(GError) error = NULL;
  g_autoptr(SchemaSet) set = schema_set_new();
  g_assert_false(schema_parse(set, "a.schema", "a\0b", 3, &error));
  g_assert_nonnull(strstr(error->message, "NUL"));
}

/* Cut anywhere it is either taken or refused with its line, and nothing else. */
static void test_cut(void) {
  for (gsize size = 0; size < sizeof whole; size++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(SchemaSet) set = schema_set_new();
    if (!schema_parse(set, "a.schema", whole, size, &error))
      g_assert_true(g_str_has_prefix(error->message, "a.schema: line "));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schema/parse/whole", test_whole);
  g_test_add_func("/schema/parse/strings", test_strings);
  g_test_add_func("/schema/parse/other-types", test_other_types);
  g_test_add_func("/schema/parse/bad", test_bad);
  g_test_add_func("/schema/parse/bad-adds-nothing", test_bad_adds_nothing);
  g_test_add_func("/schema/parse/nul-inside", test_nul_inside);
  g_test_add_func("/schema/parse/cut", test_cut);
  return g_test_run();
}

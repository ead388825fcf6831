/* SPDX-License-Identifier: MIT */
/* Which description holds for which path and name, and what the checks let
 * through and say. */
#include "client/base/error.h"
#include "schema/parse.h"

#include <string.h>

#define A "HKEY_LOCAL_MACHINE\\SOFTWARE\\A"

static void add(SchemaSet *set, const char *file, const char *text) {
  g_autoptr(GError) error = NULL;
  schema_parse(set, file, text, strlen(text), &error);
  g_assert_no_error(error);
}

static SchemaSet *make(const char *text) {
  SchemaSet *set = schema_set_new();
  add(set, "test.schema", text);
  return set;
}

/* ---- which description holds ---- */

static const struct {
  const char *described;
  const char *asked;
  gboolean holds;
} paths[] = {
    {"HKLM\\SOFTWARE\\A", "HKEY_LOCAL_MACHINE\\Software\\a", TRUE},
    {"HKLM\\SOFTWARE\\A", "HKEY_LOCAL_MACHINE\\SOFTWARE\\A\\B", FALSE},
    {"HKLM\\SOFTWARE\\A", "HKEY_LOCAL_MACHINE\\SOFTWARE", FALSE},
    {"HKLM\\SOFTWARE\\A", "", FALSE},
    {"HKLM", "HKEY_LOCAL_MACHINE", TRUE},
    {"HKLM\\\xc3\xa4", "HKEY_LOCAL_MACHINE\\\xc3\x84", TRUE},
    {"HKLM\\S\\*", "HKEY_LOCAL_MACHINE\\S\\anything at all", TRUE},
    {"HKLM\\S\\*", "HKEY_LOCAL_MACHINE\\S", FALSE},
    {"HKLM\\S\\*", "HKEY_LOCAL_MACHINE\\S\\a\\b", FALSE},
    {"HKLM\\*\\x\\*", "HKEY_LOCAL_MACHINE\\S\\X\\b", TRUE},
    {"HKLM\\SYSTEM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\S", TRUE},
    {"HKLM\\SYSTEM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\system\\controlset42\\s", TRUE},
    {"HKLM\\SYSTEM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\S",
     TRUE},
    {"HKLM\\SYSTEM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet\\S", FALSE},
    {"HKLM\\SYSTEM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet1x\\S", FALSE},
    {"HKLM\\CurrentControlSet\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\S", TRUE},
    {"HKLM\\SYSTEM\\ControlSet002\\S", "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\S", FALSE},
    {"HKLM\\SOFTWARE\\CurrentControlSet", "HKEY_LOCAL_MACHINE\\SOFTWARE\\ControlSet001", FALSE},
    {"HKCU\\S", "HKEY_USERS\\1000\\S", TRUE},
    {"HKCU\\S", "HKEY_USERS\\.DEFAULT\\S", TRUE},
    {"HKCR\\.txt", "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\.txt", TRUE},
    {"HKCC\\Display",
     "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Hardware Profiles\\Current\\Display", TRUE},
};

static void test_paths(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autofree char *text = g_strdup_printf("[key %s]\n", paths[i].described);
    g_autoptr(SchemaSet) set = make(text);
    g_test_message("%s for %s", paths[i].described, paths[i].asked);
    g_assert_cmpint(schema_set_find_key(set, paths[i].asked) != NULL, ==, paths[i].holds);
  }
}

static void test_reaches(void) {
  g_autoptr(SchemaSet) empty = schema_set_new();
  g_autoptr(SchemaSet) set = make("[key HKLM\\SOFTWARE\\A\\*\\B]\n");
  g_assert_false(schema_set_reaches(empty, ""));
  g_assert_false(schema_set_reaches(empty, "HKEY_LOCAL_MACHINE"));
  g_assert_true(schema_set_reaches(set, ""));
  g_assert_true(schema_set_reaches(set, "HKEY_LOCAL_MACHINE\\software"));
  g_assert_true(schema_set_reaches(set, A "\\x"));
  g_assert_true(schema_set_reaches(set, A "\\x\\b"));
  g_assert_false(schema_set_reaches(set, A "\\x\\c"));
  g_assert_false(schema_set_reaches(set, A "\\x\\b\\d"));
  g_assert_false(schema_set_reaches(set, "HKEY_USERS"));
}

static const char *summary_of(const SchemaSet *set, const char *path, const char *name) {
  const SchemaValue *value = schema_set_find_value(set, path, name, NULL);
  return value ? value->summary : NULL;
}

static void test_exactness(void) {
  g_autoptr(SchemaSet) set = schema_set_new();
  add(set, "1.schema", "[key HKLM\\SOFTWARE\\A]\nsummary=exact\n[value V]\nsummary = exact\n");
  add(set, "2.schema",
      "[key HKLM\\*\\*]\nsummary=two\n[value V]\nsummary=two\n[value W]\nsummary=two\n"
      "[value X]\nsummary=two\n");
  add(set, "3.schema",
      "[key HKLM\\SOFTWARE\\*]\nsummary=one\n[value V]\nsummary=one\n[value W]\nsummary=one\n");
  g_assert_cmpstr(schema_set_find_key(set, A)->summary, ==, "exact");
  g_assert_cmpstr(summary_of(set, A, "v"), ==, "exact");
  g_assert_cmpstr(summary_of(set, A, "w"), ==, "one");
  g_assert_cmpstr(summary_of(set, A, "x"), ==, "two");
  g_assert_null(summary_of(set, A, "y"));
  g_assert_cmpstr(schema_set_find_key(set, "HKEY_LOCAL_MACHINE\\B\\A")->summary, ==, "two");
}

static void test_last_wins(void) {
  g_autoptr(SchemaSet) set = schema_set_new();
  const SchemaKey *key = NULL;
  add(set, "1.schema", "[key HKLM\\SOFTWARE\\A]\n[value V]\nsummary=1\n[value W]\nsummary=1\n");
  add(set, "2.schema", "[key HKLM\\Software\\a]\n[value v]\nsummary=2\n");
  g_assert_cmpstr(summary_of(set, A, "V"), ==, "2");
  g_assert_cmpstr(summary_of(set, A, "W"), ==, "1");
  g_assert_nonnull(schema_set_find_value(set, A, "W", &key));
  g_assert_cmpstr(key->file, ==, "1.schema");
  g_assert_null(schema_set_find_value(set, A, "none", &key));
  g_assert_null(key);
}

static void test_long_names(void) {
  g_autofree char *name = g_strnfill(255, 'n');
  g_autofree char *text =
      g_strdup_printf("[key HKLM\\%s]\n[value %s\xc3\xa4]\nsecret\n", name, name);
  g_autofree char *path = g_strdup_printf("HKEY_LOCAL_MACHINE\\%s", name);
  g_autofree char *value = g_strdup_printf("%s\xc3\x84", name);
  g_autoptr(SchemaSet) set = make(text);
  g_assert_true(schema_set_is_secret(set, path, value));
  g_assert_false(schema_set_is_secret(set, path, name));
}

static void test_missing(void) {
  g_autoptr(SchemaSet) set = schema_set_new();
  add(set, "1.schema",
      "[key HKLM\\SOFTWARE\\A]\n[value V]\nalias = VV\nrequired\n[value W]\nrequired\n"
      "[value X]\n[value Y]\nrequired\n");
  add(set, "2.schema", "[key HKLM\\SOFTWARE\\*]\n[value Z]\nrequired\n[value X]\nrequired\n");
  add(set, "3.schema", "[key HKLM\\SOFTWARE\\A]\n[value Y]\n");
  const char *const there[] = {"vv", "other", NULL};
  const char *const expected[] = {"W", "Z", NULL};
  g_auto(GStrv) missing = schema_set_missing(set, A, there);
  g_assert_true(g_strv_equal((const char *const *)missing, expected));
  g_auto(GStrv) none = schema_set_missing(set, "HKEY_LOCAL_MACHINE", there);
  g_assert_cmpuint(g_strv_length(none), ==, 0);
}

/* ---- checks ---- */

static const char rules[] = "[key HKLM\\SOFTWARE\\A]\n"
                            "[value S]\n"
                            "type = REG_SZ\n"
                            "allowed = \"\" | MBS_BASIC\n"
                            "alias = Alias\n"
                            "[value P]\n"
                            "type = REG_SZ\n"
                            "summary = digits\n"
                            "pattern = [0-9]+|x\n"
                            "[value L]\n"
                            "type = REG_SZ\n"
                            "max-length = 2\n"
                            "[value M]\n"
                            "type = REG_MULTI_SZ\n"
                            "allowed = a | b\n"
                            "[value N]\n"
                            "type = REG_MULTI_SZ\n"
                            "pattern = .b*\n"
                            "max-length = 3\n"
                            "[value D]\n"
                            "type = REG_DWORD\n"
                            "range = 1..10\n"
                            "[value Q]\n"
                            "type = REG_QWORD\n"
                            "range = 4294967296..\n"
                            "[value B]\n"
                            "type = REG_BINARY\n"
                            "max-length = 2\n"
                            "[value Free]\n"
                            "[value Secret]\n"
                            "type = REG_SZ\n"
                            "allowed = hidden\n"
                            "secret\n"
                            "[value Slow]\n"
                            "type = REG_SZ\n"
                            "pattern = (a+)+b\n";

static RegistryValue *string(const char *text) {
  return registry_value_new_string(REGISTRY_SZ, text, NULL);
}

static RegistryValue *strings(const char *text) {
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  return registry_value_new_strings((const char *const *)parts, NULL);
}

static RegistryValue *dword(const char *text) {
  return registry_value_new_uint32(REGISTRY_DWORD, (guint32)g_ascii_strtoull(text, NULL, 10), NULL);
}

static RegistryValue *qword(const char *text) {
  return registry_value_new_uint64(g_ascii_strtoull(text, NULL, 10));
}

static RegistryValue *binary(const char *text) {
  return registry_value_new_bytes(REGISTRY_BINARY, text, strlen(text));
}

static RegistryValue *bad_dword(const char *text) {
  return registry_value_new_bytes(REGISTRY_DWORD, text, strlen(text));
}

static RegistryValue *bad_string(const char *text) {
  return registry_value_new_bytes(REGISTRY_SZ, text, strlen(text));
}

static const struct {
  const char *name;
  RegistryValue *(*make)(const char *text);
  const char *text;
  const char *said; /* NULL: taken */
} checks[] = {
    {"S", string, "", NULL},
    {"s", string, "MBS_BASIC", NULL},
    {"S", string, "mbs_basic",
     A ": S: \"mbs_basic\" breaks the rule \"allowed\" of test.schema: it must be \"\" or "
       "\"MBS_BASIC\""},
    {"Alias", string, "x", A ": Alias: \"x\" breaks"},
    {"ALIAS", string, "MBS_BASIC", NULL},
    {"S", dword, "1",
     A ": S: REG_DWORD breaks the rule \"type\" of test.schema: it must be REG_SZ"},
    {"S", bad_string, "odd", A ": S: malformed data of 3 bytes breaks the rule \"type\""},
    {"P", string, "0123", NULL},
    {"P", string, "x", NULL},
    {"P", string, "1x",
     "breaks the rule \"pattern\" of test.schema: it must be what matches "
     "[0-9]+|x (digits)"},
    {"P", string, "1\n", "breaks the rule \"pattern\""},
    {"P", string, "", "breaks the rule \"pattern\""},
    {"L", string, "\xc3\xa4\xc3\xa4", NULL},
    {"L", string, "abc", "a length of 3 characters breaks the rule \"max-length\""},
    {"M", strings, "", NULL},
    {"M", strings, "b,a,b", NULL},
    {"M", strings, "a,c",
     A ": M: \"c\" breaks the rule \"allowed\" of test.schema: it must be "
       "\"a\" or \"b\""},
    {"N", strings, "ab,xbb", NULL},
    {"N", strings, "ab,ba", "\"ba\" breaks the rule \"pattern\""},
    {"N", strings, "ab,abbb", "a length of 4 characters"},
    {"D", dword, "1", NULL},
    {"D", dword, "10", NULL},
    {"D", dword, "0", A ": D: 0 breaks the rule \"range\" of test.schema: it must be 1 to 10"},
    {"D", dword, "11", "11 breaks the rule \"range\""},
    {"D", bad_dword, "abc", "it must be well-formed REG_DWORD"},
    {"Q", qword, "4294967296", NULL},
    {"Q", qword, "4294967295", "it must be 4294967296 or more"},
    {"B", binary, "ab", NULL},
    {"B", binary, "abc", "a length of 3 bytes"},
    {"Free", bad_dword, "abc", NULL},
    {"Undescribed", bad_dword, "abc", NULL},
    {"Secret", string, "hidden", NULL},
    {"Secret", string, "swordfish", A ": Secret: what was given breaks the rule \"allowed\""},
    {"Slow", string, "aaab", NULL},
    {"Slow", string, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb",
     "breaks the rule \"pattern\""},
};

static void test_checks(void) {
  g_autoptr(SchemaSet) set = make(rules);
  for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(RegistryValue) value = checks[i].make(checks[i].text);
    g_test_message("%s = %s", checks[i].name, checks[i].text);
    g_assert_nonnull(value);
    gboolean taken = schema_set_check(set, A, checks[i].name, value, &error);
    g_assert_cmpint(taken, ==, checks[i].said == NULL);
    if (taken)
      continue;
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_SCHEMA_VIOLATION);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, checks[i].said));
    g_assert_null(strstr(error->message, "swordfish"));
  }
}

static void test_closed(void) {
  g_autoptr(SchemaSet) set = schema_set_new();
  g_autoptr(RegistryValue) value = string("x");
  g_autoptr(GError) error = NULL;
  add(set, "1.schema", "[key HKLM\\SOFTWARE\\*]\nclosed\n[value One]\n[value @]\nalias = Two\n");
  add(set, "2.schema", "[key HKLM\\SOFTWARE\\A]\n[value Three]\n");
  g_assert_true(schema_set_check(set, A, "ONE", value, NULL));
  g_assert_true(schema_set_check(set, A, "", value, NULL));
  g_assert_true(schema_set_check(set, A, "two", value, NULL));
  g_assert_true(schema_set_check(set, A, "Three", value, NULL));
  g_assert_false(schema_set_check(set, A, "Four", value, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_SCHEMA_VIOLATION);
  g_assert_cmpstr(error->message, ==,
                  A ": Four: this name breaks the rule \"closed\" of 1.schema: the key takes only "
                    "One, @");
  g_assert_true(schema_set_check(set, "HKEY_LOCAL_MACHINE\\SOFTWARE", "Four", value, NULL));
}

static void test_secret(void) {
  g_autoptr(SchemaSet) set = make(rules);
  g_assert_true(schema_set_is_secret(set, A, "SECRET"));
  g_assert_false(schema_set_is_secret(set, A, "S"));
  g_assert_false(schema_set_is_secret(set, A "\\B", "Secret"));
}

/* What is held must still be there when the last one lets go elsewhere. */
static gpointer check_in_thread(gpointer data) {
  g_autoptr(SchemaSet) set = data;
  guint secrets = 0;
  for (guint i = 0; i < 1000; i++)
    secrets += schema_set_is_secret(set, A, "Secret");
  return GUINT_TO_POINTER(secrets);
}

static void test_threads(void) {
  SchemaSet *set = make(rules);
  GThread *threads[4];
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("check", check_in_thread, schema_set_ref(set));
  schema_set_unref(set);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 1000);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schema/paths", test_paths);
  g_test_add_func("/schema/reaches", test_reaches);
  g_test_add_func("/schema/exactness", test_exactness);
  g_test_add_func("/schema/last-wins", test_last_wins);
  g_test_add_func("/schema/long-names", test_long_names);
  g_test_add_func("/schema/missing", test_missing);
  g_test_add_func("/schema/checks", test_checks);
  g_test_add_func("/schema/closed", test_closed);
  g_test_add_func("/schema/secret", test_secret);
  g_test_add_func("/schema/threads", test_threads);
  return g_test_run();
}

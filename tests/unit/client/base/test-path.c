/* SPDX-License-Identifier: MIT */
/* Paths and names: grammar, limits, messages, and the pinned case table. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"

#include <string.h>

static const struct {
  const char *text;
  const char *canonical;
} good[] = {
    {"", ""},
    {"HKLM", "HKEY_LOCAL_MACHINE"},
    {"HKLM\\", "HKEY_LOCAL_MACHINE"},
    {"hklm\\a", "HKEY_LOCAL_MACHINE\\a"},
    {"hKeY_uSeRs\\.DEFAULT\\", "HKEY_USERS\\.DEFAULT"},
    {"HKU\\0", "HKEY_USERS\\0"},
    {"HKCU\\A b\\C", "HKEY_CURRENT_USER\\A b\\C"},
    {"HKCR\\.txt", "HKEY_CLASSES_ROOT\\.txt"},
    {"hkey_current_config\\x", "HKEY_CURRENT_CONFIG\\x"},
    {"HKLM\\a/b\\c", "HKEY_LOCAL_MACHINE\\a/b\\c"},
    {"HKLM\\ \\.\\..", "HKEY_LOCAL_MACHINE\\ \\.\\.."},
    {"HKLM\\\x7f\\Größe\\\xf0\x9f\x98\x80", "HKEY_LOCAL_MACHINE\\\x7f\\Größe\\\xf0\x9f\x98\x80"},
};

static void test_good(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Path) path = path_parse(good[i].text, &error);
    g_assert_no_error(error);
    g_autofree char *text = path_to_string(path);
    g_assert_cmpstr(text, ==, good[i].canonical);
    g_assert_cmpuint(g_strv_length(path->components), ==, path->depth);
  }
}

static const struct {
  const char *text;
  const char *said; /* part of the message */
} bad[] = {
    {"\\", "begin with a backslash"},
    {"\\HKLM", "begin with a backslash"},
    {"\\\\", "begin with a backslash"},
    {"HKXX\\Foo", "HKXX\\Foo: unknown root HKXX; a path begins with HKEY_LOCAL_MACHINE (HKLM)"},
    {"HKLMA", "unknown root HKLMA"},
    {"HKL", "unknown root HKL"},
    {"HKLM/Software", "unknown root HKLM/Software"},
    {" HKLM", "unknown root  HKLM"},
    {"HKLM\\\\a", "empty"},
    {"HKLM\\a\\\\", "empty"},
    {"HKLM\\\\", "empty"},
    {"HKLM\\a\nb", "HKLM\\a\\x0ab: control character"},
    {"HKLM\\a\x1f", "control character"},
    {"HKLM\\\xff", "UTF-8"},
    {"HKLM\\\xed\xa0\x80", "UTF-8"},
    {"\xc0\x80", "UTF-8"},
};

static void test_bad(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(path_parse(bad[i].text, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_PATH);
    g_assert_nonnull(strstr(error->message, bad[i].said));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
  }
}

static char *repeat(const char *start, const char *unit, guint count) {
  GString *text = g_string_new(start);
  for (guint i = 0; i < count; i++)
    g_string_append(text, unit);
  return g_string_free(text, FALSE);
}

static const struct {
  const char *start;
  const char *unit;
  guint most; /* repetitions that pass; one more does not */
} limits[] = {
    {"HKLM", "\\k", LIMIT_DEPTH - 1},
    {"HKLM\\", "a", LIMIT_KEY_NAME_UNITS},
    {"HKLM\\", "é", LIMIT_KEY_NAME_UNITS},
    {"HKLM\\", "€", LIMIT_KEY_NAME_UNITS},
    {"HKLM\\x", "\xf0\x9f\x98\x80", (LIMIT_KEY_NAME_UNITS - 1) / 2},
};

static void test_limits(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(limits); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *most = repeat(limits[i].start, limits[i].unit, limits[i].most);
    g_autofree char *more = repeat(limits[i].start, limits[i].unit, limits[i].most + 1);
    g_autoptr(Path) path = path_parse(most, &error);
    g_assert_no_error(error);
    g_assert_nonnull(path);
    g_assert_null(path_parse(more, &error));
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  }
}

static void test_messages_are_bounded(void) {
  const char *const units[] = {"\xff", "x", "€", "\\k", "\n"};
  for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = repeat("", units[i], 1000000);
    g_assert_null(path_parse(text, &error));
    g_assert_nonnull(error);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_cmpuint(strlen(error->message), <, 1000);
  }
}

static const struct {
  const char *name;
  gboolean key;
  gboolean value;
} names[] = {
    {"", FALSE, TRUE},   {"a", TRUE, TRUE},     {"a\\b", FALSE, TRUE},
    {"a/b", TRUE, TRUE}, {"a\tb", FALSE, TRUE}, {"\xff", FALSE, FALSE},
    {"@", TRUE, TRUE},   {"HKLM", TRUE, TRUE},  {"\x01", FALSE, TRUE},
};

static void test_names(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(GError) key_error = NULL;
    g_autoptr(GError) value_error = NULL;
    g_assert_cmpint(path_check_key_name(names[i].name, &key_error), ==, names[i].key);
    g_assert_cmpint(path_check_value_name(names[i].name, &value_error), ==, names[i].value);
    if (!names[i].key)
      g_assert_error(key_error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_PATH);
    if (!names[i].value)
      g_assert_error(value_error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  }
  g_autofree char *most = repeat("", "é", LIMIT_VALUE_NAME_UNITS);
  g_autofree char *more = repeat("", "é", LIMIT_VALUE_NAME_UNITS + 1);
  g_autoptr(GError) error = NULL;
  g_assert_true(path_check_value_name(most, NULL));
  g_assert_false(path_check_value_name(more, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
}

static const struct {
  const char *name;
  const char *folded;
} folds[] = {
    {"", ""},
    {"Az09_-{}`", "AZ09_-{}`"},
    {"größe", "GRÖßE"},                       /* U+00DF has no simple upper case */
    {"ÿ", "Ÿ"},                               /* leaves Latin-1 */
    {"µ", "Μ"},                               /* MICRO SIGN to GREEK CAPITAL MU */
    {"ı", "I"},                               /* dotless i: two bytes become one */
    {"ſ", "S"},                               /* long s */
    {"İ", "İ"},                               /* capital already */
    {"ɐ", "Ɐ"},                               /* two bytes become three */
    {"ǆǅ", "ǄǄ"},                             /* title case too */
    {"ςσ", "ΣΣ"},                             /* final sigma */
    {"дом", "ДОМ"},                           /* Cyrillic */
    {"ა", "Ა"},                             /* Georgian, since Unicode 11 */
    {"ꭰ", "Ꭰ"},                             /* Cherokee, since Unicode 8 */
    {"ﬁ", "ﬁ"},                               /* ligature: full mapping only */
    {"ŉ", "ŉ"},                               /* full mapping only */
    {"e\xcc\x81", "E\xcc\x81"},               /* no normalisation */
    {"ⅷ", "Ⅷ"},                               /* not a letter */
    {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"}, /* Deseret */
    {"\xf0\x9e\xa5\x83", "\xf0\x9e\xa4\xa1"}, /* Adlam, the last in the table */
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
};

static void test_folds(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(folds); i++) {
    g_autofree char *folded = path_fold(folds[i].name);
    g_assert_cmpstr(folded, ==, folds[i].folded);
    g_assert_cmpint(path_compare_names(folds[i].name, folds[i].folded), ==, 0);
    g_assert_cmpuint(path_hash_name(folds[i].name), ==, path_hash_name(folds[i].folded));
  }
}

/* Were folding not idempotent, a name could differ from its own folded form. */
static void test_fold_of_every_code_point(void) {
  guint changed = 0;
  for (guint32 code_point = 1; code_point < 0x110000; code_point++) {
    if (code_point >= 0xD800 && code_point < 0xE000)
      continue;
    char name[8] = "";
    g_unichar_to_utf8(code_point, name);
    g_autofree char *once = path_fold(name);
    g_autofree char *twice = path_fold(once);
    g_assert_cmpstr(once, ==, twice);
    g_assert_cmpuint(strlen(once), <=, strlen(name) + strlen(name) / 2);
    changed += !g_str_equal(once, name);
  }
  /* The table is pinned: Unicode 14.0 has so many simple upper-case mappings. */
  g_assert_cmpuint(changed, ==, 1450);
}

static const struct {
  const char *a;
  const char *b;
  int order;
} orders[] = {
    {"a", "A", 0},    {"a", "B", -1},    {"B", "a", 1},    {"a", "ab", -1},
    {"", "", 0},      {"", "a", -1},     {"aZ", "a_", -1}, {"ss1", "ß", -1},
    {"ß2", "SS3", 1}, {"A\\", "a\\", 0}, {"é", "É", 0},    {"\xef\xbf\xbd", "\xf0\x9f\x98\x80", -1},
};

static int sign(int number) {
  return (number > 0) - (number < 0);
}

static void test_order(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
    g_autofree char *a = path_fold(orders[i].a);
    g_autofree char *b = path_fold(orders[i].b);
    g_assert_cmpint(path_compare_names(orders[i].a, orders[i].b), ==, orders[i].order);
    g_assert_cmpint(sign(strcmp(a, b)), ==, orders[i].order);
    g_assert_cmpint(path_equal_names(orders[i].a, orders[i].b), ==, orders[i].order == 0);
  }
}

static const struct {
  const char *path;
  const char *ancestor;
  gboolean below;
} families[] = {
    {"HKEY_USERS\\a\\b", "HKEY_USERS\\A", TRUE},
    {"HKEY_USERS\\a", "HKEY_USERS\\A", TRUE},
    {"HKEY_USERS\\ab", "HKEY_USERS\\a", FALSE},
    {"HKEY_USERS", "HKEY_USERS\\a", FALSE},
    {"HKEY_USERS", "", TRUE},
    {"", "", TRUE},
    {"HKEY_USERS\\ı", "hkey_users\\i", TRUE},
};

static void test_families(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
    g_assert_cmpint(path_is_at_or_below(families[i].path, families[i].ancestor), ==,
                    families[i].below);
  g_autofree char *parent = path_dup_parent("HKEY_USERS\\a\\b");
  g_autofree char *above = path_dup_parent("HKEY_USERS");
  g_assert_cmpstr(parent, ==, "HKEY_USERS\\a");
  g_assert_cmpstr(above, ==, "");
  g_assert_cmpstr(path_get_leaf("HKEY_USERS\\a\\b"), ==, "b");
  g_assert_cmpstr(path_get_leaf("HKEY_USERS"), ==, "HKEY_USERS");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/path/good", test_good);
  g_test_add_func("/path/bad", test_bad);
  g_test_add_func("/path/limits", test_limits);
  g_test_add_func("/path/messages", test_messages_are_bounded);
  g_test_add_func("/path/names", test_names);
  g_test_add_func("/path/folds", test_folds);
  g_test_add_func("/path/fold-every-code-point", test_fold_of_every_code_point);
  g_test_add_func("/path/order", test_order);
  g_test_add_func("/path/families", test_families);
  return g_test_run();
}

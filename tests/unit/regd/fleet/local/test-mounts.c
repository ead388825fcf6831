/* SPDX-License-Identifier: MIT */
/* Which keys can be a fleet's, and which keys those are. */
#include "regd/fleet/local/mounts.h"

#include "client/base/error.h"

#define SOFTWARE "HKEY_LOCAL_MACHINE\\SOFTWARE"

static const struct {
  const char *const given[4];
  const char *const mounts[4]; /* none: refused */
} parsed[] = {
    {{"HKLM\\SOFTWARE\\Policies"}, {SOFTWARE "\\Policies"}},
    {{"HKEY_LOCAL_MACHINE\\SOFTWARE\\A", "hklm\\software\\B"},
     {SOFTWARE "\\A", "HKEY_LOCAL_MACHINE\\software\\B"}},
    {{"HKLM\\SYSTEM\\CurrentControlSet\\Services\\Other"},
     {"HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Other"}},
    {{NULL}, {NULL}},
    {{""}, {NULL}},
    {{"Policies"}, {NULL}},
    {{"HKLM"}, {NULL}},
    {{"HKU\\1000\\Policies"}, {NULL}},
    {{"HKCU\\Policies"}, {NULL}},
    {{"HKCR\\x"}, {NULL}},
    {{"HKLM\\SAM"}, {NULL}},
    {{"HKLM\\sam\\Domains"}, {NULL}},
    {{"HKLM\\SECURITY"}, {NULL}},
    {{"HKLM\\SYSTEM"}, {NULL}},
    {{"HKLM\\SYSTEM\\CurrentControlSet\\Services"}, {NULL}},
    {{"HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters\\Fleet"}, {NULL}},
    {{"HKLM\\SYSTEM\\ControlSet001\\Services\\REGD"}, {NULL}},
    {{"HKLM\\SOFTWARE\\A", "HKLM\\SOFTWARE\\a"}, {NULL}},
    {{"HKLM\\SOFTWARE\\A\\B", "HKLM\\SOFTWARE\\A"}, {NULL}},
    {{"HKLM\\SOFTWARE\\A", "HKLM\\SOFTWARE\\A\\B"}, {NULL}},
};

static void test_parse(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(parsed); i++) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) mounts = fleet_mounts_parse(parsed[i].given, &error);
    g_assert_true((mounts != NULL) == (error == NULL));
    g_assert_true((mounts != NULL) == (parsed[i].mounts[0] != NULL));
    if (mounts != NULL)
      g_assert_true(g_strv_equal((const char *const *)mounts, parsed[i].mounts));
  }
}

static void test_too_many(void) {
  g_autoptr(GPtrArray) given = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < 65; i++)
    g_ptr_array_add(given, g_strdup_printf("HKLM\\SOFTWARE\\%u", i));
  g_ptr_array_add(given, NULL);
  g_autoptr(GError) error = NULL;
  g_assert_null(fleet_mounts_parse((const char *const *)given->pdata, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_hold(void) {
  const char *const mounts[] = {SOFTWARE "\\Policies", SOFTWARE "\\A\\B", NULL};
  static const struct {
    const char *path;
    gboolean held;
  } rows[] = {
      {SOFTWARE "\\Policies", TRUE},   {SOFTWARE "\\POLICIES\\x", TRUE},
      {SOFTWARE "\\Policies2", FALSE}, {SOFTWARE, FALSE},
      {SOFTWARE "\\A", FALSE},         {SOFTWARE "\\a\\b\\c", TRUE},
      {"HKEY_USERS\\Policies", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmpint(fleet_mounts_hold(mounts, rows[i].path), ==, rows[i].held);
}

static void test_equal(void) {
  const char *const one[] = {SOFTWARE "\\A", SOFTWARE "\\B", NULL};
  const char *const other[] = {SOFTWARE "\\b", SOFTWARE "\\A", NULL};
  const char *const fewer[] = {SOFTWARE "\\A", NULL};
  g_assert_true(fleet_mounts_equal(one, other));
  g_assert_false(fleet_mounts_equal(one, fewer));
  g_assert_false(fleet_mounts_equal(fewer, one));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/mounts/parse", test_parse);
  g_test_add_func("/mounts/too-many", test_too_many);
  g_test_add_func("/mounts/hold", test_hold);
  g_test_add_func("/mounts/equal", test_equal);
  return g_test_run();
}

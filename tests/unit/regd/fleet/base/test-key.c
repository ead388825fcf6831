/* SPDX-License-Identifier: MIT */
/* Keys of etcd: made from paths, and taken apart. */
#include "regd/fleet/base/key.h"

#include <string.h>

static const struct {
  const char *path;
  const char *name; /* NULL: the key itself */
  const char *key;
} made[] = {
    {"HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies", NULL, "k/HKEY_LOCAL_MACHINE\\SOFTWARE\\POLICIES"},
    {"HKEY_LOCAL_MACHINE\\a", "Port", "v/HKEY_LOCAL_MACHINE\\A\\\\PORT"},
    {"HKEY_LOCAL_MACHINE\\a", "", "v/HKEY_LOCAL_MACHINE\\A\\\\"},
    {"HKEY_LOCAL_MACHINE\\a", "\\", "v/HKEY_LOCAL_MACHINE\\A\\\\\\"},
    {"HKEY_LOCAL_MACHINE\\a", "\\\\b\\", "v/HKEY_LOCAL_MACHINE\\A\\\\\\\\B\\"},
    {"HKEY_LOCAL_MACHINE\\größe", "ß\n", "v/HKEY_LOCAL_MACHINE\\GRÖßE\\\\ß\n"},
};

static void test_made(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(made); i++) {
    g_autofree char *key = made[i].name == NULL ? fleet_key_of_key(made[i].path)
                                                : fleet_key_of_value(made[i].path, made[i].name);
    g_assert_cmpstr(key, ==, made[i].key);
    FleetKeyKind kind;
    g_autofree char *path = NULL, *name = NULL;
    g_assert_true(fleet_key_parse(key, strlen(key), &kind, &path, &name));
    g_assert_cmpint((int)kind, ==,
                    made[i].name == NULL ? (int)FLEET_KEY_KEY : (int)FLEET_KEY_VALUE);
    g_autofree char *again =
        made[i].name == NULL ? fleet_key_of_key(path) : fleet_key_of_value(path, name);
    g_assert_cmpstr(again, ==, key);
  }
}

#define BYTES(text) text, sizeof(text) - 1
static const struct {
  const char *key;
  gsize size;
} bad[] = {
    {BYTES("k/")},
    {BYTES("v/")},
    {BYTES("k/A")},
    {BYTES("k/HKLM\\A")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\a")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\A\\")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\\\A")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\A\0B")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\\xff")},
    {BYTES("k/HKEY_LOCAL_MACHINE\\A\nB")},
    {BYTES("v/HKEY_LOCAL_MACHINE\\A")},
    {BYTES("v/HKEY_LOCAL_MACHINE\\A\\B")},
    {BYTES("v/HKEY_LOCAL_MACHINE\\A\\\\b")},
    {BYTES("v/HKEY_LOCAL_MACHINE\\A\\\\\xff")},
    {BYTES("v/HKEY_LOCAL_MACHINE\\A\\\\B\0")},
    {BYTES("v/\\\\B")},
};

static void test_bad(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    FleetKeyKind kind;
    g_autofree char *path = NULL, *name = NULL;
    g_assert_false(fleet_key_parse(bad[i].key, bad[i].size, &kind, &path, &name));
    g_assert_null(path);
    g_assert_null(name);
  }
}

static void test_too_long(void) {
  g_autofree char *component = g_strnfill(256, 'A');
  g_autofree char *long_key = g_strconcat("k/HKEY_LOCAL_MACHINE\\", component, NULL);
  g_autofree char *name = g_strnfill(16384, 'A');
  g_autofree char *long_value = g_strconcat("v/HKEY_LOCAL_MACHINE\\A\\\\", name, NULL);
  FleetKeyKind kind;
  char *path, *rest;
  g_assert_false(fleet_key_parse(long_key, strlen(long_key), &kind, &path, &rest));
  g_assert_true(fleet_key_parse(long_key, strlen(long_key) - 1, &kind, &path, &rest));
  g_free(path);
  g_assert_false(fleet_key_parse(long_value, strlen(long_value), &kind, &path, &rest));
  g_assert_true(fleet_key_parse(long_value, strlen(long_value) - 1, &kind, &path, &rest));
  g_free(path);
  g_free(rest);
}

static void test_other(void) {
  static const char *const others[] = {"", "k", "v", "head", "pending", "s/1/owner", "K/A", "x/A"};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
    FleetKeyKind kind;
    char *path, *name;
    g_assert_true(fleet_key_parse(others[i], strlen(others[i]), &kind, &path, &name));
    g_assert_cmpint((int)kind, ==, (int)FLEET_KEY_OTHER);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/key/made", test_made);
  g_test_add_func("/regd/fleet/base/key/bad", test_bad);
  g_test_add_func("/regd/fleet/base/key/too-long", test_too_long);
  g_test_add_func("/regd/fleet/base/key/other", test_other);
  return g_test_run();
}

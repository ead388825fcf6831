/* SPDX-License-Identifier: MIT */
/* Schema files of any bytes: each is taken or refused with its line, and what
 * was taken answers every question about a path. */
#include "schema/parse.h"

#include "tests/fuzz/fuzz.h"

static void ask(const SchemaSet *set, const char *path, const char *name) {
  static const char *const none[] = {NULL};
  g_autoptr(RegistryValue) number = registry_value_new_uint64(7);
  g_autoptr(RegistryValue) text = registry_value_new_string(REGISTRY_SZ, "aaaaaaaaaaaaaaaab", NULL);
  g_auto(GStrv) missing = schema_set_missing(set, path, none);
  g_assert_true(!schema_set_find_key(set, path) || schema_set_reaches(set, path));
  (void)schema_set_is_secret(set, path, name);
  (void)schema_set_check(set, path, name, number, NULL);
  (void)schema_set_check(set, path, name, text, NULL);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autoptr(GError) error = NULL;
  g_autoptr(SchemaSet) set = schema_set_new();
  if (!schema_parse(set, "f.schema", size > 0 ? (const char *)data : "", size, &error))
    g_assert_true(g_str_has_prefix(error->message, "f.schema: line "));
  ask(set, "", "");
  ask(set, "HKEY_LOCAL_MACHINE\\SOFTWARE\\A", "V");
  ask(set, "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\A", "V");
  ask(set, "HKEY_USERS\\0\\A", "V");
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* A value of a stranger's: a type (the first byte) and bytes. They are kept, and
 * what they are read as writes back to something that reads the same. */
#include "client/base/value.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_kept(const RegistryValue *value, const guint8 *bytes, gsize size) {
  gsize kept_size;
  const guint8 *kept = registry_value_get_bytes(value, &kept_size);
  g_assert_true(kept_size == size || kept_size == size + 2);
  if (size > 0)
    g_assert_cmpint(memcmp(kept, bytes, size), ==, 0);
  g_autoptr(RegistryValue) again =
      registry_value_new_bytes(registry_value_get_type(value), kept, kept_size);
  g_assert_true(registry_value_equal(value, again));
  g_assert_cmpint((int)registry_value_get_form(value), ==, (int)registry_value_get_form(again));
}

static void check_string(const RegistryValue *value) {
  g_autofree char *text = registry_value_dup_string(value);
  g_assert_true(g_utf8_validate(text, -1, NULL));
  g_autoptr(RegistryValue) written =
      registry_value_new_string(registry_value_get_type(value), text, NULL);
  g_autofree char *again = registry_value_dup_string(written);
  g_assert_cmpstr(text, ==, again);
}

static void check_strings(const RegistryValue *value) {
  g_auto(GStrv) strings = registry_value_dup_strings(value);
  g_autoptr(RegistryValue) written = registry_value_new_strings((const char *const *)strings, NULL);
  g_assert_nonnull(written);
  g_auto(GStrv) again = registry_value_dup_strings(written);
  g_assert_true(g_strv_equal((const char *const *)strings, (const char *const *)again));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  g_autoptr(RegistryValue) value = registry_value_new_bytes(data[0] % 16, data + 1, size - 1);
  check_kept(value, data + 1, size - 1);
  if (registry_value_get_form(value) == REGISTRY_FORM_STRING)
    check_string(value);
  if (registry_value_get_form(value) == REGISTRY_FORM_STRINGS)
    check_strings(value);
  return 0;
}

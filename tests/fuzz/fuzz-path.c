/* SPDX-License-Identifier: MIT */
/* A path or name of a stranger's: what is refused is refused with a message
 * that the bus takes, and what is accepted stays itself. */
#include "client/base/error.h"
#include "client/base/path.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_error(const GError *error) {
  g_assert_nonnull(error);
  g_assert_true(error->domain == REGISTRY_ERROR);
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  g_assert_cmpuint(strlen(error->message), <, 1000);
}

static void check_path(const char *text) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Path) path = path_parse(text, &error);
  if (path == NULL) {
    check_error(error);
    return;
  }
  g_autofree char *canonical = path_to_string(path);
  g_autoptr(Path) again = path_parse(canonical, NULL);
  g_assert_nonnull(again);
  g_autofree char *same = path_to_string(again);
  g_assert_cmpstr(canonical, ==, same);
  g_autofree char *parent = path_dup_parent(canonical);
  g_assert_true(path_is_at_or_below(canonical, parent));
}

static void check_fold(const char *name) {
  g_autofree char *once = path_fold(name);
  g_autofree char *twice = path_fold(once);
  g_assert_cmpstr(once, ==, twice);
  g_assert_cmpint(path_compare_names(name, once), ==, 0);
  g_assert_cmpuint(path_hash_name(name), ==, path_hash_name(once));
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
  g_autoptr(GError) key_error = NULL;
  g_autoptr(GError) value_error = NULL;
  check_path(text);
  if (!path_check_key_name(text, &key_error))
    check_error(key_error);
  if (!path_check_value_name(text, &value_error))
    check_error(value_error);
  if (g_utf8_validate(text, -1, NULL))
    check_fold(text);
  return 0;
}

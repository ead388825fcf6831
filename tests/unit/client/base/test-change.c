/* SPDX-License-Identifier: MIT */
/* The change: building one, and the words of its kinds. */
#include "client/base/change.h"

static void test_keys_are_shared(void) {
  g_autoptr(Change) change = change_new();
  g_autoptr(RegistryValue) value = registry_value_new_uint64(1);
  Operation *first = change_add(change, OPERATION_CREATE_KEY, "HKLM\\A");
  Operation *second = change_add_set_value(change, "HKLM\\A", "n", value);
  Operation *third = change_add_delete_value(change, "HKLM\\B", "");
  g_assert_true(first->key == second->key);
  g_assert_cmpstr(third->key, ==, "HKLM\\B");
  g_assert_cmpuint(change->operations->len, ==, 3);
  g_assert_true(registry_value_equal(second->value, value));
  g_assert_cmpstr(second->name, ==, "n");
  g_assert_cmpstr(third->name, ==, "");
  g_assert_null(third->value);
}

static void test_operation_words(void) {
  for (int i = OPERATION_SET_VALUE; i <= OPERATION_COPY_KEY; i++) {
    OperationKind kind;
    g_assert_true(operation_kind_parse(operation_kind_get_name((OperationKind)i), &kind));
    g_assert_cmpint((int)kind, ==, i);
  }
  const char *const not_commits[] = {"set-acl", "rollback", "", "Set-Value", "set-value "};
  for (gsize i = 0; i < G_N_ELEMENTS(not_commits); i++) {
    OperationKind kind;
    g_assert_false(operation_kind_parse(not_commits[i], &kind));
  }
  g_assert_cmpstr(operation_kind_get_name(OPERATION_COPY_KEY), ==, "copy-key");
}

static void test_change_words(void) {
  for (int i = CHANGE_KEY_CREATED; i <= CHANGE_TREE_CHANGED; i++) {
    ChangeKind kind;
    g_assert_true(change_kind_parse(change_kind_get_name((ChangeKind)i), &kind));
    g_assert_cmpint((int)kind, ==, i);
  }
  ChangeKind kind;
  g_assert_false(change_kind_parse("set-value", &kind));
  g_assert_cmpstr(change_kind_get_name(CHANGE_LINK_CHANGED), ==, "link-changed");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/change/keys-are-shared", test_keys_are_shared);
  g_test_add_func("/change/operation-words", test_operation_words);
  g_test_add_func("/change/change-words", test_change_words);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* The values of accounts that are known are those that the shipped schema describes, and no others.
 */
#include "mailauth/settings/settings.h"
#include "mailauth/verifier/account-names.h"
#include "schema/load.h"

static const char *const paths[N_ACCOUNT_NAMES] = {
    [ACCOUNT_NAMES_ALL] = ACCOUNTS_PATH,
    [ACCOUNT_NAMES_ONE] = ACCOUNTS_PATH "\\ann",
    [ACCOUNT_NAMES_APP] = ACCOUNTS_PATH "\\ann\\Passwords\\phone",
};

static void test_described(void) {
  const char *directories[] = {g_getenv("REGD_SCHEMAS"), NULL};
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(SchemaSet) schemas = schema_load(directories, problems);
  for (guint kind = 0; kind < N_ACCOUNT_NAMES; kind++) {
    const char *const *names = account_names_list((AccountNames)kind);
    const SchemaKey *key = schema_set_find_key(schemas, paths[kind]);
    g_assert_nonnull(key);
    g_assert_null(names[key->values->len]);
    for (guint i = 0; i < key->values->len; i++)
      g_assert_true(g_strv_contains(names, ((const SchemaValue *)key->values->pdata[i])->name));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/account-names/described", test_described);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* The blocking calls of the client library, against the registry whose bus
 * REGD_TEST_BUS names. The tests share it, each below a key of its own. Where
 * REGD_TEST_ABSENT is set there is a bus, and no registry on it; where
 * REGD_TEST_HANGING is, one that does not answer; where REGD_TEST_INTERACTIVE is, the user may
 * not write, and polkit says yes to two calls. */
#include "client/registry.h"

#define TOP "HKEY_LOCAL_MACHINE\\SOFTWARE\\Library"

typedef struct {
  RegistryConnection *connection;
  RegistryValue *one, *two;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(GError) error = NULL;
  fixture->connection = registry_connection_new(g_getenv("REGD_TEST_BUS"), NULL, &error);
  g_assert_no_error(error);
  fixture->one = registry_value_new_string(REGISTRY_SZ, "one", NULL);
  fixture->two = registry_value_new_string(REGISTRY_SZ, "two", NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  (void)data;
  registry_value_unref(fixture->one);
  registry_value_unref(fixture->two);
  registry_connection_unref(fixture->connection);
}

#define assert_refused(outcome, code)                                                              \
  do {                                                                                             \
    g_assert_false(outcome);                                                                       \
    g_assert_error(error, REGISTRY_ERROR, code);                                                   \
    g_clear_error(&error);                                                                         \
  } while (0)

static void assert_value(Fixture *fixture, const char *key, const char *name,
                         const RegistryValue *expected) {
  g_autoptr(RegistryValue) value = registry_get_value(fixture->connection, key, name, NULL);
  g_assert_true(registry_value_equal(value, expected));
}

/* ---- values ---- */

static RegistryValue *make_strings(void) {
  const char *const strings[] = {"a", "\xc3\xa9", NULL};
  return registry_value_new_strings(strings, NULL);
}

static void test_every_form_comes_back(Fixture *fixture, gconstpointer data) {
  (void)data;
  RegistryValue *values[] = {
      registry_value_new_string(REGISTRY_EXPAND_SZ, "%x%", NULL),
      make_strings(),
      registry_value_new_uint32(REGISTRY_DWORD, 7, NULL),
      registry_value_new_uint32(REGISTRY_DWORD_BIG_ENDIAN, 7, NULL),
      registry_value_new_uint64(G_MAXUINT64),
      registry_value_new_bytes(REGISTRY_BINARY, NULL, 0),
      registry_value_new_bytes(REGISTRY_DWORD, "abc", 3), /* malformed, and kept */
      registry_value_new_bytes(0xFFFF1234, "abc", 3),
  };
  guint64 last = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
    g_autoptr(GError) error = NULL;
    guint64 revision = 0;
    registry_set_value(fixture->connection, TOP "\\Forms", "v", values[i], &revision, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(revision, >, last);
    last = revision;
    assert_value(fixture, TOP "\\Forms", "v", values[i]);
    registry_value_unref(values[i]);
  }
}

static void test_what_is_refused(Fixture *fixture, gconstpointer data) {
  (void)data;
  RegistryConnection *connection = fixture->connection;
  g_autoptr(GError) error = NULL;
  assert_refused(registry_get_value(connection, TOP "\\None", "v", &error) != NULL,
                 REGISTRY_ERROR_KEY_NOT_FOUND);
  assert_refused(registry_get_value(connection, "HKLM", "v", &error) != NULL,
                 REGISTRY_ERROR_VALUE_NOT_FOUND);
  assert_refused(registry_get_value(connection, "HKXX\\a", "v", &error) != NULL,
                 REGISTRY_ERROR_INVALID_PATH);
  assert_refused(registry_set_value(connection, "HKLM\\\xff", "v", fixture->one, NULL, &error),
                 REGISTRY_ERROR_INVALID_PATH);
  assert_refused(registry_set_value(connection, TOP, "\xff", fixture->one, NULL, &error),
                 REGISTRY_ERROR_INVALID_VALUE);
  assert_refused(registry_delete_value(connection, "HKLM", "v", NULL, &error),
                 REGISTRY_ERROR_VALUE_NOT_FOUND);
  assert_refused(registry_delete_key(connection, "HKLM", TRUE, NULL, &error),
                 REGISTRY_ERROR_INVALID_PATH);
}

/* ---- keys ---- */

static void test_keys(Fixture *fixture, gconstpointer data) {
  (void)data;
  RegistryConnection *connection = fixture->connection;
  g_autoptr(GError) error = NULL;
  gboolean created = FALSE;
  g_assert_true(registry_create_key(connection, TOP "\\Keys\\b", NULL, &created, NULL));
  g_assert_true(created);
  g_assert_true(registry_create_key(connection, TOP "\\Keys\\B", NULL, &created, NULL));
  g_assert_false(created);
  g_assert_true(registry_create_key(connection, TOP "\\Keys\\A", NULL, NULL, NULL));
  g_auto(GStrv) keys = registry_list_keys(connection, TOP "\\Keys", NULL);
  g_assert_cmpuint(g_strv_length(keys), ==, 2);
  g_assert_cmpstr(keys[0], ==, "A");
  g_assert_cmpstr(keys[1], ==, "b");
  assert_refused(registry_delete_key(connection, TOP "\\Keys", FALSE, NULL, &error),
                 REGISTRY_ERROR_KEY_NOT_EMPTY);
  g_assert_true(registry_delete_key(connection, TOP "\\Keys", TRUE, NULL, NULL));
  g_auto(GStrv) roots = registry_list_keys(connection, "", NULL);
  g_assert_cmpuint(g_strv_length(roots), ==, 5);
}

/* ---- transactions ---- */

static void test_transaction(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new("a comment");
  g_autoptr(GError) error = NULL;
  guint64 revision = 0;
  registry_transaction_expect_absent(transaction, TOP "\\T", "v");
  registry_transaction_create_key(transaction, TOP "\\T\\Below");
  registry_transaction_set_value(transaction, TOP "\\T", "v", fixture->one);
  registry_transaction_set_value(transaction, TOP "\\T", "w", fixture->one);
  registry_transaction_expect_value(transaction, TOP "\\T", "w", fixture->one);
  registry_transaction_delete_value(transaction, TOP "\\T", "w");
  registry_transaction_delete_tree(transaction, TOP "\\T\\Below");
  g_assert_true(registry_transaction_commit(fixture->connection, transaction, &revision, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(revision, >, 0);
  assert_value(fixture, TOP "\\T", "v", fixture->one);
  assert_value(fixture, TOP "\\T", "w", NULL);
}

static void test_transaction_conflicts(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryTransaction) late = registry_transaction_new(NULL);
  g_autoptr(RegistryTransaction) wrong = registry_transaction_new(NULL);
  g_autoptr(GError) error = NULL;
  guint64 revision = 0;
  registry_set_value(fixture->connection, TOP "\\C", "v", fixture->one, &revision, NULL);
  registry_set_value(fixture->connection, TOP "\\C", "v", fixture->two, NULL, NULL);
  registry_transaction_set_value(late, TOP "\\C", "w", fixture->one);
  registry_transaction_expect_revision(late, TOP "\\C", revision);
  assert_refused(registry_transaction_commit(fixture->connection, late, NULL, &error),
                 REGISTRY_ERROR_CONFLICT);
  registry_transaction_set_value(wrong, TOP "\\C", "w", fixture->one);
  registry_transaction_expect_value(wrong, TOP "\\C", "v", fixture->one);
  assert_refused(registry_transaction_commit(fixture->connection, wrong, NULL, &error),
                 REGISTRY_ERROR_CONFLICT);
  assert_value(fixture, TOP "\\C", "w", NULL);
}

static void test_too_large_to_send(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(NULL);
  g_autoptr(GError) error = NULL;
  gsize size = 1024 * 1024;
  g_autofree guint8 *bytes = g_malloc0(size);
  g_autoptr(RegistryValue) value = registry_value_new_bytes(REGISTRY_BINARY, bytes, size);
  for (guint i = 0; i < 40; i++)
    registry_transaction_set_value(transaction, TOP, "v", value);
  assert_refused(registry_transaction_commit(fixture->connection, transaction, NULL, &error),
                 REGISTRY_ERROR_LIMIT_EXCEEDED);
  /* And the bus has not thrown us out for it. */
  g_assert_true(registry_create_key(fixture->connection, TOP "\\Large", NULL, NULL, NULL));
}

/* ---- without the daemon ---- */

static void test_unreachable(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(GError) error = NULL;
  assert_refused(registry_get_value(fixture->connection, "HKLM", "v", &error) != NULL,
                 REGISTRY_ERROR_UNREACHABLE);
  assert_refused(registry_set_value(fixture->connection, TOP, "v", fixture->one, NULL, &error),
                 REGISTRY_ERROR_UNREACHABLE);
}

/* It hangs: the error comes in bounded time and says so. */
static void test_hanging(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(GError) error = NULL;
  gint64 begun = g_get_monotonic_time();
  g_assert_null(registry_get_value(fixture->connection, "HKLM", "v", &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE);
  g_assert_nonnull(strstr(error->message, "does not answer within 30 s"));
  g_assert_cmpint(g_get_monotonic_time() - begun, >=, 29 * G_USEC_PER_SEC);
}

/* ---- for a user whom polkit has to be asked about ---- */

static void test_interactive(Fixture *fixture, gconstpointer data) {
  (void)data;
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(NULL);
  g_autoptr(GError) error = NULL;
  assert_refused(registry_create_key(fixture->connection, TOP, NULL, NULL, &error),
                 REGISTRY_ERROR_ACCESS_DENIED);
  registry_connection_set_interactive(fixture->connection, TRUE);
  g_assert_true(registry_create_key(fixture->connection, TOP, NULL, NULL, &error));
  registry_transaction_set_value(transaction, TOP, "v", fixture->one);
  g_assert_true(registry_transaction_commit(fixture->connection, transaction, NULL, &error));
  assert_value(fixture, TOP, "v", fixture->one);
  registry_connection_set_interactive(fixture->connection, FALSE);
  assert_refused(registry_delete_value(fixture->connection, TOP, "v", NULL, &error),
                 REGISTRY_ERROR_ACCESS_DENIED);
}

#define LIBRARY_TEST(name, function)                                                               \
  g_test_add("/library/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  if (g_getenv("REGD_TEST_ABSENT") != NULL) {
    LIBRARY_TEST("unreachable", test_unreachable);
    return g_test_run();
  }
  if (g_getenv("REGD_TEST_HANGING") != NULL) {
    LIBRARY_TEST("hanging", test_hanging);
    return g_test_run();
  }
  if (g_getenv("REGD_TEST_INTERACTIVE") != NULL) {
    LIBRARY_TEST("interactive", test_interactive);
    return g_test_run();
  }
  LIBRARY_TEST("forms", test_every_form_comes_back);
  LIBRARY_TEST("refused", test_what_is_refused);
  LIBRARY_TEST("keys", test_keys);
  LIBRARY_TEST("transaction", test_transaction);
  LIBRARY_TEST("transaction-conflicts", test_transaction_conflicts);
  LIBRARY_TEST("transaction-too-large", test_too_large_to_send);
  return g_test_run();
}

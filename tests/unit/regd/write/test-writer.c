/* SPDX-License-Identifier: MIT */
/* The storage half of regd without a bus: changes through the writer, reads
 * through a reader, for several callers. */
#include "client/base/protocol.h"
#include "tests/unit/support/writer-fixture.h"

static void test_new_database(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const char *const keys[] = {"HKLM\\SYSTEM\\ControlSet001\\Hardware Profiles\\Current",
                                     "HKLM\\SYSTEM\\ControlSet001\\Services",
                                     "HKLM\\SYSTEM\\CurrentControlSet\\Services",
                                     "HKLM\\CurrentControlSet\\Services",
                                     "HKCR",
                                     "HKCC",
                                     "HKLM\\SAM",
                                     "HKLM\\SECURITY",
                                     "HKU\\.DEFAULT"};
  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(KeyInfo) info =
        reader_get_key_info(fixture->reader, fixture->root, keys[i], FALSE, &error);
    g_assert_no_error(error);
    g_assert_nonnull(info);
  }
  g_autoptr(KeyInfo) link =
      reader_get_key_info(fixture->reader, fixture->root, "HKLM\\CurrentControlSet", TRUE, NULL);
  g_assert_cmpstr(link->link, ==, "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet");
  g_auto(GStrv) names = reader_list_keys(fixture->reader, fixture->alice, "", NULL);
  g_assert_cmpuint(g_strv_length(names), ==, 5);
  g_autofree char *denied = text_of_error(REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_VALUE(fixture, fixture->alice, "HKLM\\SAM\\Domains", "x", denied);
}

static void test_set_and_get(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Written) first =
      writer_fixture_write(fixture, fixture->root, change_set(KEY "\\a/b\\C", "Name", "one"));
  g_assert_cmpint(first.code, ==, -1);
  g_assert_cmpstr(first.told, ==,
                  "key-created " LONG_KEY " \nkey-created " LONG_KEY "\\a/b \n"
                  "key-created " LONG_KEY "\\a/b\\C \nvalue-set " LONG_KEY "\\a/b\\C Name\n");
  ASSERT_VALUE(fixture, fixture->alice, "hklm\\software\\ACME\\A/B\\c\\", "NAME", "one");

  g_auto(Written) same =
      writer_fixture_write(fixture, fixture->root, change_set(KEY "\\a/b\\C", "name", "one"));
  g_assert_cmpuint(same.revision, ==, first.revision);
  g_assert_cmpstr(same.told, ==, "");
  g_auto(Written) other =
      writer_fixture_write(fixture, fixture->root, change_set(KEY "\\a/b\\C", "name", "two"));
  g_assert_cmpuint(other.revision, ==, first.revision + 1);
  g_assert_cmpstr(other.told, ==, "value-set " LONG_KEY "\\a/b\\C Name\n");
  ASSERT_REFUSED(fixture, fixture->alice, change_set(KEY, "x", "y"), REGISTRY_ERROR_ACCESS_DENIED);
}

static void test_restart(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_CREATE_KEY, KEY "\\gone", &operation);
  operation->flags = OPERATION_VOLATILE;
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\gone\\below", "v", "x"));
  g_auto(Written) last = writer_fixture_write(fixture, fixture->root, change_set(KEY, "kept", "x"));
  writer_fixture_stop(fixture);
  writer_fixture_start(fixture);
  ASSERT_VALUE(fixture, fixture->root, KEY, "kept", "x");
  g_autofree char *missing = text_of_error(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\gone\\below", "v", missing);
  g_assert_cmpuint(reader_get_revision(fixture->reader, NULL), ==, last.revision + 1);
}

static void test_links(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_link(KEY "\\L", KEY "\\T"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\L\\x", "v", "through"));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\T\\x", "v", "through");
  ASSERT_DONE(fixture, fixture->root, change_link(KEY "\\A", KEY "\\B"));
  ASSERT_DONE(fixture, fixture->root, change_link(KEY "\\B", KEY "\\A"));
  g_autofree char *loop = text_of_error(REGISTRY_ERROR_LINK_LOOP);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\A\\x", "v", loop);
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_KEY, KEY "\\L", NULL));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\T\\x", "v", "through");
  /* A user's link leads only inside his own key. */
  ASSERT_REFUSED(fixture, fixture->alice, change_link("HKCU\\out", "HKLM\\SAM"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_REFUSED(fixture, fixture->alice, change_link("HKU\\1000", "HKLM\\SAM"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_DONE(fixture, fixture->alice, change_link("HKCU\\in", "HKCU\\there"));
  ASSERT_DONE(fixture, fixture->alice, change_set("HKCU\\in", "v", "x"));
  ASSERT_VALUE(fixture, fixture->root, "HKU\\1000\\there", "v", "x");
  g_autofree char *denied = text_of_error(REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_VALUE(fixture, fixture->root, "HKU\\1000\\in", "v", denied);
}

static void test_delete_and_make_again(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\S", "a", "1"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\S\\T", "b", "2"));
  ASSERT_REFUSED(fixture, fixture->root, change_of_one(OPERATION_DELETE_KEY, KEY "\\S", NULL),
                 REGISTRY_ERROR_KEY_NOT_EMPTY);
  guint64 before = reader_get_revision(fixture->reader, NULL);

  /* What is deleted and made again as it was is no difference. */
  Change *change = change_of_one(OPERATION_DELETE_TREE, KEY "\\S", NULL);
  g_autoptr(RegistryValue) old = registry_value_new_string(REGISTRY_SZ, "1", NULL);
  g_autoptr(RegistryValue) two = registry_value_new_string(REGISTRY_SZ, "2", NULL);
  change_add_set_value(change, KEY "\\S", "a", old);
  change_add_set_value(change, KEY "\\S\\T", "b", two);
  g_auto(Written) same = writer_fixture_write(fixture, fixture->root, change);
  g_assert_cmpint(same.code, ==, -1);
  g_assert_cmpstr(same.told, ==, "");
  g_assert_cmpuint(same.revision, ==, before);

  change = change_of_one(OPERATION_DELETE_TREE, KEY "\\S", NULL);
  change_add_set_value(change, KEY "\\S", "a", two);
  g_auto(Written) changed = writer_fixture_write(fixture, fixture->root, change);
  g_assert_cmpstr(changed.told, ==,
                  "value-deleted " LONG_KEY "\\S\\T b\nkey-deleted " LONG_KEY "\\S\\T \n"
                  "value-set " LONG_KEY "\\S a\n");
}

static void test_rename_and_copy(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\Old\\x", "v", "1"));
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_RENAME_KEY, KEY "\\Old", &operation);
  operation->name = g_strdup("New");
  g_auto(Written) renamed = writer_fixture_write(fixture, fixture->root, change);
  g_assert_cmpstr(renamed.told, ==,
                  "value-deleted " LONG_KEY "\\Old\\x v\nkey-deleted " LONG_KEY "\\Old\\x \n"
                  "key-deleted " LONG_KEY "\\Old \nkey-created " LONG_KEY "\\New \n"
                  "key-created " LONG_KEY "\\New\\x \nvalue-set " LONG_KEY "\\New\\x v\n");
  ASSERT_VALUE(fixture, fixture->root, KEY "\\new\\x", "v", "1");

  change = change_of_one(OPERATION_RENAME_KEY, KEY "\\new", &operation);
  operation->name = g_strdup("NEW");
  ASSERT_DONE(fixture, fixture->root, change);
  g_auto(GStrv) names = reader_list_keys(fixture->reader, fixture->root, KEY, NULL);
  g_assert_cmpstr(names[0], ==, "NEW");
  g_assert_null(names[1]);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\new\\x", "v", "1");

  change = change_of_one(OPERATION_COPY_KEY, KEY "\\NEW", &operation);
  operation->target = g_strdup(KEY "\\deep\\copy");
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\deep\\copy\\x", "v", "1");
}

static void test_preconditions(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Written) first =
      writer_fixture_write(fixture, fixture->root, change_set(KEY "\\P", "v", "1"));
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_EXPECT_REVISION, KEY, &operation);
  operation->revision = first.revision;
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\P", "v", "2"));
  change = change_of_one(OPERATION_EXPECT_REVISION, KEY, &operation);
  operation->revision = first.revision;
  change->indexed = TRUE;
  g_auto(Written) conflict = writer_fixture_write(fixture, fixture->root, change);
  g_assert_cmpint(conflict.code, ==, REGISTRY_ERROR_CONFLICT);
  g_assert_true(g_str_has_prefix(conflict.message, "operation 0 (expect-revision): "));
  change = change_of_one(OPERATION_EXPECT_REVISION, "HKLM\\SYSTEM", &operation);
  operation->revision = first.revision;
  ASSERT_DONE(fixture, fixture->root, change);

  change = change_of_one(OPERATION_EXPECT_ABSENT, KEY "\\Q", &operation);
  operation->flags = OPERATION_KEY_ABSENT;
  ASSERT_DONE(fixture, fixture->root, change);
  change = change_of_one(OPERATION_EXPECT_ABSENT, KEY "\\P", &operation);
  operation->name = g_strdup("V");
  ASSERT_REFUSED(fixture, fixture->root, change, REGISTRY_ERROR_CONFLICT);
}

static void test_access(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\open", "v", "1"));
  ASSERT_DONE(fixture, fixture->root, change_list(KEY "\\open", "user:1000", "write"));
  ASSERT_DONE(fixture, fixture->alice, change_set(KEY "\\open\\mine", "v", "1"));
  ASSERT_REFUSED(fixture, fixture->alice, change_list(KEY "\\open", "user:1000", "control"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_DONE(fixture, fixture->root, change_list(KEY "\\open\\mine", "everyone", "none"));
  ASSERT_REFUSED(fixture, fixture->alice, change_of_one(OPERATION_DELETE_TREE, KEY "\\open", NULL),
                 REGISTRY_ERROR_ACCESS_DENIED);

  g_autofree char *missing = text_of_error(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->alice, "HKCU\\Software", "v", missing);
  ASSERT_DONE(fixture, fixture->alice, change_set("HKCU\\Software", "v", "mine"));
  ASSERT_VALUE(fixture, fixture->alice, "HKU\\1000\\Software", "v", "mine");
  g_autofree char *origin = NULL;
  g_autoptr(Acl) acl =
      reader_get_acl(fixture->reader, fixture->alice, "HKCU\\Software", &origin, NULL);
  g_assert_nonnull(acl);
  g_assert_cmpstr(origin, ==, "HKEY_USERS\\1000");
  ASSERT_REFUSED(fixture, fixture->alice, change_set("HKU\\1001\\x", "v", "x"),
                 REGISTRY_ERROR_ACCESS_DENIED);
}

static void test_pages(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Change *change = change_new();
  for (guint i = 0; i < 40; i++) {
    g_autofree char *key = g_strdup_printf(KEY "\\k%u\\s%u", i % 5, i % 3);
    g_autofree char *name = g_strdup_printf("v%u", i);
    g_autoptr(RegistryValue) value = registry_value_new_uint64(i);
    change_add_set_value(change, key, name, value);
  }
  ASSERT_DONE(fixture, fixture->root, change);
  guint pages = 0;
  g_autofree char *whole = writer_fixture_read_all(fixture, 0, &pages);
  g_assert_cmpuint(pages, ==, 1);
  for (guint32 limit = 1; limit < 45; limit++) {
    g_autofree char *parts = writer_fixture_read_all(fixture, limit, &pages);
    g_autoptr(GRegex) again = g_regex_new("^.*\\\\[ks][0-9]$\n", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *a = g_regex_replace(again, whole, -1, 0, "", 0, NULL);
    g_autofree char *b = g_regex_replace(again, parts, -1, 0, "", 0, NULL);
    g_assert_cmpstr(a, ==, b);
  }
}

static void test_replay(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const ReplayScope everything = {LONG_KEY, TRUE, NULL};
  g_auto(Written) first = writer_fixture_write(fixture, fixture->root, change_set(KEY, "a", "1"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\R", "b", "1"));
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_TREE, KEY "\\R", NULL));
  guint64 revision = 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) replayed =
      reader_replay(fixture->reader, fixture->root, &everything, first.revision, &revision, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(revision, ==, first.revision + 2);
  g_assert_cmpuint(replayed->len, ==, 2);
  g_autofree char *told = text_of_effective(g_ptr_array_index(replayed, 1));
  g_assert_cmpstr(told, ==, "value-deleted " LONG_KEY "\\R b\nkey-deleted " LONG_KEY "\\R \n");
  g_assert_null(
      reader_replay(fixture->reader, fixture->root, &everything, revision + 1, &revision, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_dry_run_and_limits(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  guint64 before = reader_get_revision(fixture->reader, NULL);
  Change *change = change_set(KEY, "v", "1");
  change->dry_run = TRUE;
  g_auto(Written) dry = writer_fixture_write(fixture, fixture->root, change);
  g_assert_cmpstr(dry.told, ==, ""); /* only a rollback's is told; others are counted */
  g_assert_cmpuint(dry.revision, ==, before);
  g_assert_cmpuint(reader_get_revision(fixture->reader, NULL), ==, before);

  change = change_new();
  g_autoptr(RegistryValue) limit = registry_value_new_uint32(REGISTRY_DWORD, 8, NULL);
  change_add_set_value(change, "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
                       "Maximum Value Size", limit);
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, change_set(KEY, "v", "abc"));
  ASSERT_REFUSED(fixture, fixture->root, change_set(KEY, "v", "abcd"),
                 REGISTRY_ERROR_LIMIT_EXCEEDED);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  static const struct {
    const char *name;
    void (*test)(WriterFixture *, gconstpointer);
  } tests[] = {
      {"/writer/new-database", test_new_database},
      {"/writer/set-and-get", test_set_and_get},
      {"/writer/restart", test_restart},
      {"/writer/links", test_links},
      {"/writer/delete-and-make-again", test_delete_and_make_again},
      {"/writer/rename-and-copy", test_rename_and_copy},
      {"/writer/preconditions", test_preconditions},
      {"/writer/access", test_access},
      {"/writer/pages", test_pages},
      {"/writer/replay", test_replay},
      {"/writer/dry-run-and-limits", test_dry_run_and_limits},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].name, WriterFixture, NULL, writer_fixture_set_up, tests[i].test,
               writer_fixture_tear_down);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* What the writer keeps of the past: going back, history, changes on trial, and how long
 * it lasts. */
#include "client/base/protocol.h"
#include "tests/unit/support/writer-fixture.h"

static Change *roll_back(const char *key, guint64 revision) {
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_ROLLBACK, key, &operation);
  operation->revision = revision;
  return change;
}

static void test_rollback(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a", "one", "1"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a", "two", "2"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a\\b", "three", "3"));
  ASSERT_DONE(fixture, fixture->root, change_link(KEY "\\a\\l", KEY "\\a"));
  ASSERT_DONE(fixture, fixture->root, change_list(KEY "\\a\\b", "user:1000", "write"));
  guint pages = 0;
  g_autofree char *before = writer_fixture_read_all(fixture, 0, &pages);
  guint64 then = reader_get_revision(fixture->reader, NULL);

  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_DELETE_VALUE, KEY "\\a", &operation);
  operation->name = g_strdup("one");
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a", "ONE", "other"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a\\new", "x", "y"));
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_TREE, KEY "\\a\\b", NULL));
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_KEY, KEY "\\a\\l", NULL));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\a\\L", "now", "a key"));

  for (guint32 limit = 0; limit < 4; limit++) {
    g_autofree char *past = writer_fixture_read_at(fixture, &then, limit, &pages);
    if (limit == 0)
      g_assert_cmpstr(past, ==, before);
  }
  ASSERT_REFUSED(fixture, fixture->alice, roll_back(KEY, then), REGISTRY_ERROR_ACCESS_DENIED);
  g_auto(Written) back = writer_fixture_write(fixture, fixture->root, roll_back(KEY, then));
  g_assert_cmpstr(back.message, ==, NULL);
  g_autofree char *after = writer_fixture_read_all(fixture, 0, &pages);
  g_assert_cmpstr(after, ==, before);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\a", "one", "1");
  ASSERT_DONE(fixture, fixture->alice, change_set(KEY "\\a\\b", "mine", "again"));

  /* And forward again, and all of it away and back. */
  ASSERT_DONE(fixture, fixture->root, roll_back(KEY, then));
  ASSERT_DONE(fixture, fixture->root, roll_back("HKLM", back.revision - 1));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\a\\L", "now", "a key");
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_TREE, KEY, NULL));
  ASSERT_DONE(fixture, fixture->root, roll_back(KEY, then));
  g_autofree char *again = writer_fixture_read_all(fixture, 0, &pages);
  g_assert_cmpstr(again, ==, before);
  g_auto(Written) nothing = writer_fixture_write(fixture, fixture->root, roll_back(KEY, then));
  g_assert_cmpstr(nothing.told, ==, "");
}

static char *history_of(WriterFixture *fixture, Identity *who, const char *key, guint32 limit) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) entries =
      reader_get_history(fixture->reader, who, key, &(HistoryOptions){.limit = limit}, &error);
  g_assert_no_error(error);
  GString *lines = g_string_new(NULL);
  for (guint i = 0; i < entries->len; i++) {
    const HistoryEntry *entry = g_ptr_array_index(entries, i);
    for (guint j = 0; j < entry->changes->len; j++) {
      const HistoryChange *change = g_ptr_array_index(entry->changes, j);
      g_autofree char *old =
          change->old_value != NULL ? registry_value_dup_string(change->old_value) : NULL;
      g_autofree char *new =
          change->new_value != NULL ? registry_value_dup_string(change->new_value) : NULL;
      g_string_append_printf(lines, "%s %s %s->%s\n", change_kind_get_name(change->kind),
                             change->name, old != NULL ? old : "", new != NULL ? new : "");
    }
  }
  return g_string_free(lines, FALSE);
}

static void test_history(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\h", "v", "1"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\h", "v", "2"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\other", "v", "2"));
  ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_TREE, KEY "\\h", NULL));
  g_autofree char *whole = history_of(fixture, fixture->alice, KEY "\\h", 10);
  g_assert_cmpstr(whole, ==,
                  "value-deleted v 2->\nkey-deleted  ->\nvalue-set v 1->2\n"
                  "key-created  ->\nvalue-set v ->1\n");
  g_autofree char *newest = history_of(fixture, fixture->root, "HKLM", 1);
  g_assert_cmpstr(newest, ==, "value-deleted v 2->\nkey-deleted  ->\n");

  /* What is closed today is closed for its past too. */
  ASSERT_DONE(fixture, fixture->root, change_list(KEY, "everyone", "none"));
  g_autoptr(GError) error = NULL;
  g_assert_null(reader_get_history(fixture->reader, fixture->alice, KEY "\\h",
                                   &(HistoryOptions){.limit = 10}, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);

  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_PURGE, KEY "\\h", &operation);
  operation->name = g_strdup("V");
  ASSERT_DONE(fixture, fixture->root, change);
  g_autofree char *purged = history_of(fixture, fixture->root, KEY "\\h", 10);
  g_assert_cmpstr(purged, ==,
                  "value-deleted v ->\nkey-deleted  ->\nvalue-set v ->\n"
                  "key-created  ->\nvalue-set v ->\n");
}

static void test_trial(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\t", "v", "before"));
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\t", "w", "before"));
  Change *change = change_set(KEY "\\t", "v", "tried");
  g_autoptr(RegistryValue) tried = registry_value_new_string(REGISTRY_SZ, "tried", NULL);
  change_add_set_value(change, KEY "\\t", "w", tried);
  change_add_set_value(change, KEY "\\t\\made", "x", tried);
  change->confirm_within = 1;
  g_auto(Written) first = writer_fixture_write(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, change_set(KEY "\\t", "w", "since"));
  /* A restart does not forget it. */
  writer_fixture_stop(fixture);
  writer_fixture_start(fixture);
  gint64 limit = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  while (reader_get_revision(fixture->reader, NULL) < first.revision + 2 &&
         g_get_monotonic_time() < limit)
    g_thread_yield();
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t", "v", "before");
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t", "w", "since");
  g_autofree char *missing = text_of_error(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t\\made", "x", missing);

  change = change_set(KEY "\\t", "v", "kept");
  change->confirm_within = 3600;
  g_auto(Written) second = writer_fixture_write(fixture, fixture->root, change);
  Operation *operation = NULL;
  change = change_of_one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_REFUSED(fixture, fixture->alice, change, REGISTRY_ERROR_ACCESS_DENIED);
  change = change_of_one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_DONE(fixture, fixture->root, change);
  change = change_of_one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_REFUSED(fixture, fixture->root, change, REGISTRY_ERROR_INVALID_VALUE);
  /* Its undoing may have waited for its turn meanwhile. */
  change = change_of_one(OPERATION_UNDO, "", &operation);
  operation->revision = second.revision;
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t", "v", "kept");
}

static void test_retention(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Change *change = change_new();
  g_autoptr(RegistryValue) limit = registry_value_new_uint32(REGISTRY_DWORD, 10, NULL);
  change_add_set_value(change, "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
                       "History Revisions", limit);
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->alice, change_set("HKCU\\x", "v", "kept"));
  static const ReplayScope everything = {LONG_KEY, TRUE, NULL};
  static const ReplayScope hers = {"HKEY_USERS\\1000", TRUE, NULL};
  guint64 users = reader_get_revision(fixture->reader, NULL);
  for (guint i = 0; i < 200; i++) {
    g_autofree char *key = g_strdup_printf(KEY "\\k%u", i);
    ASSERT_DONE(fixture, fixture->root, change_set(key, "v", "x"));
    ASSERT_DONE(fixture, fixture->root, change_of_one(OPERATION_DELETE_TREE, key, NULL));
  }
  guint64 now = reader_get_revision(fixture->reader, NULL);
  guint64 revision = 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) kept =
      reader_replay(fixture->reader, fixture->root, &everything, now - 10, &revision, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(kept->len, ==, 10);
  g_assert_null(
      reader_replay(fixture->reader, fixture->root, &everything, now - 11, &revision, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_HISTORY_GONE);
  g_clear_error(&error);
  g_autoptr(GPtrArray) theirs =
      reader_replay(fixture->reader, fixture->alice, &hers, users - 1, &revision, &error);
  g_assert_no_error(error);
  ASSERT_REFUSED(fixture, fixture->root, roll_back(KEY, now - 11), REGISTRY_ERROR_HISTORY_GONE);
  ASSERT_DONE(fixture, fixture->root, roll_back(KEY, now - 5));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  static const struct {
    const char *name;
    void (*test)(WriterFixture *, gconstpointer);
  } tests[] = {
      {"/writer-past/rollback", test_rollback},
      {"/writer-past/history", test_history},
      {"/writer-past/trial", test_trial},
      {"/writer-past/retention", test_retention},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].name, WriterFixture, NULL, writer_fixture_set_up, tests[i].test,
               writer_fixture_tear_down);
  return g_test_run();
}

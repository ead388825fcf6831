/* SPDX-License-Identifier: MIT */
/* The storage half of regd without a bus: changes through the writer, reads
 * through a reader, for several callers. */
#include <glib/gstdio.h>

#include "client/base/change.h"
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/read/reader.h"
#include "regd/write/writer.h"

typedef struct {
  char *directory;
  char *file;
  Writer *writer;
  Reader *reader;
  Identity *root;
  Identity *alice;
} Fixture;

static void start(Fixture *fixture) {
  g_autoptr(GError) error = NULL;
  fixture->writer = writer_start(fixture->file, NULL, NULL, NULL, &error);
  g_assert_no_error(error);
  fixture->reader = reader_open(fixture->file, &error);
  g_assert_no_error(error);
}

static void stop(Fixture *fixture) {
  g_clear_pointer(&fixture->reader, reader_close);
  g_clear_pointer(&fixture->writer, writer_stop);
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->directory = g_dir_make_tmp("regd-store-XXXXXX", &error);
  g_assert_no_error(error);
  fixture->file = g_build_filename(fixture->directory, "registry.db", NULL);
  fixture->root = identity_new(0, TRUE, NULL, 0, 1, "test");
  fixture->alice = identity_new(1000, FALSE, (guint32[]){1000, 50}, 2, 1, "test");
  start(fixture);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  stop(fixture);
  g_autoptr(GDir) directory = g_dir_open(fixture->directory, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(directory)) != NULL) {
    g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
    g_unlink(path);
  }
  g_rmdir(fixture->directory);
  g_free(fixture->directory);
  g_free(fixture->file);
  identity_unref(fixture->root);
  identity_unref(fixture->alice);
}

typedef struct {
  gboolean done;
  guint64 revision;
  int code; /* -1: it succeeded */
  char *message;
  char *told; /* "kind key name" a line */
} Outcome;

static void outcome_clear(Outcome *outcome) {
  g_free(outcome->message);
  g_free(outcome->told);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static char *tell(const Effective *effective) {
  GString *lines = g_string_new(NULL);
  for (guint i = 0; effective != NULL && i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    g_string_append_printf(lines, "%s %s %s\n", change_kind_get_name(entry->kind), entry->key,
                           entry->name);
  }
  return g_string_free(lines, FALSE);
}

static void note(const WriteResult *result, gpointer data) {
  Outcome *outcome = data;
  outcome->done = TRUE;
  outcome->revision = result->revision;
  outcome->code = result->error != NULL ? result->error->code : -1;
  outcome->message = result->error != NULL ? g_strdup(result->error->message) : NULL;
  outcome->told = tell(result->effective != NULL ? result->effective : result->would_do);
}

static Outcome write_as(Fixture *fixture, Identity *who, Change *change) {
  Outcome outcome = {0};
  writer_submit(fixture->writer, who, change, note, &outcome);
  while (!outcome.done)
    g_main_context_iteration(NULL, TRUE);
  return outcome;
}

static Change *one(OperationKind kind, const char *key, Operation **operation) {
  Change *change = change_new();
  Operation *made = change_add(change, kind, key);
  if (operation != NULL)
    *operation = made;
  return change;
}

static Change *set(const char *key, const char *name, const char *text) {
  Change *change = change_new();
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, text, NULL);
  change_add_set_value(change, key, name, value);
  return change;
}

static Change *link_to(const char *key, const char *target) {
  Operation *operation = NULL;
  Change *change = one(OPERATION_CREATE_LINK, key, &operation);
  operation->target = g_strdup(target);
  return change;
}

static Change *list(const char *key, const char *principal, const char *level) {
  Operation *operation = NULL;
  Change *change = one(OPERATION_SET_ACL, key, &operation);
  g_autofree char *who = g_strdup(principal);
  g_autofree char *what = g_strdup(level);
  AclText text = {.principal = who, .level = what};
  operation->acl = acl_new(&text, 1, NULL, NULL);
  operation->acl_free = (GDestroyNotify)acl_unref;
  return change;
}

static char *get(Fixture *fixture, Identity *who, const char *key, const char *name) {
  g_autoptr(GError) error = NULL;
  gboolean cached = FALSE;
  g_autoptr(RegistryValue) value =
      reader_get_value(fixture->reader, who, key, name, &cached, &error);
  if (value == NULL)
    return g_strdup_printf("error %d", error->code);
  return registry_value_dup_string(value);
}

#define ASSERT_VALUE(fixture, who, key, name, expected)                                            \
  do {                                                                                             \
    g_autofree char *got = get(fixture, who, key, name);                                           \
    g_assert_cmpstr(got, ==, expected);                                                            \
  } while (0)

#define ASSERT_REFUSED(fixture, who, change, expected)                                             \
  do {                                                                                             \
    g_auto(Outcome) refused = write_as(fixture, who, change);                                      \
    g_assert_cmpint(refused.code, ==, expected);                                                   \
  } while (0)

#define ASSERT_DONE(fixture, who, change) ASSERT_REFUSED(fixture, who, change, -1)

#define KEY "HKLM\\SOFTWARE\\Acme"
#define LONG_KEY "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"

static char *failed_with(RegistryError code) {
  return g_strdup_printf("error %d", code);
}

static void test_new_database(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
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
  g_autofree char *denied = failed_with(REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_VALUE(fixture, fixture->alice, "HKLM\\SAM\\Domains", "x", denied);
}

static void test_set_and_get(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Outcome) first = write_as(fixture, fixture->root, set(KEY "\\a/b\\C", "Name", "one"));
  g_assert_cmpint(first.code, ==, -1);
  g_assert_cmpstr(first.told, ==,
                  "key-created " LONG_KEY " \nkey-created " LONG_KEY "\\a/b \n"
                  "key-created " LONG_KEY "\\a/b\\C \nvalue-set " LONG_KEY "\\a/b\\C Name\n");
  ASSERT_VALUE(fixture, fixture->alice, "hklm\\software\\ACME\\A/B\\c\\", "NAME", "one");

  g_auto(Outcome) same = write_as(fixture, fixture->root, set(KEY "\\a/b\\C", "name", "one"));
  g_assert_cmpuint(same.revision, ==, first.revision);
  g_assert_cmpstr(same.told, ==, "");
  g_auto(Outcome) other = write_as(fixture, fixture->root, set(KEY "\\a/b\\C", "name", "two"));
  g_assert_cmpuint(other.revision, ==, first.revision + 1);
  g_assert_cmpstr(other.told, ==, "value-set " LONG_KEY "\\a/b\\C Name\n");
  ASSERT_REFUSED(fixture, fixture->alice, set(KEY, "x", "y"), REGISTRY_ERROR_ACCESS_DENIED);
}

static void test_restart(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Operation *operation = NULL;
  Change *change = one(OPERATION_CREATE_KEY, KEY "\\gone", &operation);
  operation->flags = OPERATION_VOLATILE;
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\gone\\below", "v", "x"));
  g_auto(Outcome) last = write_as(fixture, fixture->root, set(KEY, "kept", "x"));
  stop(fixture);
  start(fixture);
  ASSERT_VALUE(fixture, fixture->root, KEY, "kept", "x");
  g_autofree char *missing = failed_with(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\gone\\below", "v", missing);
  g_assert_cmpuint(reader_get_revision(fixture->reader, NULL), ==, last.revision + 1);
}

static void test_links(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, link_to(KEY "\\L", KEY "\\T"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\L\\x", "v", "through"));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\T\\x", "v", "through");
  ASSERT_DONE(fixture, fixture->root, link_to(KEY "\\A", KEY "\\B"));
  ASSERT_DONE(fixture, fixture->root, link_to(KEY "\\B", KEY "\\A"));
  g_autofree char *loop = failed_with(REGISTRY_ERROR_LINK_LOOP);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\A\\x", "v", loop);
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_KEY, KEY "\\L", NULL));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\T\\x", "v", "through");
  /* A user's link leads only inside his own key. */
  ASSERT_REFUSED(fixture, fixture->alice, link_to("HKCU\\out", "HKLM\\SAM"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_REFUSED(fixture, fixture->alice, link_to("HKU\\1000", "HKLM\\SAM"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_DONE(fixture, fixture->alice, link_to("HKCU\\in", "HKCU\\there"));
  ASSERT_DONE(fixture, fixture->alice, set("HKCU\\in", "v", "x"));
  ASSERT_VALUE(fixture, fixture->root, "HKU\\1000\\there", "v", "x");
  g_autofree char *denied = failed_with(REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_VALUE(fixture, fixture->root, "HKU\\1000\\in", "v", denied);
}

static void test_delete_and_make_again(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\S", "a", "1"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\S\\T", "b", "2"));
  ASSERT_REFUSED(fixture, fixture->root, one(OPERATION_DELETE_KEY, KEY "\\S", NULL),
                 REGISTRY_ERROR_KEY_NOT_EMPTY);
  guint64 before = reader_get_revision(fixture->reader, NULL);

  /* What is deleted and made again as it was is no difference. */
  Change *change = one(OPERATION_DELETE_TREE, KEY "\\S", NULL);
  g_autoptr(RegistryValue) old = registry_value_new_string(REGISTRY_SZ, "1", NULL);
  g_autoptr(RegistryValue) two = registry_value_new_string(REGISTRY_SZ, "2", NULL);
  change_add_set_value(change, KEY "\\S", "a", old);
  change_add_set_value(change, KEY "\\S\\T", "b", two);
  g_auto(Outcome) same = write_as(fixture, fixture->root, change);
  g_assert_cmpint(same.code, ==, -1);
  g_assert_cmpstr(same.told, ==, "");
  g_assert_cmpuint(same.revision, ==, before);

  change = one(OPERATION_DELETE_TREE, KEY "\\S", NULL);
  change_add_set_value(change, KEY "\\S", "a", two);
  g_auto(Outcome) changed = write_as(fixture, fixture->root, change);
  g_assert_cmpstr(changed.told, ==,
                  "value-deleted " LONG_KEY "\\S\\T b\nkey-deleted " LONG_KEY "\\S\\T \n"
                  "value-set " LONG_KEY "\\S a\n");
}

static void test_rename_and_copy(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\Old\\x", "v", "1"));
  Operation *operation = NULL;
  Change *change = one(OPERATION_RENAME_KEY, KEY "\\Old", &operation);
  operation->name = g_strdup("New");
  g_auto(Outcome) renamed = write_as(fixture, fixture->root, change);
  g_assert_cmpstr(renamed.told, ==,
                  "value-deleted " LONG_KEY "\\Old\\x v\nkey-deleted " LONG_KEY "\\Old\\x \n"
                  "key-deleted " LONG_KEY "\\Old \nkey-created " LONG_KEY "\\New \n"
                  "key-created " LONG_KEY "\\New\\x \nvalue-set " LONG_KEY "\\New\\x v\n");
  ASSERT_VALUE(fixture, fixture->root, KEY "\\new\\x", "v", "1");

  change = one(OPERATION_RENAME_KEY, KEY "\\new", &operation);
  operation->name = g_strdup("NEW");
  ASSERT_DONE(fixture, fixture->root, change);
  g_auto(GStrv) names = reader_list_keys(fixture->reader, fixture->root, KEY, NULL);
  g_assert_cmpstr(names[0], ==, "NEW");
  g_assert_null(names[1]);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\new\\x", "v", "1");

  change = one(OPERATION_COPY_KEY, KEY "\\NEW", &operation);
  operation->target = g_strdup(KEY "\\deep\\copy");
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\deep\\copy\\x", "v", "1");
}

static void test_preconditions(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_auto(Outcome) first = write_as(fixture, fixture->root, set(KEY "\\P", "v", "1"));
  Operation *operation = NULL;
  Change *change = one(OPERATION_EXPECT_REVISION, KEY, &operation);
  operation->revision = first.revision;
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\P", "v", "2"));
  change = one(OPERATION_EXPECT_REVISION, KEY, &operation);
  operation->revision = first.revision;
  change->indexed = TRUE;
  g_auto(Outcome) conflict = write_as(fixture, fixture->root, change);
  g_assert_cmpint(conflict.code, ==, REGISTRY_ERROR_CONFLICT);
  g_assert_true(g_str_has_prefix(conflict.message, "operation 0 (expect-revision): "));
  change = one(OPERATION_EXPECT_REVISION, "HKLM\\SYSTEM", &operation);
  operation->revision = first.revision;
  ASSERT_DONE(fixture, fixture->root, change);

  change = one(OPERATION_EXPECT_ABSENT, KEY "\\Q", &operation);
  operation->flags = OPERATION_KEY_ABSENT;
  ASSERT_DONE(fixture, fixture->root, change);
  change = one(OPERATION_EXPECT_ABSENT, KEY "\\P", &operation);
  operation->name = g_strdup("V");
  ASSERT_REFUSED(fixture, fixture->root, change, REGISTRY_ERROR_CONFLICT);
}

static void test_access(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\open", "v", "1"));
  ASSERT_DONE(fixture, fixture->root, list(KEY "\\open", "user:1000", "write"));
  ASSERT_DONE(fixture, fixture->alice, set(KEY "\\open\\mine", "v", "1"));
  ASSERT_REFUSED(fixture, fixture->alice, list(KEY "\\open", "user:1000", "control"),
                 REGISTRY_ERROR_ACCESS_DENIED);
  ASSERT_DONE(fixture, fixture->root, list(KEY "\\open\\mine", "everyone", "none"));
  ASSERT_REFUSED(fixture, fixture->alice, one(OPERATION_DELETE_TREE, KEY "\\open", NULL),
                 REGISTRY_ERROR_ACCESS_DENIED);

  g_autofree char *missing = failed_with(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->alice, "HKCU\\Software", "v", missing);
  ASSERT_DONE(fixture, fixture->alice, set("HKCU\\Software", "v", "mine"));
  ASSERT_VALUE(fixture, fixture->alice, "HKU\\1000\\Software", "v", "mine");
  g_autofree char *origin = NULL;
  g_autoptr(Acl) acl =
      reader_get_acl(fixture->reader, fixture->alice, "HKCU\\Software", &origin, NULL);
  g_assert_nonnull(acl);
  g_assert_cmpstr(origin, ==, "HKEY_USERS\\1000");
  ASSERT_REFUSED(fixture, fixture->alice, set("HKU\\1001\\x", "v", "x"),
                 REGISTRY_ERROR_ACCESS_DENIED);
}

static void collect(GString *lines, const ReadPage *page) {
  for (guint i = 0; i < page->keys->len; i++) {
    const ReadPageKey *key = g_ptr_array_index(page->keys, i);
    for (guint j = 0; j < key->values->len; j++)
      g_string_append_printf(lines, "%s:%s\n", key->path,
                             ((NamedValue *)g_ptr_array_index(key->values, j))->name);
    if (key->values->len == 0)
      g_string_append_printf(lines, "%s\n", key->path);
  }
}

static char *read_at(Fixture *fixture, const guint64 *at, guint32 limit, guint *pages) {
  GString *lines = g_string_new(NULL);
  g_autofree char *cursor = g_strdup("");
  *pages = 0;
  do {
    g_autoptr(GError) error = NULL;
    TreeOptions options = {
        .limit = limit, .cursor = cursor, .has_at = at != NULL, .at = at != NULL ? *at : 0};
    g_autoptr(ReadPage) page =
        reader_read_tree(fixture->reader, fixture->root, KEY, &options, &error);
    g_assert_no_error(error);
    collect(lines, page);
    g_free(cursor);
    cursor = g_strdup(page->cursor);
    g_assert_cmpuint(++*pages, <, 1000);
  } while (*cursor != '\0');
  return g_string_free(lines, FALSE);
}

static char *read_all(Fixture *fixture, guint32 limit, guint *pages) {
  return read_at(fixture, NULL, limit, pages);
}

static void test_pages(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Change *change = change_new();
  for (guint i = 0; i < 40; i++) {
    g_autofree char *key = g_strdup_printf(KEY "\\k%u\\s%u", i % 5, i % 3);
    g_autofree char *name = g_strdup_printf("v%u", i);
    g_autoptr(RegistryValue) value = registry_value_new_uint64(i);
    change_add_set_value(change, key, name, value);
  }
  ASSERT_DONE(fixture, fixture->root, change);
  guint pages = 0;
  g_autofree char *whole = read_all(fixture, 0, &pages);
  g_assert_cmpuint(pages, ==, 1);
  for (guint32 limit = 1; limit < 45; limit++) {
    g_autofree char *parts = read_all(fixture, limit, &pages);
    g_autoptr(GRegex) again = g_regex_new("^.*\\\\[ks][0-9]$\n", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *a = g_regex_replace(again, whole, -1, 0, "", 0, NULL);
    g_autofree char *b = g_regex_replace(again, parts, -1, 0, "", 0, NULL);
    g_assert_cmpstr(a, ==, b);
  }
}

static void test_replay(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const ReplayScope everything = {LONG_KEY, TRUE, NULL};
  g_auto(Outcome) first = write_as(fixture, fixture->root, set(KEY, "a", "1"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\R", "b", "1"));
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_TREE, KEY "\\R", NULL));
  guint64 revision = 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) replayed =
      reader_replay(fixture->reader, fixture->root, &everything, first.revision, &revision, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(revision, ==, first.revision + 2);
  g_assert_cmpuint(replayed->len, ==, 2);
  g_autofree char *told = tell(g_ptr_array_index(replayed, 1));
  g_assert_cmpstr(told, ==, "value-deleted " LONG_KEY "\\R b\nkey-deleted " LONG_KEY "\\R \n");
  g_assert_null(
      reader_replay(fixture->reader, fixture->root, &everything, revision + 1, &revision, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_dry_run_and_limits(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  guint64 before = reader_get_revision(fixture->reader, NULL);
  Change *change = set(KEY, "v", "1");
  change->dry_run = TRUE;
  g_auto(Outcome) dry = write_as(fixture, fixture->root, change);
  g_assert_cmpstr(dry.told, ==, "key-created " LONG_KEY " \nvalue-set " LONG_KEY " v\n");
  g_assert_cmpuint(dry.revision, ==, before);
  g_assert_cmpuint(reader_get_revision(fixture->reader, NULL), ==, before);

  change = change_new();
  g_autoptr(RegistryValue) limit = registry_value_new_uint32(REGISTRY_DWORD, 8, NULL);
  change_add_set_value(change, "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
                       "Maximum Value Size", limit);
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, set(KEY, "v", "abc"));
  ASSERT_REFUSED(fixture, fixture->root, set(KEY, "v", "abcd"), REGISTRY_ERROR_LIMIT_EXCEEDED);
}

static Change *roll_back(const char *key, guint64 revision) {
  Operation *operation = NULL;
  Change *change = one(OPERATION_ROLLBACK, key, &operation);
  operation->revision = revision;
  return change;
}

static void test_rollback(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a", "one", "1"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a", "two", "2"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a\\b", "three", "3"));
  ASSERT_DONE(fixture, fixture->root, link_to(KEY "\\a\\l", KEY "\\a"));
  ASSERT_DONE(fixture, fixture->root, list(KEY "\\a\\b", "user:1000", "write"));
  guint pages = 0;
  g_autofree char *before = read_all(fixture, 0, &pages);
  guint64 then = reader_get_revision(fixture->reader, NULL);

  Operation *operation = NULL;
  Change *change = one(OPERATION_DELETE_VALUE, KEY "\\a", &operation);
  operation->name = g_strdup("one");
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a", "ONE", "other"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a\\new", "x", "y"));
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_TREE, KEY "\\a\\b", NULL));
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_KEY, KEY "\\a\\l", NULL));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\a\\L", "now", "a key"));

  for (guint32 limit = 0; limit < 4; limit++) {
    g_autofree char *past = read_at(fixture, &then, limit, &pages);
    if (limit == 0)
      g_assert_cmpstr(past, ==, before);
  }
  ASSERT_REFUSED(fixture, fixture->alice, roll_back(KEY, then), REGISTRY_ERROR_ACCESS_DENIED);
  g_auto(Outcome) back = write_as(fixture, fixture->root, roll_back(KEY, then));
  g_assert_cmpstr(back.message, ==, NULL);
  g_autofree char *after = read_all(fixture, 0, &pages);
  g_assert_cmpstr(after, ==, before);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\a", "one", "1");
  ASSERT_DONE(fixture, fixture->alice, set(KEY "\\a\\b", "mine", "again"));

  /* And forward again, and all of it away and back. */
  ASSERT_DONE(fixture, fixture->root, roll_back(KEY, then));
  ASSERT_DONE(fixture, fixture->root, roll_back("HKLM", back.revision - 1));
  ASSERT_VALUE(fixture, fixture->root, KEY "\\a\\L", "now", "a key");
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_TREE, KEY, NULL));
  ASSERT_DONE(fixture, fixture->root, roll_back(KEY, then));
  g_autofree char *again = read_all(fixture, 0, &pages);
  g_assert_cmpstr(again, ==, before);
  g_auto(Outcome) nothing = write_as(fixture, fixture->root, roll_back(KEY, then));
  g_assert_cmpstr(nothing.told, ==, "");
}

static char *history_of(Fixture *fixture, Identity *who, const char *key, guint32 limit) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) entries =
      reader_get_history(fixture->reader, who, key, FALSE, limit, 0, &error);
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

static void test_history(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\h", "v", "1"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\h", "v", "2"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\other", "v", "2"));
  ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_TREE, KEY "\\h", NULL));
  g_autofree char *whole = history_of(fixture, fixture->alice, KEY "\\h", 10);
  g_assert_cmpstr(whole, ==,
                  "value-deleted v 2->\nkey-deleted  ->\nvalue-set v 1->2\n"
                  "key-created  ->\nvalue-set v ->1\n");
  g_autofree char *newest = history_of(fixture, fixture->root, "HKLM", 1);
  g_assert_cmpstr(newest, ==, "value-deleted v 2->\nkey-deleted  ->\n");

  /* What is closed today is closed for its past too. */
  ASSERT_DONE(fixture, fixture->root, list(KEY, "everyone", "none"));
  g_autoptr(GError) error = NULL;
  g_assert_null(
      reader_get_history(fixture->reader, fixture->alice, KEY "\\h", FALSE, 10, 0, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);

  Operation *operation = NULL;
  Change *change = one(OPERATION_PURGE, KEY "\\h", &operation);
  operation->name = g_strdup("V");
  ASSERT_DONE(fixture, fixture->root, change);
  g_autofree char *purged = history_of(fixture, fixture->root, KEY "\\h", 10);
  g_assert_cmpstr(purged, ==,
                  "value-deleted v ->\nkey-deleted  ->\nvalue-set v ->\n"
                  "key-created  ->\nvalue-set v ->\n");
}

static void test_trial(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\t", "v", "before"));
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\t", "w", "before"));
  Change *change = set(KEY "\\t", "v", "tried");
  g_autoptr(RegistryValue) tried = registry_value_new_string(REGISTRY_SZ, "tried", NULL);
  change_add_set_value(change, KEY "\\t", "w", tried);
  change_add_set_value(change, KEY "\\t\\made", "x", tried);
  change->confirm_within = 1;
  g_auto(Outcome) first = write_as(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->root, set(KEY "\\t", "w", "since"));
  /* A restart does not forget it. */
  stop(fixture);
  start(fixture);
  gint64 limit = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
  while (reader_get_revision(fixture->reader, NULL) < first.revision + 2 &&
         g_get_monotonic_time() < limit)
    g_thread_yield();
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t", "v", "before");
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t", "w", "since");
  g_autofree char *missing = failed_with(REGISTRY_ERROR_KEY_NOT_FOUND);
  ASSERT_VALUE(fixture, fixture->root, KEY "\\t\\made", "x", missing);

  change = set(KEY "\\t", "v", "kept");
  change->confirm_within = 3600;
  g_auto(Outcome) second = write_as(fixture, fixture->root, change);
  Operation *operation = NULL;
  change = one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_REFUSED(fixture, fixture->alice, change, REGISTRY_ERROR_ACCESS_DENIED);
  change = one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_DONE(fixture, fixture->root, change);
  change = one(OPERATION_CONFIRM, "", &operation);
  operation->revision = second.revision;
  ASSERT_REFUSED(fixture, fixture->root, change, REGISTRY_ERROR_INVALID_VALUE);
}

static void test_retention(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Change *change = change_new();
  g_autoptr(RegistryValue) limit = registry_value_new_uint32(REGISTRY_DWORD, 10, NULL);
  change_add_set_value(change, "HKLM\\SYSTEM\\CurrentControlSet\\Services\\regd\\Parameters",
                       "History Revisions", limit);
  ASSERT_DONE(fixture, fixture->root, change);
  ASSERT_DONE(fixture, fixture->alice, set("HKCU\\x", "v", "kept"));
  static const ReplayScope everything = {LONG_KEY, TRUE, NULL};
  static const ReplayScope hers = {"HKEY_USERS\\1000", TRUE, NULL};
  guint64 users = reader_get_revision(fixture->reader, NULL);
  for (guint i = 0; i < 200; i++) {
    g_autofree char *key = g_strdup_printf(KEY "\\k%u", i);
    ASSERT_DONE(fixture, fixture->root, set(key, "v", "x"));
    ASSERT_DONE(fixture, fixture->root, one(OPERATION_DELETE_TREE, key, NULL));
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
    void (*test)(Fixture *, gconstpointer);
  } tests[] = {
      {"/store/new-database", test_new_database},
      {"/store/set-and-get", test_set_and_get},
      {"/store/restart", test_restart},
      {"/store/links", test_links},
      {"/store/delete-and-make-again", test_delete_and_make_again},
      {"/store/rename-and-copy", test_rename_and_copy},
      {"/store/preconditions", test_preconditions},
      {"/store/access", test_access},
      {"/store/pages", test_pages},
      {"/store/replay", test_replay},
      {"/store/dry-run-and-limits", test_dry_run_and_limits},
      {"/store/rollback", test_rollback},
      {"/store/history", test_history},
      {"/store/trial", test_trial},
      {"/store/retention", test_retention},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].test, tear_down);
  return g_test_run();
}

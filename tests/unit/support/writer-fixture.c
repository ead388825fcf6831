/* SPDX-License-Identifier: MIT */
/* See writer-fixture.h. */
#include "tests/unit/support/writer-fixture.h"

#include <glib/gstdio.h>

void writer_fixture_start(WriterFixture *fixture) {
  g_autoptr(GError) error = NULL;
  fixture->writer = writer_start(fixture->file, NULL, NULL, NULL, &error);
  g_assert_no_error(error);
  fixture->reader = reader_open(fixture->file, &error);
  g_assert_no_error(error);
}

void writer_fixture_stop(WriterFixture *fixture) {
  g_clear_pointer(&fixture->reader, reader_close);
  g_clear_pointer(&fixture->writer, writer_stop);
}

void writer_fixture_set_up(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->directory = g_dir_make_tmp("regd-store-XXXXXX", &error);
  g_assert_no_error(error);
  fixture->file = g_build_filename(fixture->directory, "registry.db", NULL);
  fixture->root = identity_new(0, TRUE, NULL, 0, 1, "test");
  fixture->alice = identity_new(1000, FALSE, (guint32[]){1000, 50}, 2, 1, "test");
  writer_fixture_start(fixture);
}

void writer_fixture_tear_down(WriterFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  writer_fixture_stop(fixture);
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

void written_clear(Written *outcome) {
  g_free(outcome->message);
  g_free(outcome->told);
}

char *text_of_effective(const Effective *effective) {
  GString *lines = g_string_new(NULL);
  for (guint i = 0; effective != NULL && i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    g_string_append_printf(lines, "%s %s %s\n", change_kind_get_name(entry->kind), entry->key,
                           entry->name);
  }
  return g_string_free(lines, FALSE);
}

static void note(const WriteResult *result, gpointer data) {
  Written *outcome = data;
  outcome->done = TRUE;
  outcome->revision = result->revision;
  outcome->code = result->error != NULL ? result->error->code : -1;
  outcome->message = result->error != NULL ? g_strdup(result->error->message) : NULL;
  outcome->told =
      text_of_effective(result->effective != NULL ? result->effective : result->would_do);
}

Written writer_fixture_write(WriterFixture *fixture, Identity *who, Change *change) {
  Written outcome = {0};
  writer_submit(fixture->writer, who, change, note, &outcome);
  while (!outcome.done)
    g_main_context_iteration(NULL, TRUE);
  return outcome;
}

Change *change_of_one(OperationKind kind, const char *key, Operation **operation) {
  Change *change = change_new();
  Operation *made = change_add(change, kind, key);
  if (operation != NULL)
    *operation = made;
  return change;
}

Change *change_set(const char *key, const char *name, const char *text) {
  Change *change = change_new();
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, text, NULL);
  change_add_set_value(change, key, name, value);
  return change;
}

Change *change_link(const char *key, const char *target) {
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_CREATE_LINK, key, &operation);
  operation->target = g_strdup(target);
  return change;
}

Change *change_list(const char *key, const char *principal, const char *level) {
  Operation *operation = NULL;
  Change *change = change_of_one(OPERATION_SET_ACL, key, &operation);
  g_autofree char *who = g_strdup(principal);
  g_autofree char *what = g_strdup(level);
  AclText text = {.principal = who, .level = what};
  operation->acl = acl_new(&text, 1, NULL, NULL);
  operation->acl_free = (GDestroyNotify)acl_unref;
  return change;
}

char *writer_fixture_get(WriterFixture *fixture, Identity *who, const char *key, const char *name) {
  g_autoptr(GError) error = NULL;
  gboolean cached = FALSE;
  g_autoptr(RegistryValue) value =
      reader_get_value(fixture->reader, who, key, name, &cached, &error);
  if (value == NULL)
    return g_strdup_printf("error %d", error->code);
  return registry_value_dup_string(value);
}

char *text_of_error(RegistryError code) {
  return g_strdup_printf("error %d", code);
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

char *writer_fixture_read_at(WriterFixture *fixture, const guint64 *at, guint32 limit,
                             guint *pages) {
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

char *writer_fixture_read_all(WriterFixture *fixture, guint32 limit, guint *pages) {
  return writer_fixture_read_at(fixture, NULL, limit, pages);
}

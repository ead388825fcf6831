/* SPDX-License-Identifier: MIT */
/* See store-fixture.h. */
#include "tests/unit/support/store-fixture.h"

#include <glib/gstdio.h>

#include "client/base/protocol.h"
#include "regd/upkeep/seed.h"

#define START ((gint64)1000000 * G_USEC_PER_SEC)

void store_fixture_set_up(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  fixture->directory = g_dir_make_tmp("regd-unit-XXXXXX", &error);
  g_assert_no_error(error);
  g_autofree char *file = g_build_filename(fixture->directory, "registry.db", NULL);
  fixture->store = store_open(file, DB_WRITE, &error);
  g_assert_no_error(error);
  fixture->root = identity_new(0, TRUE, NULL, 0, 1, "test");
  fixture->places = place_cache_new();
  fixture->counts = retention_counts_new();
  fixture->settings = (LiveSettings){.maximum_value_size = LIMIT_VALUE_SIZE_DEFAULT,
                                     .history_revisions = LIMIT_HISTORY_REVISIONS_DEFAULT,
                                     .history_bytes_per_user = LIMIT_USER_HISTORY_BYTES_DEFAULT,
                                     .stored_bytes_per_user = LIMIT_STORED_BYTES_DEFAULT,
                                     .locks_per_user = LIMIT_LOCKS_DEFAULT,
                                     .steps_per_change = LIMIT_CHANGE_STEPS_DEFAULT};
  fixture->now = START;
  g_assert_true(store_begin_write(fixture->store, &error));
  g_assert_true(seed_roots(fixture->store, fixture->now, &error));
}

void store_fixture_tear_down(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  store_abandon(fixture->store);
  store_close(fixture->store);
  place_cache_free(fixture->places);
  retention_counts_free(fixture->counts);
  identity_unref(fixture->root);
  g_autoptr(GDir) directory = g_dir_open(fixture->directory, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(directory)) != NULL) {
    g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
    g_unlink(path);
  }
  g_rmdir(fixture->directory);
  g_free(fixture->directory);
}

static Change *new_change(const OperationRow *rows) {
  Change *change = change_new();
  for (; rows->key != NULL; rows++) {
    Operation *operation = change_add(change, rows->kind, rows->key);
    operation->name = g_strdup(rows->name);
    operation->class_name = g_strdup(rows->class_name);
    operation->target = g_strdup(rows->target);
    if (rows->text != NULL)
      operation->value = registry_value_new_string(REGISTRY_SZ, rows->text, NULL);
  }
  return change;
}

static char *describe(const Effective *effective) {
  GString *lines = g_string_new(NULL);
  for (guint i = 0; effective != NULL && i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    g_string_append_printf(lines, "%s %s %s\n", change_kind_get_name(entry->kind), entry->key,
                           entry->name);
  }
  return g_string_free(lines, FALSE);
}

char *store_fixture_apply(StoreFixture *fixture, const OperationRow *rows) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Change) change = new_change(rows);
  WriteResult result = {0};
  const ApplyContext context = {.store = fixture->store,
                                .places = fixture->places,
                                .counts = fixture->counts,
                                .settings = &fixture->settings,
                                .revision = fixture->revision,
                                .now = fixture->now};
  (void)apply_change(&context, fixture->root, change, &result, &error);
  g_assert_no_error(error);
  g_assert_true(retention_counts_write(fixture->counts, fixture->store, &error));
  fixture->revision = result.revision;
  char *described = describe(result.effective);
  write_result_clear(&result);
  return described;
}

void store_fixture_set(StoreFixture *fixture, const char *key, const char *name, const char *text) {
  const OperationRow rows[] = {
      {.kind = OPERATION_SET_VALUE, .key = key, .name = name, .text = text}, {0}};
  g_free(store_fixture_apply(fixture, rows));
}

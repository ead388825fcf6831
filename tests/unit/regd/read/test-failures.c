/* SPDX-License-Identifier: MIT */
/* A reading that fails, or has to end, is not taken for an answer. */
#include "client/base/error.h"
#include "regd/read/route.h"
#include "tests/unit/support/store-fixture.h"

#define CLOSED "HKEY_USERS\\0\\Closed"
#define CHANGES 3000U /* enough for a reading of the past to ask now and then */
#define ALICE 1000U

typedef struct {
  StoreFixture store;
  Reader *reader;
  Identity *alice;
  guint64 first; /* revision; CHANGES more follow */
  guint asked;   /* how often the reading asked whether it may go on */
  guint allowed;
} Fixture;

static void commit(Fixture *fixture) {
  g_autoptr(GError) error = NULL;
  (void)store_commit(fixture->store.store, &error);
  g_assert_no_error(error);
}

static void set_up(Fixture *fixture, gconstpointer data) {
  g_autoptr(GError) error = NULL;
  store_fixture_set_up(&fixture->store, data);
  store_fixture_set(&fixture->store, CLOSED, "v", "x");
  fixture->first = fixture->store.revision;
  for (guint i = 0; i < CHANGES; i++)
    store_fixture_set(&fixture->store, CLOSED, "v", i % 2 == 0 ? "y" : "z");
  commit(fixture);
  g_autofree char *file = g_build_filename(fixture->store.directory, "registry.db", NULL);
  fixture->reader = reader_open(file, &error);
  g_assert_no_error(error);
  fixture->alice = identity_new(ALICE, FALSE, NULL, 0, 1, "test");
}

static void tear_down(Fixture *fixture, gconstpointer data) {
  identity_unref(fixture->alice);
  reader_close(fixture->reader);
  store_fixture_tear_down(&fixture->store, data);
}

static void a_key_that_cant_be_read_is_not_missing(Fixture *fixture,
                                                   G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  g_assert_true(store_begin_write(fixture->store.store, &error));
  g_assert_true(
      db_execute(store_get_db(fixture->store.store), "ALTER TABLE keys RENAME TO gone", &error));
  commit(fixture);
  g_assert_null(
      route_links_find(fixture->reader, fixture->store.root, CLOSED "\\Link", FALSE, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_STORAGE_FAILURE);
}

static gboolean ask(gpointer data, GError **error) {
  Fixture *fixture = data;
  return fixture->asked++ < fixture->allowed ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "no more");
}

/* Wherever it has to end. */
static void what_had_to_end_is_not_refused(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  const TreeOptions options = {.skip_unreadable = TRUE, .has_at = TRUE, .at = fixture->first};
  for (fixture->allowed = 0;; fixture->allowed++) {
    g_autoptr(GError) error = NULL;
    fixture->asked = 0;
    reader_watch(fixture->reader, ask, fixture);
    g_assert_null(reader_read_tree(fixture->reader, fixture->alice, CLOSED, &options, &error));
    if (fixture->asked <= fixture->allowed) {
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
      break;
    }
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  }
  g_assert_cmpuint(fixture->allowed, >, 1);
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer)) {
  g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add("/failures/a-key-that-cant-be-read-is-not-missing", a_key_that_cant_be_read_is_not_missing);
  add("/failures/what-had-to-end-is-not-refused", what_had_to_end_is_not_refused);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* What is replayed of a history that is longer than what is told one by one. */
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history/record.h"
#include "tests/unit/support/store-fixture.h"

#define KEY "HKEY_LOCAL_MACHINE\\SOFTWARE"
#define OTHER "HKEY_LOCAL_MACHINE\\OTHER"

/* There is history of what follows only. */
static void set_up(StoreFixture *fixture, gconstpointer data) {
  store_fixture_set_up(fixture, data);
  store_fixture_set(fixture, KEY, "v", "x");
  store_fixture_set(fixture, OTHER, "v", "x");
  g_assert_true(db_execute(store_get_db(fixture->store), "DELETE FROM history", NULL));
}

/* The newest revision happens again until there are so many like it. */
static void repeat(StoreFixture *fixture, guint times) {
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = g_strdup_printf(
      "WITH RECURSIVE numbers(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM numbers WHERE n < %u)"
      " INSERT INTO history(revision, sequence, key, run)"
      " SELECT revision + n, sequence, key, run FROM history, numbers"
      " WHERE revision = %" G_GUINT64_FORMAT,
      times - 1, fixture->revision);
  (void)db_execute(store_get_db(fixture->store), sql, &error);
  g_assert_no_error(error);
  fixture->revision += times - 1;
}

/* More than a signal tells. */
static void set_many(StoreFixture *fixture) {
  g_autofree OperationRow *rows = g_new0(OperationRow, LIMIT_SIGNAL_CHANGES + 2);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i <= LIMIT_SIGNAL_CHANGES; i++) {
    g_ptr_array_add(names, g_strdup_printf("%u", i));
    rows[i] = (OperationRow){
        .kind = OPERATION_SET_VALUE, .key = KEY, .name = names->pdata[i], .text = "y"};
  }
  g_free(store_fixture_apply(fixture, rows));
}

static void expect(StoreFixture *fixture, guint replayed, gboolean gives_up) {
  g_autoptr(GError) error = NULL;
  g_autofree char *fold = path_fold(KEY);
  const HistoryListener listener = {.watched = fold};
  g_autoptr(GPtrArray) effectives = history_replay(fixture->store, 0, &listener, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(effectives->len, ==, replayed);
  const Effective *last = g_ptr_array_index(effectives, replayed - 1);
  g_assert_cmpint(last->too_many, ==, gives_up);
  g_assert_cmpuint(last->entries->len, ==, gives_up ? 0 : 1);
}

static void what_can_be_told_is(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  store_fixture_set(fixture, KEY, "v", "y");
  repeat(fixture, LIMIT_REPLAY_CHANGES);
  store_fixture_set(fixture, OTHER, "v", "y");
  expect(fixture, LIMIT_REPLAY_CHANGES, FALSE);
}

static void what_others_hear_of_does_not_count(StoreFixture *fixture,
                                               G_GNUC_UNUSED gconstpointer data) {
  store_fixture_set(fixture, KEY, "v", "y");
  repeat(fixture, LIMIT_REPLAY_CHANGES);
  store_fixture_set(fixture, OTHER, "v", "y");
  store_fixture_set(fixture, KEY, "v", "z");
  expect(fixture, LIMIT_REPLAY_CHANGES + 1, TRUE);
}

static void the_last_stands_for_the_rest(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  set_many(fixture);
  store_fixture_set(fixture, KEY, "v", "y");
  repeat(fixture, LIMIT_REPLAY_CHANGES + 100);
  expect(fixture, LIMIT_REPLAY_CHANGES + 1, TRUE);
}

static void add(const char *path, void (*test)(StoreFixture *, gconstpointer)) {
  g_test_add(path, StoreFixture, NULL, set_up, test, store_fixture_tear_down);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  add("/replay/what-can-be-told-is", what_can_be_told_is);
  add("/replay/what-others-hear-of-does-not-count", what_others_hear_of_does_not_count);
  add("/replay/the-last-stands-for-the-rest", the_last_stands_for_the_rest);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* How far history reaches, by number and by age, and what pruning deletes of it. */
#include "regd/history/record.h"
#include "regd/history/retention.h"
#include "regd/history/trials.h"
#include "tests/unit/support/store-fixture.h"

#define MACHINE "HKEY_LOCAL_MACHINE\\T"
#define ALICE "HKEY_USERS\\1000\\T"
#define BOB "HKEY_USERS\\1001\\T"
#define USERS "HKEY_USERS"
#define DAY ((gint64)86400 * G_USEC_PER_SEC)

static void scopes_are_roots_and_users(void) {
  static const struct {
    const char *a, *b;
    gboolean same;
  } rows[] = {
      {MACHINE, "HKEY_LOCAL_MACHINE", TRUE},
      {MACHINE, USERS, FALSE},
      {ALICE, "HKEY_USERS\\1000", TRUE},
      {ALICE, BOB, FALSE},
      {ALICE, USERS, FALSE},
      {"HKEY_USERS\\.DEFAULT", USERS, TRUE},
      {"HKEY_USERS\\01000", USERS, TRUE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmpint(retention_get_scope(rows[i].a) == retention_get_scope(rows[i].b), ==,
                    rows[i].same);
}

static void set_times(StoreFixture *fixture, const char *key, guint times) {
  for (guint i = 0; i < times; i++) {
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, fixture->revision);
    store_fixture_set(fixture, key, "v", text);
  }
}

static Retention get_retention(const StoreFixture *fixture) {
  return (Retention){fixture->store, &fixture->settings, fixture->now};
}

static guint64 get_limit(const StoreFixture *fixture, const char *path) {
  const Retention retention = get_retention(fixture);
  guint64 limit = 0;
  g_assert_true(retention_get_limit(&retention, path, &limit, NULL));
  return limit;
}

static void each_scope_counts_by_itself(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->settings.history_revisions = 2;
  set_times(fixture, ALICE, 1);   /* 1 */
  set_times(fixture, MACHINE, 4); /* 2 to 5 */
  set_times(fixture, ALICE, 1);   /* 6 */
  set_times(fixture, BOB, 3);     /* 7 to 9 */
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 3);
  g_assert_cmpuint(get_limit(fixture, ALICE), ==, 0);
  g_assert_cmpuint(get_limit(fixture, BOB), ==, 7);
  g_assert_cmpuint(get_limit(fixture, USERS), ==, 7);
}

static void a_setting_holds_at_once(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  set_times(fixture, MACHINE, 5);
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 0);
  fixture->settings.history_revisions = 1;
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 4);
  fixture->settings.history_revisions = 5;
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 0);
}

static void age_counts_too(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->settings.history_days = 3;
  for (guint i = 0; i < 6; i++) {
    set_times(fixture, MACHINE, 1);
    set_times(fixture, ALICE, 1); /* so that each stands in a row of its own */
    fixture->now += DAY;
  }
  /* The third change of MACHINE, revision 5, is four days old, the fourth three. */
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 5);
  fixture->settings.history_revisions = 1;
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 9);
}

static gboolean is_kept(const StoreFixture *fixture, guint64 revision) {
  g_autoptr(RevisionRow) row = NULL;
  g_assert_true(history_get_revision(fixture->store, revision, &row, NULL));
  return row != NULL;
}

/* Prunes step by step, and returns how many steps it took. */
static guint prune(const StoreFixture *fixture, guint amount) {
  const Retention retention = get_retention(fixture);
  gboolean more = TRUE;
  guint steps = 0;
  for (; more; steps++)
    g_assert_true(retention_prune(&retention, amount, &more, NULL));
  return steps;
}

static void what_is_out_of_reach_is_deleted(StoreFixture *fixture,
                                            G_GNUC_UNUSED gconstpointer data) {
  fixture->settings.history_revisions = 2;
  set_times(fixture, MACHINE, 5);
  set_times(fixture, ALICE, 2); /* 6 and 7 */
  g_assert_cmpuint(prune(fixture, 1), >, 3);
  for (guint64 revision = 1; revision <= 7; revision++)
    g_assert_cmpint(is_kept(fixture, revision), ==, revision > 3);
  g_assert_cmpuint(prune(fixture, 100), ==, 1);
  /* What is deleted stays out of reach, whatever the setting. */
  fixture->settings.history_revisions = 100;
  g_assert_cmpuint(get_limit(fixture, MACHINE), ==, 3);
}

/* Of a revision that touched two scopes, each loses its own rows. */
static void scopes_are_pruned_apart(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  static const OperationRow both[] = {
      {.kind = OPERATION_SET_VALUE, .key = MACHINE, .name = "v", .text = "both"},
      {.kind = OPERATION_SET_VALUE, .key = ALICE, .name = "v", .text = "both"},
      {0}};
  fixture->settings.history_revisions = 1;
  g_free(store_fixture_apply(fixture, both));
  set_times(fixture, MACHINE, 2);
  (void)prune(fixture, 100);
  g_assert_true(is_kept(fixture, 1));
  g_assert_false(is_kept(fixture, 2));
  g_assert_cmpuint(get_limit(fixture, ALICE), ==, 0);
  set_times(fixture, ALICE, 1);
  (void)prune(fixture, 100);
  g_assert_false(is_kept(fixture, 1));
}

static void a_trial_is_not_pruned(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->settings.history_revisions = 1;
  set_times(fixture, MACHINE, 4);
  const Trial trial = {.revision = 2, .deadline = fixture->now + DAY, .allowed = 1};
  g_assert_true(trials_add(fixture->store, &trial, NULL));
  (void)prune(fixture, 100);
  g_assert_false(is_kept(fixture, 1));
  g_assert_true(is_kept(fixture, 2));
  g_assert_true(is_kept(fixture, 3));
  g_assert_true(trials_remove(fixture->store, 2, NULL));
  (void)prune(fixture, 100);
  g_assert_false(is_kept(fixture, 3));
  g_assert_true(is_kept(fixture, 4));
}

#define TEST(name, function)                                                                       \
  g_test_add("/retention/" name, StoreFixture, NULL, store_fixture_set_up, function,               \
             store_fixture_tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/retention/scopes are roots and users", scopes_are_roots_and_users);
  TEST("each scope counts by itself", each_scope_counts_by_itself);
  TEST("a setting holds at once", a_setting_holds_at_once);
  TEST("age counts too", age_counts_too);
  TEST("what is out of reach is deleted", what_is_out_of_reach_is_deleted);
  TEST("scopes are pruned apart", scopes_are_pruned_apart);
  TEST("a trial is not pruned", a_trial_is_not_pruned);
  return g_test_run();
}

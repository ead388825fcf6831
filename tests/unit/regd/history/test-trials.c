/* SPDX-License-Identifier: MIT */
/* Rows of trials: who has what on trial until when, and which ended ones are remembered. */
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/history/trials.h"
#include "tests/unit/support/store-fixture.h"

#define ALICE 1000U
/* Of each trial, and of all of a user's together. */
#define STEPS 10U
#define ALLOWED 1000U
#define BOB 1001U

static const guint32 groups[] = {7, 4294967294U};

static gboolean try_to_add(StoreFixture *fixture, guint64 revision, guint32 uid, gint64 deadline,
                           GError **error) {
  g_autoptr(Identity) who = identity_new(uid, FALSE, groups, G_N_ELEMENTS(groups), 1, "x");
  const Trial trial = {.revision = revision,
                       .uid = uid,
                       .deadline = deadline,
                       .steps = STEPS,
                       .allowed = ALLOWED,
                       .maker = who};
  return trials_add(fixture->store, &trial, error);
}

static void add(StoreFixture *fixture, guint64 revision, guint32 uid, gint64 deadline) {
  g_autoptr(GError) error = NULL;
  (void)try_to_add(fixture, revision, uid, deadline, &error);
  g_assert_no_error(error);
}

static void assert_next(StoreFixture *fixture, guint64 revision, gint64 deadline) {
  Trial next;
  g_assert_true(trials_get_next(fixture->store, FALSE, &next, NULL));
  g_assert_cmpuint(next.revision, ==, revision);
  g_assert_cmpint(next.deadline, ==, deadline);
}

static gboolean is_on_trial(StoreFixture *fixture, guint64 revision) {
  gboolean found = FALSE;
  g_assert_true(trials_find(fixture->store, revision, &found, NULL));
  return found;
}

static gboolean is_ended(StoreFixture *fixture, guint64 revision) {
  gboolean ended = FALSE;
  g_assert_true(trials_is_ended(fixture->store, revision, &ended, NULL));
  return ended;
}

static void the_first_deadline_is_next(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  assert_next(fixture, 0, 0);
  add(fixture, 5, ALICE, 300);
  add(fixture, 6, ALICE, 100);
  add(fixture, 7, BOB, 200);
  assert_next(fixture, 6, 100);
  g_assert_true(trials_remove(fixture->store, 6, NULL));
  assert_next(fixture, 7, 200);
}

static void the_owner_is_known(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  add(fixture, 5, BOB, 300);
  g_assert_true(is_on_trial(fixture, 5));
  g_assert_false(is_on_trial(fixture, 6));
  g_assert_true(trials_remove(fixture->store, 5, NULL));
  g_assert_false(is_on_trial(fixture, 5));
}

static void a_trial_knows_its_maker(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  add(fixture, 5, ALICE, 300);
  g_autoptr(Identity) maker = trials_get_maker(fixture->store, 5, NULL);
  g_assert_cmpuint(maker->uid, ==, ALICE);
  /* The user who runs this is an administrator of its own. */
  g_assert_cmpint(maker->administrator, ==, getuid() == ALICE);
  g_assert_cmpmem(maker->groups, maker->n_groups * sizeof *maker->groups, groups, sizeof groups);
  /* A grant was for one call. */
  g_autoptr(Identity) granted = identity_new(BOB, TRUE, groups, G_N_ELEMENTS(groups), 1, "x");
  const Trial trial = {.revision = 7, .uid = BOB, .allowed = ALLOWED, .maker = granted};
  g_assert_true(trials_add(fixture->store, &trial, NULL));
  g_autoptr(Identity) plain = trials_get_maker(fixture->store, 7, NULL);
  g_assert_cmpint(plain->administrator, ==, getuid() == BOB);
  g_assert_cmpmem(plain->groups, plain->n_groups * sizeof *plain->groups, groups, sizeof groups);
  g_autoptr(Identity) nobody = trials_get_maker(fixture->store, 6, NULL);
  g_assert_true(nobody->administrator);
}

static void trials_of_a_user_are_limited(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  guint64 revision = 1;
  for (guint i = 0; i < LIMIT_TRIALS_PER_USER; i++)
    add(fixture, revision++, ALICE, 100);
  g_assert_false(try_to_add(fixture, revision, ALICE, 100, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  add(fixture, revision, BOB, 100);
}

/* Undoing all of a user's trials takes as long as one change may. */
static void steps_of_trials_are_limited(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  Trial large = {.revision = 1, .uid = ALICE, .deadline = 100, .steps = 600, .allowed = ALLOWED};
  g_assert_true(trials_add(fixture->store, &large, NULL));
  large.revision = 2;
  g_assert_false(trials_add(fixture->store, &large, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_LIMIT_EXCEEDED);
  g_assert_true(trials_remove(fixture->store, 1, NULL));
  g_assert_true(trials_add(fixture->store, &large, NULL));
}

/* 5 is under way; 6 is undone by 8, which is remembered too. */
static void end_within_another(StoreFixture *fixture) {
  add(fixture, 5, ALICE, 300);
  add(fixture, 6, BOB, 100);
  g_assert_true(trials_end(fixture->store, 6, 8, NULL));
  g_assert_true(trials_note_end(fixture->store, 8, NULL));
}

static void an_ended_one_is_no_trial(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  end_within_another(fixture);
  g_assert_false(is_on_trial(fixture, 6));
  g_assert_true(is_ended(fixture, 6));
  g_assert_true(is_ended(fixture, 8));
  g_assert_false(is_ended(fixture, 5));
  g_assert_false(is_ended(fixture, 7));
  assert_next(fixture, 5, 300);
}

static void ended_ones_are_kept_for_older_trials(StoreFixture *fixture,
                                                 G_GNUC_UNUSED gconstpointer data) {
  end_within_another(fixture);
  g_assert_true(trials_forget_ended(fixture->store, NULL));
  g_assert_true(is_ended(fixture, 6));
  g_assert_true(trials_remove(fixture->store, 5, NULL));
  g_assert_true(trials_forget_ended(fixture->store, NULL));
  g_assert_false(is_ended(fixture, 6));
  g_assert_false(is_ended(fixture, 8));
}

static void an_end_without_trials_is_not_noted(StoreFixture *fixture,
                                               G_GNUC_UNUSED gconstpointer data) {
  g_assert_true(trials_note_end(fixture->store, 8, NULL));
  g_assert_false(is_ended(fixture, 8));
}

/* 7 was made while 5 and 6 were on trial, which have ended since. */
static void those_ended_since_are_listed(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  add(fixture, 4, ALICE, 100);
  add(fixture, 5, ALICE, 100);
  add(fixture, 6, ALICE, 100);
  g_assert_true(trials_end(fixture->store, 4, 5, NULL));
  add(fixture, 7, ALICE, 300);
  g_assert_true(trials_end(fixture->store, 5, 8, NULL));
  g_assert_true(trials_end(fixture->store, 6, 9, NULL));
  g_autoptr(GArray) ended = trials_list_ended(fixture->store, 7, NULL);
  g_assert_nonnull(ended);
  g_assert_cmpuint(ended->len, ==, 2);
  g_assert_cmpuint(g_array_index(ended, guint64, 0), ==, 6);
  g_assert_cmpuint(g_array_index(ended, guint64, 1), ==, 5);
}

static void add_of_fleet(StoreFixture *fixture, guint64 revision, guint64 number) {
  const Trial trial = {.revision = revision, .deadline = 100, .fleet = number};
  g_assert_true(trials_add(fixture->store, &trial, NULL));
}

/* 4 is this host's own. */
static void those_of_a_fleet_go_on_if_they_are_kept(StoreFixture *fixture,
                                                    G_GNUC_UNUSED gconstpointer data) {
  static const guint64 kept[] = {31, 33};
  add(fixture, 4, ALICE, 100);
  for (guint i = 0; i < 3; i++)
    add_of_fleet(fixture, 5 + i, 31 + i);
  g_assert_true(trials_forget_fleet(fixture->store, kept, G_N_ELEMENTS(kept), NULL));
  g_assert_true(is_on_trial(fixture, 4));
  g_assert_true(is_on_trial(fixture, 5));
  g_assert_false(is_on_trial(fixture, 6));
  g_assert_true(is_on_trial(fixture, 7));
  g_assert_true(trials_forget_fleet(fixture->store, NULL, 0, NULL));
  g_assert_cmpuint(trials_count_fleet(fixture->store), ==, 0);
  assert_next(fixture, 4, 100);
}

static void assert_next_of_fleet(StoreFixture *fixture, guint64 revision, gint64 deadline) {
  Trial next;
  g_assert_true(trials_get_next(fixture->store, TRUE, &next, NULL));
  g_assert_cmpuint(next.revision, ==, revision);
  g_assert_cmpint(next.deadline, ==, deadline);
}

static void one_that_is_put_off_lets_the_next_go_first(StoreFixture *fixture,
                                                       G_GNUC_UNUSED gconstpointer data) {
  add(fixture, 4, ALICE, 100);
  add_of_fleet(fixture, 5, 31);
  add_of_fleet(fixture, 6, 32);
  g_assert_true(trials_postpone(fixture->store, 5, 200, NULL));
  assert_next_of_fleet(fixture, 6, 100);
  g_assert_true(trials_delay_fleet(fixture->store, 1000, NULL));
  assert_next_of_fleet(fixture, 6, 1100);
  assert_next(fixture, 4, 100);
}

#define TEST(name, function)                                                                       \
  g_test_add("/trials/" name, StoreFixture, NULL, store_fixture_set_up, function,                  \
             store_fixture_tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  TEST("the first deadline is next", the_first_deadline_is_next);
  TEST("the owner is known", the_owner_is_known);
  TEST("a trial knows its maker", a_trial_knows_its_maker);
  TEST("trials of a user are limited", trials_of_a_user_are_limited);
  TEST("steps of trials are limited", steps_of_trials_are_limited);
  TEST("an ended one is no trial", an_ended_one_is_no_trial);
  TEST("ended ones are kept for older trials", ended_ones_are_kept_for_older_trials);
  TEST("an end without trials is not noted", an_end_without_trials_is_not_noted);
  TEST("those ended since are listed", those_ended_since_are_listed);
  TEST("those of a fleet go on if they are kept", those_of_a_fleet_go_on_if_they_are_kept);
  TEST("one that is put off lets the next go first", one_that_is_put_off_lets_the_next_go_first);
  return g_test_run();
}

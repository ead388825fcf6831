/* SPDX-License-Identifier: MIT */
/* throttle.c: delays, locks and holds, with time as an argument. */
#include "mailauth/logins/throttle.h"
#define SECOND G_GINT64_CONSTANT(1000000)

static const ThrottleRules rules = {
    .failure_delay = 500, .lockout_threshold = 3, .lockout_seconds = 300};
static const ThrottleRules no_delay = {
    .failure_delay = 0, .lockout_threshold = 3, .lockout_seconds = 300};
static const ThrottleRules nothing = {0};

static ThrottleAnswer begin(Throttle *throttle, const ThrottleRules *with, const char *account,
                            const char *address, gint64 now, guint32 *wait) {
  return throttle_begin(throttle, with, &(ThrottleTry){account, address, now, 0}, wait);
}

static guint32 end(Throttle *throttle, const ThrottleRules *with, const char *account,
                   const char *address, gint64 now, ThrottleResult result) {
  guint32 wait = 0;
  throttle_end(throttle, with, &(ThrottleTry){account, address, now, 0}, result, &wait);
  return wait;
}

static guint32 fail(Throttle *throttle, const ThrottleRules *with, const char *account,
                    const char *address, gint64 now) {
  guint32 wait = 0;
  g_assert_cmpint(begin(throttle, with, account, address, now, &wait), ==, THROTTLE_GO);
  wait = end(throttle, with, account, address, now, THROTTLE_FAILURE);
  return wait;
}

static ThrottleAnswer ask(Throttle *throttle, const ThrottleRules *with, const char *account,
                          const char *address, gint64 now) {
  guint32 wait = 0;
  ThrottleAnswer answer = begin(throttle, with, account, address, now, &wait);
  if (answer == THROTTLE_GO)
    wait = end(throttle, with, account, address, now, THROTTLE_UNDECIDED);
  return answer;
}

static void count_held(G_GNUC_UNUSED const ThrottleHold *hold, gpointer data) {
  ++*(guint *)data;
}

static void test_delay_grows(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  g_assert_cmpuint(fail(throttle, &rules, "a", "x", 0), ==, 500);
  g_assert_cmpint(ask(throttle, &rules, "b", "x", 499000), ==, THROTTLE_WAIT);
  g_assert_cmpint(ask(throttle, &rules, "b", "y", 499000), ==, THROTTLE_GO);
  g_assert_cmpuint(fail(throttle, &rules, "b", "x", 500000), ==, 1000);
  g_assert_cmpuint(fail(throttle, &rules, "a", "x", 5 * SECOND), ==, 1500);
  /* Forgotten in time. */
  g_assert_cmpuint(fail(throttle, &rules, "a", "x", 400 * SECOND), ==, 500);
}

static void test_pair_is_locked(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  for (guint i = 0; i < 3; i++)
    fail(throttle, &no_delay, "a", "x", i);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 10), ==, THROTTLE_HELD);
  g_assert_cmpint(ask(throttle, &no_delay, "b", "x", 10), ==, THROTTLE_GO);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "y", 10), ==, THROTTLE_GO);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 299 * SECOND), ==, THROTTLE_HELD);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 301 * SECOND), ==, THROTTLE_GO);
}

static void test_threshold_zero_lifts(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  for (guint i = 0; i < 3; i++)
    fail(throttle, &no_delay, "a", "x", i);
  g_assert_cmpint(ask(throttle, &nothing, "a", "x", 10), ==, THROTTLE_GO);
}

static void test_address_is_held(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  const char *accounts[] = {"a", "b", "c", "d", "e", "f"};
  for (guint i = 0; i < G_N_ELEMENTS(accounts); i++)
    fail(throttle, &no_delay, accounts[i], "x", i);
  g_assert_cmpint(ask(throttle, &no_delay, "new", "x", 10), ==, THROTTLE_HELD);
  g_assert_cmpint(ask(throttle, &no_delay, "new", "y", 10), ==, THROTTLE_GO);
}

/* One good account must not wash away the failures of the others. */
static void test_success_clears_its_pair_alone(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  guint32 wait = 0;
  for (guint i = 0; i < 3; i++)
    fail(throttle, &no_delay, "victim", "x", i);
  fail(throttle, &no_delay, "own", "x", 5);
  g_assert_cmpint(begin(throttle, &no_delay, "own", "x", 6, &wait), ==, THROTTLE_GO);
  end(throttle, &no_delay, "own", "x", 6, THROTTLE_SUCCESS);
  g_assert_cmpint(ask(throttle, &no_delay, "victim", "x", 7), ==, THROTTLE_HELD);
}

/* Without an address the owner can't be told from others: they wait, and never longer than
 * a delay after the last failure, but nobody is locked out. */
static void test_no_address(void) {
  static const ThrottleRules delays = {
      .failure_delay = 500, .lockout_threshold = 3, .lockout_seconds = 300, .no_address = TRUE};
  g_autoptr(Throttle) throttle = throttle_new(100);
  guint32 wait = 0;
  gint64 now = 0;
  for (guint i = 0; i < 50; i++) {
    while (begin(throttle, &delays, "a", "account a", now, &wait) == THROTTLE_WAIT_FOR_ACCOUNT) {
      g_assert_cmpuint(wait, >, 0);
      g_assert_cmpuint(wait, <=, 5000);
      now += wait * 1000;
    }
    g_assert_cmpint(begin(throttle, &delays, "a", "account a", now, &wait), ==,
                    i == 0 ? THROTTLE_GO : THROTTLE_WAIT_FOR_ACCOUNT);
    end(throttle, &delays, "a", "account a", now, THROTTLE_FAILURE);
    if (i == 0)
      end(throttle, &delays, "a", "account a", now, THROTTLE_UNDECIDED);
  }
  g_assert_cmpint(ask(throttle, &delays, "a", "account a", now + 5 * SECOND), ==, THROTTLE_GO);
  guint held = 0;
  throttle_visit_held(throttle, &rules, now, count_held, &held);
  g_assert_cmpuint(held, ==, 0);
}

/* Tries at once are bounded before the first failure, too. */
static void test_no_address_many_at_once(void) {
  static const ThrottleRules delays = {
      .failure_delay = 500, .lockout_threshold = 3, .lockout_seconds = 300, .no_address = TRUE};
  g_autoptr(Throttle) throttle = throttle_new(100);
  guint32 wait = 0;
  guint begun = 0;
  for (guint i = 0; i < 100; i++)
    begun += begin(throttle, &delays, "a", "account a", 0, &wait) == THROTTLE_GO;
  g_assert_cmpuint(begun, ==, 16);
  end(throttle, &delays, "a", "account a", 0, THROTTLE_SUCCESS);
  g_assert_cmpint(begin(throttle, &delays, "a", "account a", 0, &wait), ==, THROTTLE_GO);
  g_assert_cmpint(begin(throttle, &delays, "a", "account a", 0, &wait), ==,
                  THROTTLE_WAIT_FOR_ACCOUNT);
}

/* Without an address an attacker can't be told from the owner: no bound per account. */
static void test_no_address_has_no_account_bound(void) {
  static const ThrottleRules bounded = {.lockout_threshold = 10,
                                        .lockout_seconds = 300,
                                        .failures_per_account = 5,
                                        .no_address = TRUE};
  g_autoptr(Throttle) throttle = throttle_new(100);
  for (guint i = 0; i < 30; i++)
    fail(throttle, &bounded, "a", "account a", 0);
  g_assert_cmpint(ask(throttle, &bounded, "a", "account a", 0), ==, THROTTLE_GO);
}

static void test_over_all_addresses(void) {
  static const ThrottleRules bounded = {.failure_delay = 0,
                                        .lockout_threshold = 10,
                                        .lockout_seconds = 300,
                                        .failures_per_account = 20};
  static const ThrottleRules lifted = {.lockout_seconds = 300, .failures_per_account = 20};
  g_autoptr(Throttle) throttle = throttle_new(1000);
  guint32 wait = 0;
  guint begun = 0;
  for (guint i = 0; i < 100; i++) {
    g_autofree char *address = g_strdup_printf("forged-%u", i);
    if (begin(throttle, &bounded, "a", address, 0, &wait) != THROTTLE_GO)
      continue;
    begun++;
    end(throttle, &bounded, "a", address, 0, THROTTLE_FAILURE);
  }
  g_assert_cmpuint(begun, ==, 20);
  g_assert_cmpint(ask(throttle, &bounded, "a", "new", 0), ==, THROTTLE_WAIT_FOR_ACCOUNT);
  g_autofree char *alarm = throttle_take_alarm(throttle);
  g_assert_nonnull(alarm);
  g_assert_cmpint(ask(throttle, &bounded, "b", "new", 0), ==, THROTTLE_GO);
  /* A threshold of 0 lifts it, and a release forgets it. */
  g_assert_cmpint(ask(throttle, &lifted, "a", "new", 0), ==, THROTTLE_GO);
  throttle_release(throttle, "a", NULL);
  g_assert_cmpint(ask(throttle, &bounded, "a", "new", 0), ==, THROTTLE_GO);
}

/* Many people come from a trusted address: their errors are their own. */
static void test_trusted(void) {
  static const ThrottleRules trusted = {
      .failure_delay = 500, .lockout_threshold = 3, .lockout_seconds = 300, .is_trusted = TRUE};
  g_autoptr(Throttle) throttle = throttle_new(1000);
  for (guint i = 0; i < 50; i++) {
    g_autofree char *account = g_strdup_printf("user%u", i);
    g_assert_cmpuint(fail(throttle, &trusted, account, "x", 0), ==, 500);
  }
  g_assert_cmpint(ask(throttle, &trusted, "new", "x", 0), ==, THROTTLE_GO);
  g_assert_cmpint(ask(throttle, &trusted, "user1", "x", 0), ==, THROTTLE_WAIT);
  guint held = 0;
  throttle_visit_held(throttle, &rules, 0, count_held, &held);
  g_assert_cmpuint(held, ==, 0);
  /* An account is held for that address. */
  for (guint i = 1; i < 3; i++)
    g_assert_cmpuint(fail(throttle, &trusted, "user1", "x", i * 10 * SECOND), ==, 500 * (i + 1));
  g_assert_cmpint(ask(throttle, &trusted, "user1", "x", 40 * SECOND), ==, THROTTLE_HELD);
  g_assert_cmpint(ask(throttle, &trusted, "user2", "x", 40 * SECOND), ==, THROTTLE_GO);
  throttle_visit_held(throttle, &rules, 40 * SECOND, count_held, &held);
  g_assert_cmpuint(held, ==, 1);
  /* By the rules as they are now. */
  g_assert_cmpint(ask(throttle, &rules, "new", "x", 41 * SECOND), ==, THROTTLE_HELD);
  throttle_release(throttle, "user1", NULL);
  g_assert_cmpint(ask(throttle, &trusted, "user1", "x", 41 * SECOND), ==, THROTTLE_GO);
}

static guint32 fail_by(Throttle *throttle, const ThrottleRules *with, guint32 password,
                       gint64 now) {
  const ThrottleTry try = {"a", "x", now, password};
  guint32 wait = 0;
  g_assert_cmpint(throttle_begin(throttle, with, &try, &wait), ==, THROTTLE_GO);
  throttle_end(throttle, with, &try, THROTTLE_FAILURE, &wait);
  return wait;
}

/* A device with an old password counts once, however often it tries, and keeps nobody out. */
static void test_same_password(void) {
  static const ThrottleRules bounded = {.failure_delay = 500,
                                        .lockout_threshold = 3,
                                        .lockout_seconds = 300,
                                        .failures_per_account = 5,
                                        .failures_per_minute = 5};
  g_autoptr(Throttle) throttle = throttle_new(100);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint(fail_by(throttle, &bounded, 7, i * SECOND), ==, 500);
  g_assert_cmpint(ask(throttle, &bounded, "a", "x", 100 * SECOND), ==, THROTTLE_GO);
  g_assert_cmpint(ask(throttle, &bounded, "a", "y", 100 * SECOND), ==, THROTTLE_GO);
  /* Another one counts, and so does one that can't be told. */
  fail_by(throttle, &bounded, 8, 110 * SECOND);
  fail_by(throttle, &bounded, 0, 120 * SECOND);
  g_assert_cmpint(ask(throttle, &bounded, "a", "x", 160 * SECOND), ==, THROTTLE_HELD);
}

/* Each time delays the next try as a first failure does, and holds nobody back. */
static void test_same_password_delays(void) {
  static const ThrottleRules slow = {
      .failure_delay = 20000, .lockout_threshold = 9, .lockout_seconds = 300};
  const ThrottleTry again = {"a", "x", 30 * SECOND, 7};
  g_autoptr(Throttle) throttle = throttle_new(100);
  g_autoptr(Throttle) other = throttle_new(100);
  guint32 wait = 0;
  fail_by(throttle, &rules, 7, 0);
  g_assert_cmpuint(fail_by(throttle, &rules, 7, SECOND), ==, 500);
  g_assert_cmpint(begin(throttle, &rules, "b", "x", SECOND, &wait), ==, THROTTLE_WAIT);
  g_assert_cmpuint(wait, ==, 500);
  g_assert_cmpint(ask(throttle, &rules, "b", "x", SECOND + SECOND / 2), ==, THROTTLE_GO);
  fail_by(other, &slow, 7, 0);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint(throttle_begin(other, &slow, &again, &wait), ==, THROTTLE_GO);
  for (guint i = 0; i < 5; i++)
    throttle_end(other, &slow, &again, THROTTLE_FAILURE, &wait);
  g_assert_cmpint(ask(other, &slow, "a", "x", 30 * SECOND), ==, THROTTLE_WAIT);
  g_assert_cmpint(ask(other, &slow, "a", "x", 60 * SECOND), ==, THROTTLE_GO);
}

/* It counts again once the failure is forgotten; more than a few are not known at once. */
static void test_same_password_later(void) {
  static const ThrottleRules many = {.lockout_threshold = 20, .lockout_seconds = 300};
  g_autoptr(Throttle) throttle = throttle_new(100);
  g_autoptr(Throttle) other = throttle_new(100);
  for (guint i = 0; i < 3; i++)
    fail_by(throttle, &no_delay, 7, i * 301 * SECOND);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 603 * SECOND), ==, THROTTLE_GO);
  for (guint i = 0; i < 20; i++)
    fail_by(other, &many, 1 + i % 10, 0);
  g_assert_cmpint(ask(other, &many, "a", "x", 0), ==, THROTTLE_HELD);
}

/* A right password, or a release, forgets the wrong ones with their number. */
static void test_same_password_forgotten(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  const ThrottleTry right = {"a", "x", 0, 9};
  guint32 wait = 0;
  for (guint i = 0; i < 9; i++) {
    fail_by(throttle, &no_delay, 7, 0);
    fail_by(throttle, &no_delay, 8, 0);
    g_assert_cmpint(throttle_begin(throttle, &no_delay, &right, &wait), ==, THROTTLE_GO);
    throttle_end(throttle, &no_delay, &right, THROTTLE_SUCCESS, &wait);
  }
  for (guint i = 0; i < 2; i++)
    fail_by(throttle, &no_delay, 7 + i, 0);
  g_assert_cmpuint(throttle_release(throttle, "a", NULL), ==, 1);
  fail_by(throttle, &no_delay, 7, 0);
  g_assert_cmpuint(throttle_release(throttle, "a", NULL), ==, 1);
}

static void test_many_at_once(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  guint32 wait = 0;
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint(begin(throttle, &rules, "a", "x", 0, &wait), ==, THROTTLE_GO);
  g_assert_cmpint(begin(throttle, &rules, "a", "x", 0, &wait), ==, THROTTLE_WAIT);
  end(throttle, &rules, "a", "x", 0, THROTTLE_SUCCESS);
  g_assert_cmpint(begin(throttle, &rules, "a", "x", 0, &wait), ==, THROTTLE_GO);
}

/* Strangers' addresses must not push a hold out of the table. */
static void test_hold_survives_a_flood(void) {
  g_autoptr(Throttle) throttle = throttle_new(50);
  for (guint i = 0; i < 3; i++)
    fail(throttle, &no_delay, "a", "x", i);
  for (guint i = 0; i < 500; i++) {
    g_autofree char *address = g_strdup_printf("192.0.2.%u", i);
    fail(throttle, &no_delay, "a", address, 10 + i);
  }
  g_assert_cmpuint(throttle_count(throttle), <=, 50);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 1000), ==, THROTTLE_HELD);
}

static void test_success_leaves_nothing(void) {
  g_autoptr(Throttle) throttle = throttle_new(50);
  g_assert_cmpint(ask(throttle, &rules, "a", "x", 0), ==, THROTTLE_GO);
  g_assert_cmpuint(throttle_count(throttle), ==, 0);
}

/* "account@address failures until" of each, sorted. */
static void list_hold(const ThrottleHold *hold, gpointer data) {
  g_ptr_array_add(data, g_strdup_printf("%s@%s %u %" G_GINT64_FORMAT,
                                        hold->account != NULL ? hold->account : "*", hold->address,
                                        hold->failures, hold->until / SECOND));
}

static gint compare_texts(gconstpointer a, gconstpointer b) {
  return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static void expect_held(const Throttle *throttle, const ThrottleRules *with, gint64 now,
                        const char *expected) {
  g_autoptr(GPtrArray) held = g_ptr_array_new_with_free_func(g_free);
  throttle_visit_held(throttle, with, now, list_hold, held);
  g_ptr_array_sort(held, compare_texts);
  g_ptr_array_add(held, NULL);
  g_autofree char *text = g_strjoinv(", ", (char **)held->pdata);
  g_assert_cmpstr(text, ==, expected);
}

/* Pair a@x is locked at 2 s; address y is held by the sixth account, at 15 s. */
static Throttle *make_holds(void) {
  Throttle *throttle = throttle_new(100);
  for (guint i = 0; i < 3; i++)
    fail(throttle, &no_delay, "a", "x", i * SECOND);
  fail(throttle, &no_delay, "b", "x", 0);
  for (guint i = 0; i < 6; i++) {
    g_autofree char *account = g_strdup_printf("n%u", i);
    fail(throttle, &no_delay, account, "y", (10 + i) * SECOND);
  }
  return throttle;
}

static void test_held_are_listed(void) {
  g_autoptr(Throttle) throttle = make_holds();
  expect_held(throttle, &no_delay, 20 * SECOND, "*@y 6 310, a@x 3 302");
  /* Each is told until its end, and is over then. */
  expect_held(throttle, &no_delay, 302 * SECOND, "*@y 6 310");
  expect_held(throttle, &no_delay, 310 * SECOND, "");
  /* By the rules as they are now. */
  expect_held(throttle, &nothing, 20 * SECOND, "");
}

static void test_held_are_let_go(void) {
  g_autoptr(Throttle) throttle = make_holds();
  g_assert_cmpuint(throttle_release(throttle, "nobody", NULL), ==, 0);
  g_assert_cmpuint(throttle_release(throttle, "a", "y"), ==, 0);
  expect_held(throttle, &no_delay, 20 * SECOND, "*@y 6 310, a@x 3 302");
  g_assert_cmpuint(throttle_release(throttle, "a", NULL), ==, 1);
  g_assert_cmpint(ask(throttle, &no_delay, "a", "x", 20 * SECOND), ==, THROTTLE_GO);
  expect_held(throttle, &no_delay, 20 * SECOND, "*@y 6 310");
  g_assert_cmpuint(throttle_release(throttle, NULL, "y"), ==, 6);
  expect_held(throttle, &no_delay, 20 * SECOND, "");
  g_assert_cmpuint(throttle_release(throttle, NULL, NULL), ==, 1);
  g_assert_cmpuint(throttle_count(throttle), ==, 0);
}

static void test_release_lifts_the_delay(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  fail(throttle, &rules, "a", "x", 0);
  g_assert_cmpint(ask(throttle, &rules, "b", "x", 1000), ==, THROTTLE_WAIT);
  throttle_release(throttle, NULL, "x");
  g_assert_cmpint(ask(throttle, &rules, "b", "x", 1000), ==, THROTTLE_GO);
}

/* What is under way when it is let go still counts, and does not hang over. */
static void test_release_under_way(void) {
  g_autoptr(Throttle) throttle = throttle_new(100);
  guint32 wait = 0;
  g_assert_cmpint(begin(throttle, &no_delay, "a", "x", 0, &wait), ==, THROTTLE_GO);
  g_assert_cmpuint(throttle_release(throttle, NULL, NULL), ==, 0);
  g_assert_cmpuint(throttle_count(throttle), ==, 1);
  end(throttle, &no_delay, "a", "x", 0, THROTTLE_FAILURE);
  g_assert_cmpuint(throttle_release(throttle, "a", NULL), ==, 1);
  g_assert_cmpuint(throttle_count(throttle), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/throttle/no-address", test_no_address);
  g_test_add_func("/throttle/no-address-many-at-once", test_no_address_many_at_once);
  g_test_add_func("/throttle/no-address-has-no-account-bound",
                  test_no_address_has_no_account_bound);
  g_test_add_func("/throttle/over-all-addresses", test_over_all_addresses);
  g_test_add_func("/throttle/delay-grows", test_delay_grows);
  g_test_add_func("/throttle/pair-is-locked", test_pair_is_locked);
  g_test_add_func("/throttle/threshold-zero-lifts", test_threshold_zero_lifts);
  g_test_add_func("/throttle/address-is-held", test_address_is_held);
  g_test_add_func("/throttle/success-clears-its-pair-alone", test_success_clears_its_pair_alone);
  g_test_add_func("/throttle/trusted", test_trusted);
  g_test_add_func("/throttle/same-password", test_same_password);
  g_test_add_func("/throttle/same-password-delays", test_same_password_delays);
  g_test_add_func("/throttle/same-password-later", test_same_password_later);
  g_test_add_func("/throttle/same-password-forgotten", test_same_password_forgotten);
  g_test_add_func("/throttle/many-at-once", test_many_at_once);
  g_test_add_func("/throttle/hold-survives-a-flood", test_hold_survives_a_flood);
  g_test_add_func("/throttle/success-leaves-nothing", test_success_leaves_nothing);
  g_test_add_func("/throttle/held-are-listed", test_held_are_listed);
  g_test_add_func("/throttle/held-are-let-go", test_held_are_let_go);
  g_test_add_func("/throttle/release-lifts-the-delay", test_release_lifts_the_delay);
  g_test_add_func("/throttle/release-under-way", test_release_under_way);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* guess-limit.c: bounds over all addresses, with time as an argument. */
#include "mailauth/guesses/guess-limit.h"

#define SECOND G_GINT64_CONSTANT(1000000)

static const GuessRules rules = {.per_account = 5, .seconds = 50, .per_minute = 0};
static const GuessRules overall = {.per_account = 0, .seconds = 50, .per_minute = 60};
static const GuessRules none = {0, 50, 0};

/* TRUE if the try may begin; it ends at once. */
static gboolean try(GuessLimit *limit, const GuessRules *with, const char *account,
                    const char *address, GuessResult result, gint64 now) {
  const Guess guess = {.account = account, .address = address};
  if (guess_limit_get_wait(limit, with, &guess, now, NULL) > 0)
    return FALSE;
  guess_limit_begin(limit, &guess);
  guess_limit_end(limit, with, &guess, result, now);
  return TRUE;
}

/* How many of @tries from as many addresses may begin, @pause apart. */
static guint guess(GuessLimit *limit, const GuessRules *with, const char *account, guint tries,
                   gint64 from, gint64 pause) {
  guint begun = 0;
  for (guint i = 0; i < tries; i++) {
    g_autofree char *address = g_strdup_printf("forged-%u", i);
    begun += try(limit, with, account, address, GUESS_WRONG, from + i * pause);
  }
  return begun;
}

static void test_one_account(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  g_assert_cmpuint(guess(limit, &rules, "a", 1000, 0, 0), ==, 5);
  /* One each 10 s from then on. */
  g_assert_cmpuint(guess(limit, &rules, "a", 1000, SECOND, SECOND / 10), ==, 10);
  g_assert_true(try(limit, &rules, "b", "x", GUESS_WRONG, SECOND));
  /* Forgotten in time. */
  g_assert_cmpuint(guess(limit, &rules, "a", 1000, 1000 * SECOND, 0), ==, 5);
}

static void test_all_accounts(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(10000);
  guint begun = 0;
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *account = g_strdup_printf("account-%u", i);
    begun += try(limit, &overall, account, "x", GUESS_WRONG, 0);
  }
  g_assert_cmpuint(begun, ==, 60);
  g_assert_false(try(limit, &overall, "owner", "elsewhere", GUESS_RIGHT, 0));
  g_assert_true(try(limit, &overall, "owner", "elsewhere", GUESS_RIGHT, SECOND));
}

static void test_no_bound(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  g_assert_cmpuint(guess(limit, &none, "a", 1000, 0, 0), ==, 1000);
}

/* Right passwords take no place, however many. */
static void test_right_passwords_are_free(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  for (guint i = 0; i < 100; i++) {
    g_assert_true(try(limit, &rules, "a", "x", GUESS_RIGHT, 0));
    g_assert_true(try(limit, &rules, "a", "y", GUESS_UNDECIDED, 0));
  }
  g_assert_cmpuint(guess(limit, &rules, "a", 1000, 0, 0), ==, 5);
}

/* The owner gets in from where the password was right before, whatever others guess, but
 * not to guess there. */
static void test_known_addresses(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  g_assert_true(try(limit, &rules, "a", "home", GUESS_RIGHT, 0));
  guess(limit, &rules, "a", 1000, 0, 0);
  g_assert_true(try(limit, &rules, "a", "home", GUESS_RIGHT, 0));
  g_assert_false(try(limit, &rules, "a", "elsewhere", GUESS_RIGHT, 0));
  g_assert_false(try(limit, &rules, "b", "home", GUESS_WRONG, 0) &&
                 guess(limit, &rules, "b", 1000, 0, 0) == 5);
  const Guess often = {.account = "a", .address = "home", .failures = KNOWN_FAILURES};
  g_assert_cmpuint(guess_limit_get_wait(limit, &rules, &often, 0, NULL), >, 0);
  /* The eighth before is remembered, the ninth is not. */
  for (guint i = 0; i < KNOWN_ADDRESSES; i++) {
    g_autofree char *address = g_strdup_printf("later-%u", i);
    g_assert_true(try(limit, &rules, "a", address, GUESS_RIGHT, 1000 * SECOND));
  }
  guess(limit, &rules, "a", 1000, 1000 * SECOND, 0);
  g_assert_true(try(limit, &rules, "a", "later-0", GUESS_RIGHT, 1000 * SECOND));
  g_assert_false(try(limit, &rules, "a", "home", GUESS_RIGHT, 1000 * SECOND));
}

/* Many at once gain nothing. */
static void test_under_way(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  const Guess one = {.account = "a", .address = "x"};
  guint begun = 0;
  for (; begun < 100 && guess_limit_get_wait(limit, &rules, &one, 0, NULL) == 0; begun++)
    guess_limit_begin(limit, &one);
  g_assert_cmpuint(begun, ==, 5);
  guess_limit_end(limit, &rules, &one, GUESS_RIGHT, 0);
  g_assert_cmpuint(
      guess_limit_get_wait(limit, &rules, &(Guess){.account = "a", .address = "z"}, 0, NULL), ==,
      0);
}

static void test_no_address_is_never_known(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  g_assert_true(try(limit, &rules, "a", NULL, GUESS_RIGHT, 0));
  guess(limit, &rules, "a", 1000, 0, 0);
  g_assert_false(try(limit, &rules, "a", NULL, GUESS_RIGHT, 0));
}

static void test_alarms(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  g_assert_null(guess_limit_take_alarm(limit));
  guess(limit, &rules, "a", 5, 0, 0);
  g_assert_null(guess_limit_take_alarm(limit));
  guess(limit, &rules, "a", 100, 0, 0);
  g_autofree char *first = guess_limit_take_alarm(limit);
  g_assert_nonnull(first);
  guess(limit, &rules, "a", 100, SECOND, 0);
  g_assert_null(guess_limit_take_alarm(limit));
  guess(limit, &rules, "a", 100, 61 * SECOND, 0);
  g_autofree char *later = guess_limit_take_alarm(limit);
  g_assert_nonnull(later);
}

/* Tries under way may have the right password: no alarm before they were wrong. */
static void test_alarms_count_wrong_passwords(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  const Guess one = {.account = "a", .address = "x"};
  for (guint i = 0; i < 5; i++)
    guess_limit_begin(limit, &one);
  g_assert_cmpuint(guess_limit_get_wait(limit, &rules, &one, 0, NULL), >, 0);
  g_assert_null(guess_limit_take_alarm(limit));
  for (guint i = 0; i < 5; i++)
    guess_limit_end(limit, &rules, &one, GUESS_WRONG, 0);
  g_assert_cmpuint(guess_limit_get_wait(limit, &rules, &one, 0, NULL), >, 0);
  g_autofree char *alarm = guess_limit_take_alarm(limit);
  g_assert_nonnull(alarm);
}

static void test_release(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  guess(limit, &rules, "a", 100, 0, 0);
  guess_limit_release(limit, "b");
  g_assert_false(try(limit, &rules, "a", "x", GUESS_RIGHT, 0));
  guess_limit_release(limit, "a");
  g_assert_true(try(limit, &rules, "a", "x", GUESS_RIGHT, 0));
}

/* Names that a front makes up push out nothing that counts while others can go. */
static void test_memory(void) {
  g_autoptr(GuessLimit) limit = guess_limit_new(100);
  guess(limit, &rules, "victim", 100, 0, 0);
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *account = g_strdup_printf("made-up-%u", i);
    try(limit, &rules, account, "x", GUESS_UNDECIDED, 0);
  }
  g_assert_false(try(limit, &rules, "victim", "x", GUESS_WRONG, 0));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/guess-limit/one-account", test_one_account);
  g_test_add_func("/guess-limit/all-accounts", test_all_accounts);
  g_test_add_func("/guess-limit/no-bound", test_no_bound);
  g_test_add_func("/guess-limit/right-passwords-are-free", test_right_passwords_are_free);
  g_test_add_func("/guess-limit/known-addresses", test_known_addresses);
  g_test_add_func("/guess-limit/under-way", test_under_way);
  g_test_add_func("/guess-limit/no-address-is-never-known", test_no_address_is_never_known);
  g_test_add_func("/guess-limit/alarms", test_alarms);
  g_test_add_func("/guess-limit/alarms-count-wrong-passwords", test_alarms_count_wrong_passwords);
  g_test_add_func("/guess-limit/release", test_release);
  g_test_add_func("/guess-limit/memory", test_memory);
  return g_test_run();
}

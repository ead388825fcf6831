/* SPDX-License-Identifier: MIT */
/* The numbers of what is on trial in a fleet. */
#include "regd/fleet/base/open-trials.h"

static void assert_text(const OpenTrials *trials, const char *expected) {
  g_autofree char *text = open_trials_write(trials);
  g_assert_cmpstr(text, ==, expected);
}

static void test_changes(void) {
  OpenTrials trials = {0};
  assert_text(&trials, "");
  open_trials_add(&trials, 5);
  open_trials_add(&trials, 7);
  open_trials_add(&trials, 9);
  open_trials_remove(&trials, 7);
  open_trials_remove(&trials, 8);
  assert_text(&trials, "5 9");
  open_trials_remove(&trials, 5);
  open_trials_remove(&trials, 9);
  assert_text(&trials, "");
}

static void test_full(void) {
  OpenTrials trials = {0};
  for (guint64 number = 1; number <= FLEET_LIMIT_TRIALS + 1; number++)
    open_trials_add(&trials, number);
  g_assert_cmpuint(trials.count, ==, FLEET_LIMIT_TRIALS);
  g_assert_cmpuint(trials.numbers[0], ==, 2);
  g_assert_cmpuint(trials.numbers[trials.count - 1], ==, FLEET_LIMIT_TRIALS + 1);
}

static const struct {
  const char *text, *expected;
} texts[] = {{"", ""},
             {"5", "5"},
             {"5 9", "5 9"},
             {" 5  9 ", "5 9"},
             {"0 -1 x 5x 9223372036854775808", ""},
             {"9223372036854775807", "9223372036854775807"}};

static void test_text(void) {
  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    OpenTrials trials = {.count = 3};
    open_trials_read(&trials, texts[i].text);
    assert_text(&trials, texts[i].expected);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/regd/fleet/base/open-trials/changes", test_changes);
  g_test_add_func("/regd/fleet/base/open-trials/full", test_full);
  g_test_add_func("/regd/fleet/base/open-trials/text", test_text);
  return g_test_run();
}

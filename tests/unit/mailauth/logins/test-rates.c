/* SPDX-License-Identifier: MIT */
/* rates.c: what is counted in which minute, and for how long. */
#include "mailauth/logins/rates.h"

#define MINUTE RATES_MINUTE_US
#define NOW (30000000 * MINUTE)

static void test_minutes(void) {
  const struct {
    gint64 time; /* that is asked about, after NOW */
    guint32 ok, wrong;
  } rows[] = {
      {0, 2, 0},
      {MINUTE - 1, 2, 0},
      {MINUTE, 0, 1},
      {-1, 0, 0},
      {2 * MINUTE, 0, 0},
      {MINUTE - RATES_MINUTES * MINUTE, 0, 0},
      {RATES_MINUTES * MINUTE, 0, 0},
  };
  g_autoptr(Rates) rates = rates_new();
  rates_note(rates, OUTCOME_OK, NOW);
  rates_note(rates, OUTCOME_OK, NOW + MINUTE - 1);
  rates_note(rates, OUTCOME_BAD_PASSWORD, NOW + MINUTE);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_assert_cmpuint(rates_get(rates, OUTCOME_OK, NOW + rows[i].time), ==, rows[i].ok);
    g_assert_cmpuint(rates_get(rates, OUTCOME_BAD_PASSWORD, NOW + rows[i].time), ==, rows[i].wrong);
  }
}

static void test_later_minutes_take_the_place(void) {
  g_autoptr(Rates) rates = rates_new();
  rates_note(rates, OUTCOME_BAD_PASSWORD, NOW);
  rates_note(rates, OUTCOME_OK, NOW + RATES_MINUTES * MINUTE);
  g_assert_cmpuint(rates_get(rates, OUTCOME_BAD_PASSWORD, NOW), ==, 0);
  g_assert_cmpuint(rates_get(rates, OUTCOME_OK, NOW + RATES_MINUTES * MINUTE), ==, 1);
  g_assert_cmpuint(rates_get(rates, OUTCOME_BAD_PASSWORD, NOW + RATES_MINUTES * MINUTE), ==, 0);
  /* The clock is set back. */
  rates_note(rates, OUTCOME_OK, NOW);
  g_assert_cmpuint(rates_get(rates, OUTCOME_OK, NOW), ==, 1);
}

int main(int count, char **words) {
  g_test_init(&count, &words, NULL);
  g_test_add_func("/rates/minutes", test_minutes);
  g_test_add_func("/rates/later-minutes-take-the-place", test_later_minutes_take_the_place);
  return g_test_run();
}

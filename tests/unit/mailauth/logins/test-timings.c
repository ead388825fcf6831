/* SPDX-License-Identifier: MIT */
/* histogram.c and timings.c: quantiles that are near the truth, and brokers
 * told apart without end to their number. */
#include "mailauth/logins/timings.h"

static void test_quantiles(void) {
  const struct {
    gint64 first, last, step; /* µs: one entry each */
    guint per_thousand;
    guint64 truth;
  } rows[] = {
      {0, 0, 1, 500, 0},
      {-5, -5, 1, 990, 0},
      {7, 7, 1, 1000, 7},
      {8, 8, 1, 1, 8},
      {1, 100, 1, 500, 50},
      {1, 100, 1, 990, 99},
      {1, 100, 1, 1000, 100},
      {1, 100000, 1, 500, 50000},
      {1, 100000, 1, 999, 99900},
      {1000, 60000000, 1000, 990, 59400000},
      {G_MAXUINT32, G_MAXUINT32, 1, 500, G_MAXUINT32},
      {G_MAXINT64, G_MAXINT64, G_MAXINT64, 500, G_MAXUINT32},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    Histogram histogram = {0};
    guint64 entries = (guint64)(rows[i].last - rows[i].first) / (guint64)rows[i].step + 1;
    for (guint64 entry = 0; entry < entries; entry++)
      histogram_add(&histogram, rows[i].first + (gint64)entry * rows[i].step);
    guint64 got = histogram_get_quantile(&histogram, rows[i].per_thousand);
    g_assert_cmpuint(histogram.count, ==, entries);
    g_assert_cmpuint(got, >=, rows[i].truth);
    g_assert_cmpuint(got, <=, rows[i].truth + rows[i].truth / 8);
  }
}

static void test_nothing(void) {
  const Histogram histogram = {0};
  g_assert_cmpuint(histogram_get_quantile(&histogram, 500), ==, 0);
}

static void test_sum(void) {
  Histogram histogram = {0};
  histogram_add(&histogram, 1500);
  histogram_add(&histogram, 2500);
  g_assert_cmpuint(histogram.sum, ==, 4000);
}

static void append(PackageKind kind, const char *broker, const Histogram *times, gpointer data) {
  g_string_append_printf(data, "%s %s %" G_GUINT64_FORMAT "\n", package_kind_get_name(kind), broker,
                         times->count);
}

static void test_brokers_are_told_apart(void) {
  g_autoptr(Timings) timings = timings_new();
  g_autoptr(GString) seen = g_string_new(NULL);
  timings_note(timings, &(Decision){.kind = PACKAGE_NATIVE, .source = "SAM"}, 10);
  timings_note(timings, &(Decision){.kind = PACKAGE_MEMBERSHIP, .broker = "3"}, 10);
  timings_note(timings, &(Decision){.kind = PACKAGE_NATIVE, .source = "SAM"}, 10);
  timings_visit(timings, append, seen);
  g_assert_cmpstr(seen->str, ==, "native SAM 2\nmembership 3 1\n");
}

static void count(G_GNUC_UNUSED PackageKind kind, const char *broker, const Histogram *times,
                  gpointer data) {
  guint64 *others = data;
  others[0]++;
  if (g_str_equal(broker, OTHER_BROKERS))
    others[1] = times->count;
}

static void test_brokers_are_bounded(void) {
  g_autoptr(Timings) timings = timings_new();
  guint64 seen[2] = {0};
  for (guint i = 0; i < MAX_TIMED_BROKERS + 10; i++) {
    g_autofree char *broker = g_strdup_printf("%u", i);
    timings_note(timings, &(Decision){.kind = PACKAGE_MEMBERSHIP, .broker = broker}, 10);
  }
  timings_visit(timings, count, seen);
  g_assert_cmpuint(seen[0], ==, MAX_TIMED_BROKERS + 1);
  g_assert_cmpuint(seen[1], ==, 10);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/timings/quantiles", test_quantiles);
  g_test_add_func("/timings/nothing", test_nothing);
  g_test_add_func("/timings/sum", test_sum);
  g_test_add_func("/timings/brokers-are-told-apart", test_brokers_are_told_apart);
  g_test_add_func("/timings/brokers-are-bounded", test_brokers_are_bounded);
  return g_test_run();
}

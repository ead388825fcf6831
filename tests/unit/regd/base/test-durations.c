/* SPDX-License-Identifier: MIT */
/* Durations by classes. */
#include "regd/base/durations.h"

static const struct {
  gint64 microseconds;
  guint class;
} rows[] = {
    {-1, 0},     {0, 0},       {1000, 0},    {1001, 1},     {10000, 1},    {10001, 2},
    {100000, 2}, {1000000, 3}, {1000001, 4}, {10000000, 4}, {10000001, 5}, {G_MAXINT64 / 2, 5},
};

static void test_classes(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    Durations durations = {0};
    durations_add(&durations, rows[i].microseconds);
    for (guint class = 0; class < DURATIONS_CLASSES; class ++)
      g_assert_cmpuint(durations.classes[class], ==, class == rows[i].class ? 1 : 0);
    g_assert_cmpuint(durations.sum, ==, (guint64)MAX(rows[i].microseconds, 0));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/durations/classes", test_classes);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* How long the counts of a database are kept. */
#include "client/base/protocol.h"
#include "regd/storage/counts.h"

#define NOW ((gint64)1000000)
#define KEPT_US ((gint64)LIMIT_COUNTS_KEPT_MS * 1000)

static const struct {
  const char *name;
  StoreCounts counts;
  gint64 later; /* µs after they were counted */
  gboolean kept;
} rows[] = {
    {"large, at once", {.values = LIMIT_COUNTS_SMALL_ROWS}, 0, TRUE},
    {"large, before the end", {.values = LIMIT_COUNTS_SMALL_ROWS}, KEPT_US - 1, TRUE},
    {"large, at the end", {.values = LIMIT_COUNTS_SMALL_ROWS}, KEPT_US, FALSE},
    {"one row less", {.values = LIMIT_COUNTS_SMALL_ROWS - 1}, 0, FALSE},
    {"all tables together",
     {.keys = 1, .values = 1, .history_rows = 1, .trials = LIMIT_COUNTS_SMALL_ROWS - 3},
     0,
     TRUE},
    {"the size is no row", {.database_bytes = LIMIT_COUNTS_SMALL_ROWS}, 0, FALSE},
};

static void test_row(gconstpointer data) {
  gsize row = GPOINTER_TO_SIZE(data);
  KeptCounts kept = {0};
  StoreCounts found = {.keys = 77};
  kept_counts_set(&kept, &rows[row].counts, NOW);
  g_assert_cmpint(kept_counts_get(&kept, NOW + rows[row].later, &found), ==, rows[row].kept);
  g_assert_cmpuint(found.keys, ==, rows[row].kept ? rows[row].counts.keys : 77);
  g_assert_cmpuint(found.values, ==, rows[row].kept ? rows[row].counts.values : 0);
}

static void test_none(void) {
  KeptCounts kept = {0};
  StoreCounts found = {0};
  g_assert_false(kept_counts_get(&kept, NOW, &found));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strdup_printf("/counts/%s", rows[i].name);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
  }
  g_test_add_func("/counts/none yet", test_none);
  return g_test_run();
}

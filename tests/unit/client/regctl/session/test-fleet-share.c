/* SPDX-License-Identifier: MIT */
/* How many hosts are enough: what is a number of hosts, what a share, and what neither. */
#include "client/regctl/session/fleet-share.h"

#include <string.h>

#include "client/base/error.h"

static const struct {
  const char *text;
  guint32 hosts, percent; /* both 0: it is refused */
} rows[] = {
    {NULL, 0, 100},       {"1", 1, 100},  {"12", 12, 100},  {"4294967295", G_MAXUINT32, 100},
    {"1%", 0, 1},         {"90%", 0, 90}, {"100%", 0, 100}, {"", 0, 0},
    {"%", 0, 0},          {"0", 0, 0},    {"0%", 0, 0},     {"101%", 0, 0},
    {"4294967296", 0, 0}, {"-1", 0, 0},   {"90 %", 0, 0},   {"90%%", 0, 0},
    {"0.9", 0, 0},        {"all", 0, 0},
};

static void test_rows(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    FleetShare share;
    gboolean good = rows[i].hosts > 0 || rows[i].percent > 0;
    g_test_message("%s", rows[i].text);
    g_assert_cmpint(fleet_share_parse("--hosts", rows[i].text, &share, &error), ==, good);
    if (good) {
      g_assert_cmpuint(share.hosts, ==, rows[i].hosts);
      g_assert_cmpuint(share.percent, ==, rows[i].percent);
      continue;
    }
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_ARGUMENTS);
    g_assert_true(g_str_has_prefix(error->message, "--hosts: "));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/session/fleet-share", test_rows);
  return g_test_run();
}

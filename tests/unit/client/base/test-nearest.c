/* SPDX-License-Identifier: MIT */
/* Which name was meant by one that is none. */
#include "client/base/nearest.h"

static const char *const names[] = {
    "Listen", "Listen TLS", "Login Timeout", "Idle Timeout", "Store", "Backend", NULL};

static const struct {
  const char *name, *nearest;
} rows[] = {
    {"ListenTLS", "Listen TLS"},
    {"listen_tls", "Listen TLS"},
    {"Lisen", "Listen"},
    {"Login Timout", "Login Timeout"},
    {"IdleTimeout", "Idle Timeout"},
    {"Stroe", "Store"},
    {"Colour", NULL},
    {"", NULL},
    {"Back", NULL},
};

static void test_nearest(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmpstr(nearest_find(rows[i].name, names), ==, rows[i].nearest);
}

static void test_long(void) {
  g_autofree char *name = g_strnfill(100, 'x');
  const char *const long_names[] = {name, NULL};
  g_assert_null(nearest_find(name, long_names));
  g_assert_cmpuint(nearest_distance("kitten", "sitting"), ==, 3);
  g_assert_cmpuint(nearest_distance("hlep", "help"), ==, 1);
  g_assert_cmpuint(nearest_distance("badc", "abcd"), ==, 2);
  g_assert_cmpuint(nearest_distance("ca", "abc"), ==, 3);
  g_assert_cmpuint(nearest_distance("", "abc"), ==, 3);
  g_assert_cmpuint(nearest_distance("abc", ""), ==, 3);
  g_assert_cmpuint(nearest_distance(name, ""), ==, G_MAXUINT);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/nearest/names", test_nearest);
  g_test_add_func("/nearest/long", test_long);
  return g_test_run();
}

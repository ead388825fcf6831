/* SPDX-License-Identifier: MIT */
/* Networks: what is one, and which addresses are in it. */
#include "mailauth/base/networks.h"

#include "mailauth/base/limits.h"

static void test_rows(void) {
  static const struct {
    const char *network, *inside, *outside;
  } rows[] = {
      {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
      {"192.0.2.1", "::ffff:192.0.2.1", "::192.0.2.1"},
      {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
      {"192.0.2.77/24", "192.0.2.1", "192.0.1.77"},
      {"192.0.2.128/25", "192.0.2.129", "192.0.2.127"},
      {"10.0.0.0/9", "10.127.0.1", "10.128.0.0"},
      {"10.0.0.1/32", "10.0.0.1", "10.0.0.0"},
      {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
      {"::/0", "2001:db8::1", "203.0.113.9"},
      {"::1", "::1", "::2"},
      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
      {"2001:db8::8/125", "2001:db8::f", "2001:db8::10"},
      {"2001:DB8::1/128", "2001:db8::1", "2001:db8::"},
      {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(Networks) networks = networks_new();
    g_assert_false(networks_have_text(networks, rows[i].inside));
    g_assert_true(networks_add(networks, rows[i].network));
    g_test_message("%s: %s, not %s", rows[i].network, rows[i].inside, rows[i].outside);
    g_assert_true(networks_have_text(networks, rows[i].inside));
    g_assert_false(networks_have_text(networks, rows[i].outside));
  }
}

static void test_several(void) {
  g_autoptr(Networks) networks = networks_new();
  g_assert_true(networks_add(networks, "10.0.0.0/8"));
  g_assert_true(networks_add(networks, "2001:db8::/32"));
  g_assert_true(networks_have_text(networks, "10.1.2.3"));
  g_assert_true(networks_have_text(networks, "2001:db8::9"));
  g_assert_false(networks_have_text(networks, "192.0.2.1"));
  g_assert_false(networks_have_text(networks, ""));
  g_assert_false(networks_have_text(networks, "10.1.2.3/32"));
}

static void test_no_networks(void) {
  static const char *const texts[] = {
      "",
      "local",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/-1",
      "10.0.0.0/+8",
      "10.0.0/8",
      "/8",
      "10.0.0.0/8/8",
      "2001:db8::/129",
      "2001:db8::/0x8",
      "::1%lo",
      "10.0.0.0 ",
      " 10.0.0.0/8",
      "10.0.0.0/ 8",
      "10.0.0.0/0000",
      "10.0.0.0/8 ",
      "*",
      "10.0.0.0-9",
      "[::1]",
      "localhost",
      "10.0.0.0,::1/64",
      "010.0.0.1",
  };
  g_autoptr(Networks) networks = networks_new();
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    if (networks_add(networks, texts[i]))
      g_error("'%s' was taken", texts[i]);
  g_assert_false(networks_have_text(networks, "10.0.0.0"));
}

static void test_all(void) {
  g_autoptr(Networks) networks = networks_new();
  g_auto(GStrv) texts = g_strsplit("10.0.0.0/8 nowhere ::1 /8", " ", -1);
  const char *wrong = NULL;
  g_auto(GStrv) taken = networks_add_all(networks, texts, &wrong);
  g_autofree char *joined = g_strjoinv(" ", taken);
  g_assert_cmpstr(joined, ==, "10.0.0.0/8 ::1");
  g_assert_cmpstr(wrong, ==, "nowhere");
  g_assert_true(networks_have_text(networks, "10.9.9.9"));
  g_auto(GStrv) none = networks_add_all(networks, taken, &wrong);
  g_assert_null(wrong);
}

static void test_most(void) {
  g_autoptr(Networks) networks = networks_new();
  for (guint i = 0; i < MAX_NETWORKS; i++)
    g_assert_true(networks_add(networks, "192.0.2.0/24"));
  g_assert_false(networks_add(networks, "10.0.0.0/8"));
  g_assert_false(networks_have_text(networks, "10.0.0.1"));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/networks/rows", test_rows);
  g_test_add_func("/networks/several", test_several);
  g_test_add_func("/networks/none", test_no_networks);
  g_test_add_func("/networks/all", test_all);
  g_test_add_func("/networks/most", test_most);
  return g_test_run();
}

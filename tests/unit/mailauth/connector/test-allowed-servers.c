/* SPDX-License-Identifier: MIT */
/* allowed-servers.c: what is named, what was a moment ago, and what was too long ago. */
#include "mailauth/connector/allowed-servers.h"

#include "mailauth/base/limits.h"

#define A "ldap://a:389"
#define B "ldap://b"
#define SECOND ((gint64)G_USEC_PER_SEC)
#define GRACE (FORMER_SERVER_S * SECOND)

static void replace(NamedServers *servers, const char *value, gint64 now) {
  GHashTable *set = named_servers_set_new();
  named_servers_set_add(set, value);
  named_servers_replace(servers, set, now);
}

static const struct {
  const char *value, *server;
  gboolean named;
} words[] = {
    {A, A, TRUE},
    {" " A "  " B " ", B, TRUE},
    {A, "ldap://a:38", FALSE},
    {A, "ldap://a", FALSE},
    {A " " B, A " " B, FALSE},
    {A, "", FALSE},
    {"  ", "", FALSE},
    {"", A, FALSE},
};

static void test_words(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    g_autoptr(NamedServers) servers = named_servers_new();
    g_test_message("'%s' in '%s'", words[i].server, words[i].value);
    replace(servers, words[i].value, SECOND);
    g_assert_cmpint(named_servers_has(servers, words[i].server, SECOND), ==, words[i].named);
  }
}

static void test_former(void) {
  g_autoptr(NamedServers) servers = named_servers_new();
  g_assert_false(named_servers_has(servers, A, 0));
  replace(servers, A, 0);
  /* Named for long, it is so until now. */
  replace(servers, B, 10 * GRACE);
  g_assert_true(named_servers_has(servers, B, 10 * GRACE));
  g_assert_true(named_servers_has(servers, A, 11 * GRACE - 1));
  g_assert_false(named_servers_has(servers, A, 11 * GRACE));
  /* Twice in a row, and once more named. */
  replace(servers, A, 11 * GRACE);
  replace(servers, "", 11 * GRACE + SECOND);
  replace(servers, "", 11 * GRACE + 2 * SECOND);
  g_assert_true(named_servers_has(servers, A, 12 * GRACE));
  g_assert_true(named_servers_has(servers, B, 12 * GRACE - 1));
  g_assert_false(named_servers_has(servers, B, 12 * GRACE));
  replace(servers, A, 12 * GRACE);
  g_assert_true(named_servers_has(servers, A, 99 * GRACE));
}

/* Those that came last are known. */
static void test_many(void) {
  g_autoptr(NamedServers) servers = named_servers_new();
  for (guint i = 0; i < 2 * MAX_FORMER_SERVERS; i++) {
    g_autofree char *server = g_strdup_printf("ldap://%u", i);
    replace(servers, server, SECOND);
  }
  replace(servers, "", SECOND);
  for (guint i = 0; i < 2 * MAX_FORMER_SERVERS; i++) {
    g_autofree char *server = g_strdup_printf("ldap://%u", i);
    g_assert_cmpint(named_servers_has(servers, server, 2 * SECOND), ==, i >= MAX_FORMER_SERVERS);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/named-servers/words", test_words);
  g_test_add_func("/named-servers/former", test_former);
  g_test_add_func("/named-servers/many", test_many);
  return g_test_run();
}

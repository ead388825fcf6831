/* SPDX-License-Identifier: MIT */
/* name.c: which account a client's words name, and that no name leaves its folder. */
#include "mailauth/base/name.h"

#include "client/registry.h"

typedef struct {
  const char *text, *domain, *account;
} NameRow;

static const NameRow names[] = {
    {"alice", "", "alice"},
    {"ALICE", "", "alice"},
    {"alice@example.org", "", "alice@example.org"},
    {"alice@example.org", "example.org", "alice"},
    {"Alice@EXAMPLE.org", "Example.ORG", "alice"},
    {"alice@other.org", "example.org", "alice@other.org"},
    {"EXAMPLE\\alice", "example", "alice"},
    {"EXAMPLE\\alice\\alice", "example", "alice"},
    {"EXAMPLE\\alice\\shared", "example", "alice"},
    {"OTHER\\alice", "example", NULL},
    {"EXAMPLE\\alice", "", NULL},
    {"\\alice", "", NULL},
    {"EXAMPLE\\", "example", NULL},
    {"EXAMPLE\\alice\\", "example", NULL},
    {"EXAMPLE\\alice\\a\\b", "example", NULL},
    {"@example.org", "example.org", NULL},
    {"", "", NULL},
    {"a\tb", "", NULL},
    {"a\nb", "", NULL},
    {"a\x7f", "", NULL},
    {"a\xc2\x85", "", NULL},
    {"a\xff", "", NULL},
    {"a\xef\xbf\xbd", "", NULL},
    {"../../etc/passwd", "", "../../etc/passwd"},
    {"\xc3\x84nne", "", "\xc3\xa4nne"},
    {"\xc5\xbfmith", "", "smith"}, /* LONG S is upper-cased to S by the registry */
};

static void test_names(void) {
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *account = name_get_account(names[i].text, names[i].domain);
    g_assert_cmpstr(account, ==, names[i].account);
  }
}

static const struct {
  const char *text;
  gboolean another;
} mailboxes[] = {
    {"EXAMPLE\\alice\\dora", TRUE},   {"EXAMPLE\\alice\\", TRUE},      {"\\alice\\dora", TRUE},
    {"EXAMPLE\\alice\\ALICE", FALSE}, {"EXAMPLE\\alice", FALSE},       {"alice", FALSE},
    {"EXAMPLE\\alice\\a\\b", FALSE},  {"EXAMPLE\\alice\\\xff", FALSE},
};

static void test_mailboxes(void) {
  for (guint i = 0; i < G_N_ELEMENTS(mailboxes); i++)
    g_assert_cmpint(name_asks_for_another(mailboxes[i].text), ==, mailboxes[i].another);
}

static void test_long_names(void) {
  g_autofree char *fits = g_strnfill(255, 'a');
  g_autofree char *over = g_strnfill(256, 'a');
  g_autofree char *account = name_get_account(fits, "");
  g_assert_cmpstr(account, ==, fits);
  g_assert_null(name_get_account(over, ""));
}

typedef struct {
  const char *pattern, *account, *path;
} PathRow;

static const PathRow paths[] = {
    {"/mail/%u", "alice", "/mail/alice"},
    {"/mail/%u/Maildir", "alice", "/mail/alice/Maildir"},
    {"/mail/%%/%u-%u", "bob", "/mail/%/bob-bob"},
    {"/mail/one", "bob", "/mail/one"},
    {"mail/%u", "alice", NULL},
    {"", "alice", NULL},
    {"/mail/%d/%n", "alice@example.org", "/mail/example.org/alice"},
    {"/mail/%d/%n", "a@b@example.org", "/mail/example.org/a@b"},
    {"/mail/%n/%u", "alice", "/mail/alice/alice"},
    {"/mail/%d", "alice", NULL},
    {"/mail/%d", "alice@", NULL},
    {"/mail/%d", "alice@..", NULL},
    {"/mail/%n", "@example.org", NULL},
    {"/mail/%U", "alice", NULL},
    {"/mail/%", "alice", NULL},
    {"/mail/%u", "../../etc/passwd", NULL},
    {"/mail/%u", "..", NULL},
    {"/mail/%u", ".hidden", NULL},
    {"/mail/%u", "a/b", NULL},
    {"/mail/%u", "", NULL},
    {"/mail/%u", "a\\b", NULL},
    {"/mail/%u", "%u", "/mail/%u"},
};

static void test_paths(void) {
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = name_expand_path(paths[i].pattern, paths[i].account, &error);
    g_assert_cmpstr(path, ==, paths[i].path);
    if (path == NULL)
      g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/name/accounts", test_names);
  g_test_add_func("/name/mailboxes", test_mailboxes);
  g_test_add_func("/name/long", test_long_names);
  g_test_add_func("/name/paths", test_paths);
  return g_test_run();
}

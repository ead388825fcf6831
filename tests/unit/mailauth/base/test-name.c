/* SPDX-License-Identifier: MIT */
/* name.c: which account a client's words name, and that no name leaves its folder. */
#include "mailauth/base/name.h"

#include "client/registry.h"

typedef struct {
  const char *text, *domains, *account; /* several domains with a space in between */
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
    /* with several, accounts are full names */
    {"alice@example.org", "example.org example.net", "alice@example.org"},
    {"Alice@Example.NET", "example.org EXAMPLE.net", "alice@example.net"},
    {"EXAMPLE.ORG\\alice", "example.org example.net", "alice@example.org"},
    {"EXAMPLE\\alice\\Alice", "example other", "alice@example"},
    {"EXAMPLE\\alice\\alice@example", "example other", "alice@example"},
    {"a@b@example.org", "example.org example.net", "a@b@example.org"},
    {"alice@third.org", "example.org example.net", "alice@third.org"},
    {"alice", "example.org example.net", NULL},
    {"alice", "example.org EXAMPLE.ORG", "alice"}, /* it is one */
    {"THIRD\\alice", "example.org example.net", NULL},
    {"EXAMPLE\\alice@other", "example other", NULL},
    {"EXAMPLE\\", "example other", NULL},
    {"@example.org", "example.org example.net", NULL},
    {"alice@", "example.org example.net", NULL},
    {"example.org\\", "example.org example.net", NULL},
    /* spaces that databases pass over */
    {"alice ", "", NULL},
    {" alice", "", NULL},
    {"alice\xc2\xa0", "", NULL},
    {"alice smith", "", "alice smith"},
    {"alice @example.org", "", NULL},
    {"alice @example.org", "example.org", NULL},
    {"alice@ example.org", "", NULL},
    {"EXAMPLE\\alice \\alice", "example", NULL},
    /* what looks alike is alike: RFC 4013 */
    {"jose\xcc\x81", "", "jos\xc3\xa9"},
    {"JOSE\xcc\x81", "", "jos\xc3\xa9"},
    {"a\xc2\xadnn", "", "ann"},
    {"\xef\xbd\x81nn", "", "ann"},
    {"ann\xef\xbc\xa0"
     "example.org",
     "example.org", "ann"},
    {"EXAMPLE\xef\xbc\xbc"
     "ann",
     "example", "ann"},
    {"a\xc2\xa0n", "", "a n"},
    {"x@ex\xc3\xa4mple", "exa\xcc\x88mple", "x"},
    {"\xc2\xad", "", NULL},            /* nothing is left */
    {"ann\xe2\x80\x8f", "", NULL},     /* a mark of direction */
    {"ann\xee\x80\x80", "", NULL},     /* for private use */
    {"ann\xf3\xa0\x80\xa0", "", NULL}, /* a tag */
};

static char **dup_domains(const char *text) {
  g_auto(GStrv) texts = g_strsplit(text, " ", -1);
  const char *wrong = NULL;
  char **domains = name_dup_domains((const char *const *)texts, &wrong);
  g_assert_null(wrong);
  return domains;
}

static void test_names(void) {
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_auto(GStrv) domains = dup_domains(names[i].domains);
    g_autofree char *account = name_get_account(names[i].text, (const char *const *)domains);
    g_assert_cmpstr(account, ==, names[i].account);
  }
}

static const struct {
  const char *text, *domains;
  gboolean another;
} mailboxes[] = {
    {"EXAMPLE\\alice\\dora", "example", TRUE},
    {"EXAMPLE\\alice\\", "example", TRUE},
    {"\\alice\\dora", "example", TRUE},
    {"EXAMPLE\\alice\\ALICE", "example", FALSE},
    {"EXAMPLE\\alice\\alice@example", "example", FALSE},
    {"EXAMPLE\\alice\\alice@other", "example", TRUE},
    {"EXAMPLE\\alice", "example", FALSE},
    {"alice", "example", FALSE},
    {"EXAMPLE\\alice\\a\\b", "example", FALSE},
    {"EXAMPLE\\alice\\\xff", "example", FALSE},
    {"OTHER\\alice\\dora", "example", TRUE},
    {"EXAMPLE\\alice\\alice", "example other", FALSE},
    {"EXAMPLE\\alice\\alice@example", "example other", FALSE},
    {"EXAMPLE\\alice\\alice@other", "example other", TRUE},
    {"EXAMPLE\\jos\xc3\xa9\\jose\xcc\x81", "example", FALSE},
};

static void test_mailboxes(void) {
  for (guint i = 0; i < G_N_ELEMENTS(mailboxes); i++) {
    g_auto(GStrv) domains = dup_domains(mailboxes[i].domains);
    g_assert_cmpint(name_asks_for_another(mailboxes[i].text, (const char *const *)domains), ==,
                    mailboxes[i].another);
  }
}

static void test_domains(void) {
  static const char *const rows[] = {"a b", "a/b", "a\\b", "a@b", "a\xe2\x80\x8f", "\xff"};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const char *const texts[] = {"one", rows[i], "", "ONE", NULL};
    const char *wrong = NULL;
    g_auto(GStrv) domains = name_dup_domains(texts, &wrong);
    g_assert_cmpstr(wrong, ==, rows[i]);
    g_assert_cmpuint(g_strv_length(domains), ==, 1);
    g_assert_cmpstr(domains[0], ==, "one");
  }
}

/* An account's name stands for itself, and is folded as the registry folds keys. */
static void test_every_character(void) {
  for (gunichar character = 1; character <= 0x10ffff; character++) {
    char text[16] = "x";
    if (!g_unichar_validate(character))
      continue;
    text[1 + g_unichar_to_utf8(character, text + 1)] = 'y';
    g_autofree char *account = name_get_account(text, NULL);
    if (account == NULL)
      continue;
    g_autofree char *again = name_get_account(account, NULL);
    g_autofree char *folded = name_fold(account);
    g_assert_cmpstr(again, ==, account);
    g_assert_cmpstr(folded, ==, account);
  }
}

static void test_long_names(void) {
  g_autofree char *fits = g_strnfill(255, 'a');
  g_autofree char *over = g_strnfill(256, 'a');
  g_autofree char *account = name_get_account(fits, NULL);
  g_assert_cmpstr(account, ==, fits);
  g_assert_null(name_get_account(over, NULL));
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
  g_test_add_func("/name/domains", test_domains);
  g_test_add_func("/name/every-character", test_every_character);
  g_test_add_func("/name/long", test_long_names);
  g_test_add_func("/name/paths", test_paths);
  return g_test_run();
}

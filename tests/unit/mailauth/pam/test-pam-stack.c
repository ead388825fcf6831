/* SPDX-License-Identifier: MIT */
/* Which stacks lead to pam_unix, and what is said of those that can't work. */
#include "mailauth/pam/pam-stack.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>

static const struct {
  const char *title;
  const char *service; /* NULL: there is none, and `other` counts */
  const char *common;  /* the file `common`, or NULL */
  const char *found;   /* the file that has it, or NULL */
  gboolean alone;
} rows[] = {
    {"pam_unix", "auth required pam_unix.so nullok\n", NULL, "mailauth", TRUE},
    {"tabs, a path and an optional module", "-auth\t[success=1 default=ignore]\t/lib/pam_unix.so\n",
     NULL, "mailauth", TRUE},
    {"for accounts", "auth required pam_ldap.so\naccount required pam_unix.so\n", NULL, "mailauth",
     FALSE},
    {"beside another", "auth sufficient pam_sss.so\nauth required pam_unix.so\n", NULL, "mailauth",
     FALSE},
    {"with what proves nothing",
     "auth required pam_nologin.so\nauth required pam_unix.so\nauth required pam_permit.so\n", NULL,
     "mailauth", TRUE},
    {"not for sessions", "auth required pam_permit.so\nsession required pam_unix.so\n", NULL, NULL,
     TRUE},
    {"commented out", "# auth required pam_unix.so\nauth required pam_deny.so # pam_unix.so\n",
     NULL, NULL, TRUE},
    {"@include", "@include common\n", "auth required pam_unix.so\n", "common", TRUE},
    {"include", "auth include common\n", "auth required pam_unix.so\n", "common", TRUE},
    {"substack", "auth substack common\n", "auth required pam_unix.so\n", "common", TRUE},
    {"a circle", "@include common\n", "@include mailauth\n@include common\n", NULL, TRUE},
    {"a missing file", "@include common\n", NULL, NULL, TRUE},
    {"over two lines", "auth \\\n required pam_unix.so\n", NULL, "mailauth", TRUE},
    {"no such service", NULL, NULL, "other", TRUE},
    {"words that are missing", "auth\nauth required\n@include\n\n[\n", NULL, NULL, TRUE},
};

static char *write_file(const char *directory, const char *name, const char *text) {
  g_autoptr(GError) error = NULL;
  char *path = g_build_filename(directory, name, NULL);
  if (text != NULL) {
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
  }
  return path;
}

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *directory = g_dir_make_tmp("pam-stack-XXXXXX", NULL);
    g_autofree char *service = write_file(directory, "mailauth", rows[i].service);
    g_autofree char *common = write_file(directory, "common", rows[i].common);
    g_autofree char *other = write_file(directory, "other", "auth required pam_unix.so\n");
    gboolean alone = FALSE;
    g_test_message("%s", rows[i].title);
    g_autofree char *found = pam_stack_find_unix(directory, "mailauth", &alone);
    g_autofree char *base = found != NULL ? g_path_get_basename(found) : NULL;
    g_assert_cmpstr(base, ==, rows[i].found);
    g_assert_cmpint(alone, ==, rows[i].alone);
    (void)g_unlink(service);
    (void)g_unlink(common);
    (void)g_unlink(other);
    (void)g_rmdir(directory);
  }
}

static void test_description(void) {
  g_autofree char *directory = g_dir_make_tmp("pam-stack-XXXXXX", NULL);
  g_autofree char *service = write_file(directory, "mailauth", "auth required pam_unix.so\n");
  gboolean all = FALSE;
  g_autofree char *text = pam_stack_describe(directory, "mailauth", &all);
  g_assert_nonnull(strstr(text, service));
  g_assert_nonnull(strstr(text, "/etc/shadow"));
  g_assert_nonnull(strstr(text, "mailauthctl repair --pam"));
  g_assert_true(all);
  (void)g_unlink(service);
  (void)g_rmdir(directory);
}

static void test_rights(void) {
  if (!g_file_test("/etc/shadow", G_FILE_TEST_EXISTS) || getpwnam("nobody") == NULL) {
    g_test_skip("takes /etc/shadow, and a user nobody");
    return;
  }
  g_assert_true(pam_stack_user_can_read_hashes("root"));
  g_assert_true(pam_stack_user_can_read_hashes("0"));
  g_assert_false(pam_stack_user_can_read_hashes("nobody"));
  g_assert_false(pam_stack_user_can_read_hashes("no-such-user-here"));
}

static void test_local_users(void) {
  g_assert_true(pam_stack_is_local_user("root"));
  g_assert_false(pam_stack_is_local_user("roo"));
  g_assert_false(pam_stack_is_local_user("root:x"));
  g_assert_false(pam_stack_is_local_user("no-such-user-here"));
  g_assert_false(pam_stack_is_local_user(""));
  g_assert_false(pam_stack_is_local_user(NULL));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pam-stack/rows", test_rows);
  g_test_add_func("/pam-stack/description", test_description);
  g_test_add_func("/pam-stack/rights", test_rights);
  g_test_add_func("/pam-stack/local-users", test_local_users);
  return g_test_run();
}

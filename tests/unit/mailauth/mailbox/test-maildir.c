/* SPDX-License-Identifier: MIT */
/* maildir.c and maildir-name.c: on a folder of its own in the temporary directory. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/registry.h"
#include "mailauth/mailbox/maildir-name.h"
#include "mailauth/mailbox/maildir.h"

typedef struct {
  const char *name, *uid;
  guint64 size;
} NameRow;

static const NameRow names[] = {
    {"1.a", "1.a", G_MAXUINT64},
    {"1.a:2,", "1.a", G_MAXUINT64},
    {"1.a:2,RS", "1.a", G_MAXUINT64},
    {"1.a,S=12,W=14:2,S", "1.a", 14},
    {"1.a,W=14,S=12:2,S", "1.a", 14},
    {"1.a,S=12:2,S", "1.a", G_MAXUINT64},
    {"1.a,W=:2,S", "1.a,W=", G_MAXUINT64},
    {"1.a,W=1x:2,S", "1.a,W=1x", G_MAXUINT64},
    {"1.a,b,S=3", "1.a,b", G_MAXUINT64},
    {"1.a:2,S,W=9", "1.a", G_MAXUINT64},
    {"1.a,W=9999999999999999999999", "1.a", G_MAXUINT64},
    {",S=3", ",S=3", G_MAXUINT64},
    {"a b", "c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65", G_MAXUINT64},
};

static void test_names(void) {
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *uid = maildir_name_make_uid(names[i].name);
    g_assert_cmpstr(uid, ==, names[i].uid);
    g_assert_cmpuint(maildir_name_get_size(names[i].name), ==, names[i].size);
  }
  g_autofree char *longest = g_strnfill(70, 'x');
  g_autofree char *too_long = g_strnfill(71, 'x');
  g_autofree char *kept = maildir_name_make_uid(longest);
  g_autofree char *hashed = maildir_name_make_uid(too_long);
  g_autofree char *of_nothing = maildir_name_make_uid(":2,S");
  g_assert_cmpstr(kept, ==, longest);
  g_assert_cmpuint(strlen(hashed), ==, 64);
  g_assert_cmpuint(strlen(of_nothing), ==, 64);
  g_assert_cmpuint(maildir_name_get_time("10.a"), ==, 10);
  g_assert_cmpuint(maildir_name_get_time("-1.a"), ==, 0);
}

typedef struct {
  char *path;
} Folder;

static void set_up(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  folder->path = g_dir_make_tmp("regd-maildir-XXXXXX", NULL);
  g_assert_nonnull(folder->path);
}

static void remove_tree(const char *path) {
  g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
  const char *name;
  while (listing != NULL && (name = g_dir_read_name(listing)) != NULL) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
      remove_tree(child);
    else
      g_unlink(child);
  }
  g_rmdir(path);
}

static void tear_down(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  remove_tree(folder->path);
  g_free(folder->path);
}

static char *get_path(const Folder *folder, const char *name) {
  return g_build_filename(folder->path, name, NULL);
}

static void put(const Folder *folder, const char *name, const char *text) {
  g_autofree char *path = get_path(folder, name);
  g_autofree char *parent = g_path_get_dirname(path);
  g_mkdir_with_parents(parent, 0700);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean has(const Folder *folder, const char *name) {
  g_autofree char *path = get_path(folder, name);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

static Maildir *open_maildir(const Folder *folder) {
  g_autoptr(GError) error = NULL;
  Maildir *maildir = maildir_open(folder->path, "name", NULL, &error);
  g_assert_no_error(error);
  return maildir;
}

static void assert_uids(const Maildir *maildir, const char *expected) {
  g_autoptr(GString) uids = g_string_new(NULL);
  for (guint i = 0; i < maildir_get_count(maildir); i++)
    g_string_append_printf(uids, "%s ", maildir_get_uid(maildir, i));
  g_assert_cmpstr(uids->str, ==, expected);
}

static void assert_text(Maildir *maildir, guint index, const char *expected) {
  char text[64] = "";
  g_autoptr(GError) error = NULL;
  int file = maildir_open_message(maildir, index, &error);
  g_assert_no_error(error);
  g_assert_cmpint(read(file, text, sizeof text - 1), ==, (gssize)strlen(expected));
  g_assert_cmpstr(text, ==, expected);
  close(file);
}

static void test_listing(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "new/10.c", "fresh\n");
  put(folder, "cur/9.b:2,S", "seen\n");
  put(folder, "cur/11.e", "last\n");
  put(folder, "cur/11.d", "no flags\n");
  put(folder, "cur/.hidden", "x");
  put(folder, "cur/7.directory/x", "x");
  g_autoptr(Maildir) maildir = open_maildir(folder);
  assert_uids(maildir, "9.b 10.c 11.d 11.e ");
  g_assert_true(has(folder, "cur/10.c:2,"));
  g_assert_false(has(folder, "new/10.c"));
  g_assert_true(has(folder, "tmp"));
  assert_text(maildir, 1, "fresh\n");
}

static void test_hostile_files(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a", "real\n");
  g_autofree char *link = get_path(folder, "cur/2.link");
  g_autofree char *fresh_link = get_path(folder, "new/3.link");
  g_autofree char *pipe = get_path(folder, "cur/4.pipe");
  g_autofree char *later = get_path(folder, "cur/1.a");
  put(folder, "new/5.b", "b");
  g_assert_cmpint(symlink("/etc/passwd", link), ==, 0);
  g_assert_cmpint(symlink("/etc/passwd", fresh_link), ==, 0);
  g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
  g_autoptr(Maildir) maildir = open_maildir(folder);
  assert_uids(maildir, "1.a 5.b ");
  /* It becomes something else while the session runs. */
  g_unlink(later);
  g_assert_cmpint(symlink("/etc/passwd", later), ==, 0);
  g_assert_cmpint(maildir_open_message(maildir, 0, NULL), ==, -1);
  g_unlink(later);
  g_assert_cmpint(mkfifo(later, 0600), ==, 0);
  g_assert_cmpint(maildir_open_message(maildir, 0, NULL), ==, -1);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 0);
}

static void test_folder_is_link(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "real/cur/1.a", "x");
  g_autofree char *real = get_path(folder, "real");
  g_autofree char *link = get_path(folder, "link");
  g_autofree char *link_inside = get_path(folder, "real/new");
  g_assert_cmpint(symlink("real", link), ==, 0);
  g_assert_null(maildir_open(link, "name", NULL, NULL));
  g_assert_cmpint(symlink("cur", link_inside), ==, 0);
  g_assert_null(maildir_open(real, "name", NULL, NULL));
}

static void test_unusable(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  g_autofree char *missing = get_path(folder, "missing");
  const char *paths[] = {missing, "relative", "", "/dev/null"};
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(maildir_open(paths[i], "name", NULL, &error));
    g_assert_nonnull(error);
    g_assert_false(g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_CONFLICT));
  }
  put(folder, "target", "keep");
  g_autofree char *lock = get_path(folder, MAILDIR_LOCK_FILE);
  g_assert_cmpint(symlink("target", lock), ==, 0);
  g_assert_null(maildir_open(folder->path, "name", NULL, NULL));
}

static void test_lock(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(GError) error = NULL;
  Maildir *first = open_maildir(folder);
  g_assert_null(maildir_open(folder->path, "name", NULL, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_CONFLICT);
  maildir_close(first);
  g_autoptr(Maildir) second = open_maildir(folder);
  g_assert_nonnull(second);
}

/* Another program flags, moves or removes what is listed already. */
static void test_changes_meanwhile(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a:2,", "a");
  put(folder, "cur/2.b:2,", "b");
  put(folder, "cur/3.c:2,", "c");
  g_autoptr(Maildir) maildir = open_maildir(folder);
  g_autofree char *before = get_path(folder, "cur/1.a:2,");
  g_autofree char *after = get_path(folder, "cur/1.a:2,S");
  g_autofree char *gone = get_path(folder, "cur/2.b:2,");
  g_rename(before, after);
  g_unlink(gone);
  assert_text(maildir, 0, "a");
  g_rename(after, before);
  g_assert_true(maildir_remove(maildir, 0, NULL));
  g_assert_false(has(folder, "cur/1.a:2,"));
  g_assert_cmpint(maildir_open_message(maildir, 1, NULL), ==, -1);
  g_assert_true(maildir_remove(maildir, 1, NULL));
  assert_text(maildir, 2, "c");
}

static void test_twice(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "new/1.a", "a");
  put(folder, "cur/1.a:2,S", "a");
  g_autoptr(Maildir) maildir = open_maildir(folder);
  assert_uids(maildir, "1.a ");
}

static void test_sizes(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a:2,", "a\nb\n");
  put(folder, "cur/2.b,S=3,W=77:2,", "b\n");
  Maildir *maildir = open_maildir(folder);
  g_assert_cmpuint(maildir_get_size(maildir, 0), ==, G_MAXUINT64);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 6);
  g_assert_cmpuint(maildir_get_size(maildir, 1), ==, 77);
  g_assert_cmpuint(maildir_measure(maildir, 1), ==, 77);
  maildir_save_sizes(maildir);
  maildir_close(maildir);
  g_assert_true(has(folder, MAILDIR_SIZES_FILE));

  /* A size that is kept is believed, until the file is another one. */
  g_autofree char *kept = get_path(folder, MAILDIR_SIZES_FILE);
  g_autofree char *text = NULL;
  g_assert_true(g_file_get_contents(kept, &text, NULL, NULL));
  char *line = strstr(text, "6 ");
  g_assert_nonnull(line);
  *line = '8';
  g_assert_true(g_file_set_contents(kept, text, -1, NULL));
  maildir = open_maildir(folder);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 8);
  maildir_close(maildir);
  put(folder, "cur/1.a:2,", "another\n");
  maildir = open_maildir(folder);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 9);
  maildir_close(maildir);
}

/* Before packed mail was understood it was counted as it lies. */
static void test_sizes_of_first_version(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  struct stat status;
  put(folder, "cur/1.a:2,", "a\nb\n");
  g_autofree char *path = get_path(folder, "cur/1.a:2,");
  g_assert_cmpint(stat(path, &status), ==, 0);
  g_autofree char *text = g_strdup_printf(
      "8 %" G_GUINT64_FORMAT " 4 %" G_GINT64_FORMAT "%09" G_GINT64_FORMAT " 1.a\n",
      (guint64)status.st_ino, (gint64)status.st_mtim.tv_sec, (gint64)status.st_mtim.tv_nsec);
  put(folder, MAILDIR_SIZES_FILE, text);
  g_autoptr(Maildir) maildir = open_maildir(folder);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 6);
}

/* Another build may unpack it: its size is not kept. */
static void test_size_of_what_cannot_be_unpacked(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a:2,",
      "\xfd"
      "7zXZ\nb\n");
  g_autoptr(Maildir) maildir = open_maildir(folder);
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 8);
  maildir_save_sizes(maildir);
  g_assert_false(has(folder, MAILDIR_SIZES_FILE));
}

static void test_sizes_damaged(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  const char *const damaged[] = {
      "", "\n", "6", "6 1 2 3 1.a", "x x x x x\n", "6 1 2 3 \n", "6  1 2 3\n", "-1 -1 -1 -1 1.a\n"};
  put(folder, "cur/1.a:2,", "a\nb\n");
  for (guint i = 0; i < G_N_ELEMENTS(damaged); i++) {
    g_autofree char *text = g_strconcat("version 2\n", damaged[i], NULL);
    put(folder, MAILDIR_SIZES_FILE, text);
    g_autoptr(Maildir) maildir = open_maildir(folder);
    g_assert_cmpuint(maildir_measure(maildir, 0), ==, 6);
    maildir_save_sizes(maildir);
  }
}

/* ---- a slow disk ---- */

/* This test's own: it counts how often there is more time. */
struct Watchdog {
  guint extended;
};

void watchdog_extend(Watchdog *watchdog, guint seconds) {
  g_assert_cmpuint(seconds, ==, MAILDIR_STEP_SECONDS);
  if (watchdog != NULL)
    watchdog->extended++;
}

/* However much there is to be read, the time for a step begins anew with each. */
static void test_steps(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  Watchdog watchdog = {0};
  g_autofree char *large = g_strnfill(1024 * 1024, 'x');
  put(folder, "new/1.large", large);
  for (guint i = 2; i <= 40; i++) {
    g_autofree char *name = g_strdup_printf("new/%u.small", i);
    put(folder, name, "x");
  }
  for (guint i = 0; i < 2000; i++) {
    g_autofree char *name = g_strdup_printf("cur/2000000000.M%06u.a_long_name_of_a_host:2,", i);
    put(folder, name, "x");
  }
  g_autoptr(Maildir) maildir = maildir_open(folder->path, "name", &watchdog, NULL);
  g_assert_nonnull(maildir);
  g_assert_cmpuint(watchdog.extended, >=, 40 + 2);
  watchdog.extended = 0;
  g_assert_cmpuint(maildir_measure(maildir, 0), ==, 1024 * 1024 + 2);
  g_assert_cmpuint(watchdog.extended, >=, 16);
}

#define FORMAT "%08Xu%08Xv"

static Maildir *open_taking_over(const Folder *folder) {
  g_autoptr(GError) error = NULL;
  Maildir *maildir = maildir_open(folder->path, FORMAT, NULL, &error);
  g_assert_no_error(error);
  return maildir;
}

/* What was told once is told always, whatever becomes of Dovecot's list and of the setting. */
static void test_ids_taken_over(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  const char *const later_lists[] = {"3 V99 N3\n1 :2.b\n2 :1.a\n3 :3.c\n", "3 V10 N4\n3 :3.c\n",
                                     "damaged"};
  put(folder, "cur/1.a,S=2:2,", "a\n");
  put(folder, "cur/2.b:2,S", "b\n");
  put(folder, "new/3.c", "c\n");
  put(folder, "dovecot-uidlist", "3 V10 N3\n1 :1.a,S=2\n2 :2.b:2,S\n7 :7.d\n");
  Maildir *maildir = open_taking_over(folder);
  assert_uids(maildir, "000000010000000a 000000020000000a 3.c ");
  g_assert_cmpuint(maildir_measure(maildir, 1), ==, 3);
  maildir_save_sizes(maildir);
  maildir_close(maildir);
  for (guint i = 0; i < G_N_ELEMENTS(later_lists); i++) {
    put(folder, "dovecot-uidlist", later_lists[i]);
    maildir = i % 2 == 0 ? open_taking_over(folder) : open_maildir(folder);
    assert_uids(maildir, "000000010000000a 000000020000000a 3.c ");
    g_assert_cmpuint(maildir_measure(maildir, 1), ==, 3);
    maildir_close(maildir);
  }
  /* Out of sight for a session: the first, or another. */
  put(folder, "cur/7.d:2,", "d\n");
  g_autofree char *name = get_path(folder, "cur/2.b:2,S");
  g_autofree char *aside = get_path(folder, "tmp/2.b");
  g_rename(name, aside);
  maildir = open_taking_over(folder);
  assert_uids(maildir, "000000010000000a 3.c 000000070000000a ");
  g_assert_true(maildir_remove(maildir, 0, NULL));
  maildir_close(maildir);
  g_rename(aside, name);
  maildir = open_taking_over(folder);
  assert_uids(maildir, "000000020000000a 3.c 000000070000000a ");
  maildir_close(maildir);
}

/* No list yet: what Dovecot makes of it later is not what clients were told. */
static void test_ids_without_list(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a:2,", "a\n");
  maildir_close(open_taking_over(folder));
  g_assert_true(has(folder, MAILDIR_IDS_FILE));
  put(folder, "dovecot-uidlist", "3 V10 N3\n1 :1.a\n");
  Maildir *maildir = open_taking_over(folder);
  assert_uids(maildir, "1.a ");
  maildir_close(maildir);
}

static void test_ids_by_name(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  put(folder, "cur/1.a:2,", "a\n");
  put(folder, "dovecot-uidlist", "3 V10 N3\n1 :1.a\n");
  g_autoptr(Maildir) maildir = open_maildir(folder);
  assert_uids(maildir, "1.a ");
  g_assert_false(has(folder, MAILDIR_IDS_FILE));
}

static void assert_refused(const Folder *folder, const char *named) {
  g_autoptr(GError) error = NULL;
  g_assert_null(maildir_open(folder->path, FORMAT, NULL, &error));
  g_assert_nonnull(error);
  g_assert_false(g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_CONFLICT));
  g_test_message("%s", error->message);
  g_assert_nonnull(strstr(error->message, named));
}

/* What can't be read, or kept, must not be told otherwise. */
static void test_ids_refused(Folder *folder, G_GNUC_UNUSED gconstpointer data) {
  g_autofree char *list = get_path(folder, "dovecot-uidlist");
  g_autofree char *kept = get_path(folder, MAILDIR_IDS_FILE);
  g_autofree char *fresh = get_path(folder, MAILDIR_IDS_FILE ".new");
  put(folder, "cur/1.a:2,", "a\n");
  put(folder, "dovecot-uidlist", "3 V10 N3\n1 :1.a\nnonsense\n");
  assert_refused(folder, "dovecot-uidlist, line 3");
  g_unlink(list);
  g_assert_cmpint(symlink("/etc/passwd", list), ==, 0);
  assert_refused(folder, "dovecot-uidlist");
  g_unlink(list);
  g_assert_cmpint(mkfifo(list, 0600), ==, 0);
  assert_refused(folder, "dovecot-uidlist");
  g_unlink(list);
  g_assert_false(has(folder, MAILDIR_IDS_FILE));
  put(folder, MAILDIR_IDS_FILE, "mailauthd-unique-ids 1 2\n1.a x\n");
  assert_refused(folder, MAILDIR_IDS_FILE);
  g_unlink(kept);
  put(folder, MAILDIR_IDS_FILE ".new/stands in the way", "");
  assert_refused(folder, MAILDIR_IDS_FILE);
  g_assert_false(has(folder, MAILDIR_IDS_FILE));
  remove_tree(fresh);
  put(folder, MAILDIR_IDS_FILE ".new", "left behind");
  maildir_close(open_taking_over(folder));
  g_assert_true(has(folder, MAILDIR_IDS_FILE));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/maildir/names", test_names);
  const struct {
    const char *path;
    void (*run)(Folder *folder, gconstpointer data);
  } tests[] = {
      {"/maildir/listing", test_listing},
      {"/maildir/hostile-files", test_hostile_files},
      {"/maildir/folder-is-link", test_folder_is_link},
      {"/maildir/unusable", test_unusable},
      {"/maildir/lock", test_lock},
      {"/maildir/changes-meanwhile", test_changes_meanwhile},
      {"/maildir/twice", test_twice},
      {"/maildir/sizes", test_sizes},
      {"/maildir/sizes-of-first-version", test_sizes_of_first_version},
      {"/maildir/size-of-what-cannot-be-unpacked", test_size_of_what_cannot_be_unpacked},
      {"/maildir/sizes-damaged", test_sizes_damaged},
      {"/maildir/steps", test_steps},
      {"/maildir/ids-taken-over", test_ids_taken_over},
      {"/maildir/ids-without-list", test_ids_without_list},
      {"/maildir/ids-by-name", test_ids_by_name},
      {"/maildir/ids-refused", test_ids_refused},
  };
  for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].path, Folder, NULL, set_up, tests[i].run, tear_down);
  return g_test_run();
}

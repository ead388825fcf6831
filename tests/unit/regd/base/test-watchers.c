/* SPDX-License-Identifier: MIT */
/* Matching: which watch hears what of a commit, with what numbers. */
#include "regd/base/watchers.h"

#include <string.h>

#include "client/base/protocol.h"

#define USER 1000U

typedef struct {
  Watchers *watchers;
  Identity *user;
  Acl *open;   /* everyone may read */
  Acl *closed; /* administrators alone */
  GString *heard;
} Fixture;

static void on_heard(Watch *watch, guint64 revision, const WatchChange *changes, guint n_changes,
                     gpointer data) {
  GString *heard = data;
  g_string_append_printf(heard, "[%u #%" G_GUINT64_FORMAT " r%" G_GUINT64_FORMAT, watch->id,
                         watch->sequence, revision);
  for (guint i = 0; i < n_changes; i++)
    g_string_append_printf(heard, " %s %s %s", change_kind_get_name(changes[i].kind),
                           changes[i].key, changes[i].name);
  g_string_append_c(heard, ']');
}

static Acl *new_open_acl(void) {
  char principal[] = "everyone";
  char level[] = "read";
  AclText everyone = {principal, level};
  return acl_new(&everyone, 1, NULL, NULL);
}

static void set_up(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  fixture->watchers = watchers_new();
  fixture->user = identity_new(USER, FALSE, NULL, 0, 0, NULL);
  fixture->open = new_open_acl();
  fixture->closed = acl_new(NULL, 0, NULL, NULL);
  fixture->heard = g_string_new(NULL);
}

static void tear_down(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watchers_free(fixture->watchers);
  identity_unref(fixture->user);
  acl_unref(fixture->open);
  acl_unref(fixture->closed);
  g_string_free(fixture->heard, TRUE);
}

static Watch *watch(Fixture *fixture, const char *path, gboolean recursive, guint64 from) {
  return watchers_add(fixture->watchers, ":1.1", fixture->user, path, path, recursive, from);
}

static EffectiveEntry *add(Effective *effective, ChangeKind kind, const char *key, const char *name,
                           Acl *before, Acl *after) {
  GRefString *counted = g_ref_string_new(key);
  EffectiveEntry *entry = effective_add(effective, kind, counted, name, before, after);
  g_ref_string_release(counted);
  return entry;
}

static void match(Fixture *fixture, const Effective *effective, const char *expected) {
  g_string_truncate(fixture->heard, 0);
  watchers_match(fixture->watchers, effective, on_heard, fixture->heard);
  g_assert_cmpstr(fixture->heard->str, ==, expected);
}

/* One change in a commit of its own. */
static void match_one(Fixture *fixture, guint64 revision, ChangeKind kind, const char *key,
                      const char *name, const char *expected) {
  g_autoptr(Effective) effective = effective_new(revision);
  add(effective, kind, key, name, fixture->open, fixture->open);
  match(fixture, effective, expected);
}

static void test_recursive(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watch(fixture, "HKLM\\A", TRUE, 0);
  match_one(fixture, 1, CHANGE_VALUE_SET, "HKLM\\A", "v", "[1 #1 r1 value-set HKLM\\A v]");
  match_one(fixture, 2, CHANGE_VALUE_SET, "HKLM\\a\\b\\c", "",
            "[1 #2 r2 value-set HKLM\\a\\b\\c ]");
  match_one(fixture, 3, CHANGE_VALUE_SET, "HKLM", "v", "");
  match_one(fixture, 4, CHANGE_VALUE_SET, "HKLM\\AB", "v", "");
  match_one(fixture, 5, CHANGE_KEY_DELETED, "HKLM\\A", "", "[1 #3 r5 key-deleted HKLM\\A ]");
}

static void test_not_recursive(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watch(fixture, "HKLM\\A", FALSE, 0);
  match_one(fixture, 1, CHANGE_VALUE_SET, "HKLM\\A", "v", "[1 #1 r1 value-set HKLM\\A v]");
  match_one(fixture, 2, CHANGE_KEY_CREATED, "HKLM\\A\\b", "", "[1 #2 r2 key-created HKLM\\A\\b ]");
  match_one(fixture, 3, CHANGE_VALUE_SET, "HKLM\\A\\b", "v", "");
  match_one(fixture, 4, CHANGE_KEY_CREATED, "HKLM\\A\\b\\c", "", "");
  match_one(fixture, 5, CHANGE_KEY_DELETED, "HKLM\\A\\b", "", "[1 #3 r5 key-deleted HKLM\\A\\b ]");
  match_one(fixture, 6, CHANGE_ACL_CHANGED, "HKLM\\A\\b", "", "");
}

static void test_acl_above(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watch(fixture, "HKLM\\A\\b", FALSE, 0);
  match_one(fixture, 1, CHANGE_ACL_CHANGED, "HKLM", "", "[1 #1 r1 acl-changed HKLM ]");
  match_one(fixture, 2, CHANGE_ACL_CHANGED, "HKLM\\a", "", "[1 #2 r2 acl-changed HKLM\\a ]");
  match_one(fixture, 3, CHANGE_ACL_CHANGED, "HKLM\\AB", "", "");
  match_one(fixture, 4, CHANGE_VALUE_SET, "HKLM\\A", "v", "");
}

static void test_revisions_that_are_known(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watch(fixture, "HKLM\\A", TRUE, 5);
  match_one(fixture, 5, CHANGE_VALUE_SET, "HKLM\\A", "v", "");
  match_one(fixture, 6, CHANGE_VALUE_SET, "HKLM\\A", "v", "[1 #1 r6 value-set HKLM\\A v]");
}

static void test_what_may_not_be_read(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Acl *open = fixture->open;
  Acl *closed = fixture->closed;
  g_autoptr(Effective) effective = effective_new(1);
  watch(fixture, "HKLM", TRUE, 0);
  add(effective, CHANGE_VALUE_SET, "HKLM\\a", "", closed, closed);
  add(effective, CHANGE_VALUE_SET, "HKLM\\b", "", closed, open);
  add(effective, CHANGE_VALUE_SET, "HKLM\\c", "", open, closed);
  add(effective, CHANGE_KEY_CREATED, "HKLM\\d", "", NULL, open);
  add(effective, CHANGE_KEY_DELETED, "HKLM\\e", "", open, NULL);
  add(effective, CHANGE_KEY_DELETED, "HKLM\\f", "", closed, open);
  add(effective, CHANGE_ACL_CHANGED, "HKLM\\g", "", open, closed);
  add(effective, CHANGE_ACL_CHANGED, "HKLM\\h", "", closed, open);
  add(effective, CHANGE_ACL_CHANGED, "HKLM\\i", "", closed, closed);
  match(fixture, effective,
        "[1 #1 r1 value-set HKLM\\b  key-created HKLM\\d  key-deleted HKLM\\e "
        " acl-changed HKLM\\g  acl-changed HKLM\\h ]");
}

/* The decision of one commit must not live on into the next one. */
static void test_nothing_visible_is_no_signal(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  watch(fixture, "HKLM", TRUE, 0);
  for (guint64 revision = 1; revision < 50; revision++) {
    g_autoptr(Acl) closed = acl_new(NULL, 0, NULL, NULL);
    g_autoptr(Effective) effective = effective_new(revision);
    g_autoptr(Acl) list = revision % 2 == 1 ? acl_ref(closed) : new_open_acl();
    add(effective, CHANGE_VALUE_SET, "HKLM\\a", "", list, list);
    g_string_truncate(fixture->heard, 0);
    watchers_match(fixture->watchers, effective, on_heard, fixture->heard);
    g_assert_cmpint(fixture->heard->len > 0, ==, revision % 2 == 0);
  }
}

static void fill(Effective *effective, guint count, const char *name, Acl *acl) {
  for (guint i = 0; i < count; i++)
    add(effective, CHANGE_VALUE_SET, "HKLM\\A", name, acl, acl);
}

static void test_too_many_changes(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) fits = effective_new(1);
  g_autoptr(Effective) exceeds = effective_new(2);
  fill(fits, LIMIT_SIGNAL_CHANGES, "v", fixture->open);
  fill(exceeds, LIMIT_SIGNAL_CHANGES + 1, "v", fixture->open);
  watch(fixture, "HKLM\\A", TRUE, 0);
  watch(fixture, "HKLM", TRUE, 0);
  watchers_match(fixture->watchers, fits, on_heard, fixture->heard);
  g_assert_cmpuint(fixture->heard->len, >, LIMIT_SIGNAL_CHANGES);
  match(fixture, exceeds, "[1 #2 r2 tree-changed HKLM\\A ][2 #2 r2 tree-changed HKLM ]");
  match_one(fixture, 3, CHANGE_VALUE_SET, "HKLM\\A", "v",
            "[1 #3 r3 value-set HKLM\\A v][2 #3 r3 value-set HKLM\\A v]");
}

static void test_too_many_bytes(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autofree char *name = g_strnfill(1000, 'n');
  g_autoptr(Effective) exceeds = effective_new(1);
  fill(exceeds, LIMIT_SIGNAL_BYTES / 1000, name, fixture->open);
  watch(fixture, "HKLM\\A", TRUE, 0);
  match(fixture, exceeds, "[1 #1 r1 tree-changed HKLM\\A ]");
}

static void test_moving(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Watch *moving = watch(fixture, "HKLM\\A", TRUE, 0);
  watch(fixture, "HKLM\\A", TRUE, 0);
  watchers_move(fixture->watchers, moving, "HKLM\\B", FALSE);
  match_one(fixture, 1, CHANGE_VALUE_SET, "HKLM\\A", "v",
            "[1 #1 r1 link-changed HKLM\\B ][2 #1 r1 value-set HKLM\\A v]");
  match_one(fixture, 2, CHANGE_VALUE_SET, "HKLM\\B", "v", "[1 #2 r2 value-set HKLM\\B v]");
  /* Another spelling is no move. */
  watchers_move(fixture->watchers, moving, "HKLM\\b", FALSE);
  match_one(fixture, 3, CHANGE_VALUE_SET, "HKLM\\A", "v", "[2 #2 r3 value-set HKLM\\A v]");
  g_assert_cmpstr(moving->path, ==, "HKLM\\b");
}

static void test_removing(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Watch *first = watch(fixture, "HKLM\\A", TRUE, 0);
  Watch *second = watch(fixture, "HKLM\\A", TRUE, 0);
  Watch *third = watch(fixture, "HKLM\\A", TRUE, 0);
  g_autoptr(GPtrArray) owned = watchers_list_owner(fixture->watchers, ":1.1");
  g_autoptr(GPtrArray) others = watchers_list_owner(fixture->watchers, ":1.2");
  g_assert_cmpuint(owned->len, ==, 3);
  g_assert_cmpuint(others->len, ==, 0);
  watchers_remove(fixture->watchers, first);
  g_assert_null(watchers_find(fixture->watchers, 1));
  match_one(fixture, 1, CHANGE_VALUE_SET, "HKLM\\A", "v",
            "[2 #1 r1 value-set HKLM\\A v][3 #1 r1 value-set HKLM\\A v]");
  watchers_remove(fixture->watchers, third);
  watchers_remove(fixture->watchers, second);
  match_one(fixture, 2, CHANGE_VALUE_SET, "HKLM\\A", "v", "");
  /* An id is not used again at once. */
  g_assert_cmpuint(watch(fixture, "HKLM\\A", TRUE, 0)->id, ==, 4);
}

static void test_replaying(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  Watch *one = watch(fixture, "HKLM\\A\\b", TRUE, 10);
  watch(fixture, "HKLM\\A\\b", TRUE, 10);
  g_autoptr(Effective) effective = effective_new(7);
  add(effective, CHANGE_VALUE_SET, "HKLM\\a\\B\\c", "v", fixture->open, fixture->open);
  add(effective, CHANGE_VALUE_SET, "HKLM\\A\\bc", "v", fixture->open, fixture->open);
  add(effective, CHANGE_ACL_CHANGED, "HKLM\\A", "", fixture->open, fixture->open);
  watchers_match_one(fixture->watchers, one, effective, on_heard, fixture->heard);
  g_assert_cmpstr(fixture->heard->str, ==,
                  "[1 #1 r7 value-set HKLM\\a\\B\\c v acl-changed HKLM\\A ]");
  match_one(fixture, 11, CHANGE_VALUE_SET, "HKLM\\A\\b", "v",
            "[1 #2 r11 value-set HKLM\\A\\b v][2 #1 r11 value-set HKLM\\A\\b v]");
}

/* A thousand watches and a hundred thousand changes: work that grows with their
 * product would take minutes. */
static void test_many_of_both(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) effective = effective_new(1);
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *path = g_strdup_printf("HKLM\\SOFTWARE\\Key%u", i);
    watch(fixture, i % 2 == 0 ? path : "HKLM", TRUE, 0);
  }
  for (guint i = 0; i < 100000; i++) {
    g_autofree char *key = g_strdup_printf("HKLM\\SOFTWARE\\Key%u\\Sub%u", i % 1000, i);
    add(effective, CHANGE_VALUE_SET, key, "v", fixture->open, fixture->open);
  }
  gint64 began = g_get_monotonic_time();
  watchers_match(fixture->watchers, effective, on_heard, fixture->heard);
  g_test_message("%.3f s", (double)(g_get_monotonic_time() - began) / 1e6);
  g_assert_cmpint(g_get_monotonic_time() - began, <, 20 * G_USEC_PER_SEC);
}

static void count_signals(G_GNUC_UNUSED Watch *watch, G_GNUC_UNUSED guint64 revision,
                          const WatchChange *changes, guint n_changes, gpointer data) {
  guint *counts = data; /* of tree-changed, and of all changes */
  counts[0] += changes[0].kind == CHANGE_TREE_CHANGED;
  counts[1] += n_changes;
}

/* All watches of a user together hear of so many changes; another's hear of all. */
static void test_many_watches_of_one_key(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Identity) other = identity_new(USER + 1, FALSE, NULL, 0, 0, NULL);
  g_autoptr(Effective) effective = effective_new(1);
  guint counts[2] = {0};
  for (guint i = 0; i < 1000; i++)
    watch(fixture, "HKLM\\A", TRUE, 0);
  watchers_add(fixture->watchers, ":1.2", other, "HKLM\\A", "HKLM\\A", TRUE, 0);
  for (guint i = 0; i < 1000; i++)
    add(effective, CHANGE_VALUE_SET, "HKLM\\A", "v", fixture->open, fixture->open);
  watchers_match(fixture->watchers, effective, count_signals, counts);
  g_assert_cmpuint(counts[0], >, 900);
  g_assert_cmpuint(counts[1], >=, 1000 + 1000);
  g_assert_cmpuint(counts[1], <=, LIMIT_USER_SIGNAL_CHANGES + 2000);
  /* The next commit is counted anew. */
  match_one(fixture, 2, CHANGE_VALUE_SET, "HKLM\\B", "v", "");
  counts[0] = counts[1] = 0;
  g_autoptr(Effective) small = effective_new(3);
  add(small, CHANGE_VALUE_SET, "HKLM\\A", "v", fixture->open, fixture->open);
  watchers_match(fixture->watchers, small, count_signals, counts);
  g_assert_cmpuint(counts[0], ==, 0);
  g_assert_cmpuint(counts[1], ==, 1001);
}

/* The same when each watch is told by itself of what a commit did. */
static void test_many_watches_that_are_behind(Fixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  g_autoptr(Effective) effective = effective_new(1);
  guint counts[2] = {0};
  for (guint i = 0; i < 1000; i++)
    add(effective, CHANGE_VALUE_SET, "HKLM\\A", "v", fixture->open, fixture->open);
  for (guint i = 0; i < 100; i++)
    watchers_match_one(fixture->watchers, watch(fixture, "HKLM\\A", TRUE, 0), effective,
                       count_signals, counts);
  g_assert_cmpuint(counts[0], ==, 100 - LIMIT_USER_SIGNAL_CHANGES / 1000);
}

#define ADD(name, function)                                                                        \
  g_test_add("/watchers/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  ADD("recursive", test_recursive);
  ADD("not-recursive", test_not_recursive);
  ADD("acl-above", test_acl_above);
  ADD("revisions-that-are-known", test_revisions_that_are_known);
  ADD("what-may-not-be-read", test_what_may_not_be_read);
  ADD("nothing-visible-is-no-signal", test_nothing_visible_is_no_signal);
  ADD("too-many-changes", test_too_many_changes);
  ADD("too-many-bytes", test_too_many_bytes);
  ADD("moving", test_moving);
  ADD("removing", test_removing);
  ADD("replaying", test_replaying);
  ADD("many-of-both", test_many_of_both);
  ADD("many-watches-of-one-key", test_many_watches_of_one_key);
  ADD("many-watches-that-are-behind", test_many_watches_that_are_behind);
  return g_test_run();
}

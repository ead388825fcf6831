/* SPDX-License-Identifier: MIT */
/* stand-in.c: which kind stands in for a name. */
#include "mailauth/base/stand-in.h"

#include "mailauth/base/limits.h"

#define NAMES 4000U

static const guint8 key[32] = {1, 2, 3};
static const guint8 other_key[32] = {3, 2, 1};

static void add(StandIns *stand_ins, const char *kind, guint accounts) {
  for (guint i = 0; i < accounts; i++) {
    g_autofree char *account = g_strdup_printf("%s-%u", kind, i);
    stand_ins_set(stand_ins, account, kind, kind);
  }
}

static const char *choose(const StandIns *stand_ins, guint number) {
  g_autofree char *name = g_strdup_printf("name%u", number);
  return stand_ins_choose(stand_ins, key, sizeof key, name);
}

static guint count(const StandIns *stand_ins, const char *kind) {
  guint found = 0;
  for (guint i = 0; i < NAMES; i++)
    found += g_strcmp0(choose(stand_ins, i), kind) == 0;
  return found;
}

static void test_none(void) {
  g_autoptr(StandIns) stand_ins = stand_ins_new();
  g_assert_null(choose(stand_ins, 1));
  stand_ins_set(stand_ins, "a", "$6$", "sample");
  g_assert_cmpstr(choose(stand_ins, 1), ==, "sample");
  stand_ins_set(stand_ins, "a", NULL, NULL);
  g_assert_null(choose(stand_ins, 1));
}

/* A kind that is seen must not tell whether it is an account's: each is as frequent among
 * names without an account as among accounts. */
static void test_as_frequent_as_accounts_have_it(void) {
  const struct {
    guint accounts[3];
  } rows[] = {{{10, 10, 10}}, {{90, 9, 1}}, {{1, 1, 98}}, {{50, 0, 50}}, {{1000, 1, 0}}};
  static const char *const kinds[] = {"$y$j9T$", "$6$rounds=5000$", "$2b$12$"};
  for (guint row = 0; row < G_N_ELEMENTS(rows); row++) {
    g_autoptr(StandIns) stand_ins = stand_ins_new();
    guint total = 0;
    for (guint i = 0; i < 3; i++) {
      total += rows[row].accounts[i];
      add(stand_ins, kinds[i], rows[row].accounts[i]);
    }
    for (guint i = 0; i < 3; i++) {
      guint expected = NAMES * rows[row].accounts[i] / total;
      guint found = count(stand_ins, kinds[i]);
      /* Within five standard deviations. */
      g_assert_cmpuint(found, <=, expected + 160);
      g_assert_cmpuint(found + 160, >=, expected);
    }
  }
}

static void test_the_same_each_time(void) {
  g_autoptr(StandIns) one = stand_ins_new();
  g_autoptr(StandIns) other = stand_ins_new();
  guint differ = 0;
  add(one, "a", 5);
  add(one, "b", 5);
  add(other, "b", 5);
  add(other, "a", 5);
  for (guint i = 0; i < NAMES; i++) {
    g_autofree char *name = g_strdup_printf("name%u", i);
    g_assert_cmpstr(choose(one, i), ==, choose(other, i));
    differ +=
        !g_str_equal(choose(one, i), stand_ins_choose(one, other_key, sizeof other_key, name));
  }
  /* Another key, another choice: nobody can work it out. */
  g_assert_cmpuint(differ, >, NAMES / 3);
}

/* An account more must not change what many names take. */
static void test_few_names_change(void) {
  g_autoptr(StandIns) before = stand_ins_new();
  g_autoptr(StandIns) after = stand_ins_new();
  guint moved = 0;
  add(before, "a", 100);
  add(before, "b", 100);
  add(after, "a", 101);
  add(after, "b", 100);
  for (guint i = 0; i < NAMES; i++) {
    gboolean is_moved = !g_str_equal(choose(before, i), choose(after, i));
    moved += is_moved;
    if (is_moved)
      g_assert_cmpstr(choose(after, i), ==, "a");
  }
  g_assert_cmpuint(moved, <, NAMES / 50);
}

static void test_an_account_moves(void) {
  g_autoptr(StandIns) stand_ins = stand_ins_new();
  add(stand_ins, "a", 1);
  stand_ins_set(stand_ins, "a-0", "b", "b");
  g_assert_cmpuint(count(stand_ins, "b"), ==, NAMES);
  stand_ins_clear(stand_ins);
  g_assert_null(choose(stand_ins, 0));
}

/* A database that gives each user a kind of their own makes nothing grow. */
static void test_only_so_many_kinds(void) {
  g_autoptr(StandIns) stand_ins = stand_ins_new();
  for (guint i = 0; i < MAX_STAND_IN_KINDS; i++) {
    g_autofree char *kind = g_strdup_printf("kind%u", i);
    add(stand_ins, kind, 1);
  }
  add(stand_ins, "late", 1000);
  g_assert_cmpuint(count(stand_ins, "late"), ==, 0);
  add(stand_ins, "kind0", 1000);
  g_assert_cmpuint(count(stand_ins, "kind0"), >, NAMES / 2);
  stand_ins_set(stand_ins, "kind1-0", NULL, NULL);
  add(stand_ins, "late", 1000);
  g_assert_cmpuint(count(stand_ins, "late"), >, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/stand-in/none", test_none);
  g_test_add_func("/stand-in/as-frequent-as-accounts-have-it",
                  test_as_frequent_as_accounts_have_it);
  g_test_add_func("/stand-in/the-same-each-time", test_the_same_each_time);
  g_test_add_func("/stand-in/few-names-change", test_few_names_change);
  g_test_add_func("/stand-in/an-account-moves", test_an_account_moves);
  g_test_add_func("/stand-in/only-so-many-kinds", test_only_so_many_kinds);
  return g_test_run();
}

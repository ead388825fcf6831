/* SPDX-License-Identifier: MIT */
/* verified.c: what is known again, for how long, and what makes it forgotten. */
#include "mailauth/package/verified.h"

#include "mailauth/base/limits.h"

#define S G_USEC_PER_SEC
#define SECONDS 60

typedef struct {
  const char *title;
  VerifiedClaim asked; /* after LEARNT, of the same owner or another */
  gint64 after;        /* µs since it was learnt */
  gboolean known;
} Row;

#define CLAIM(owner, hash, password)                                                               \
  { owner, hash, "", password, sizeof(password) - 1 }
static const VerifiedClaim LEARNT = CLAIM("SAM  ann", "$5$a$1", "sesame");

static const Row rows[] = {
    {"the same", CLAIM("SAM  ann", "$5$a$1", "sesame"), 0, TRUE},
    {"the same, late", CLAIM("SAM  ann", "$5$a$1", "sesame"), SECONDS *S - 1, TRUE},
    {"the same, too late", CLAIM("SAM  ann", "$5$a$1", "sesame"), SECONDS *S, FALSE},
    {"another password", CLAIM("SAM  ann", "$5$a$1", "Sesame"), 0, FALSE},
    {"a part of it", CLAIM("SAM  ann", "$5$a$1", "sesam"), 0, FALSE},
    {"no password", CLAIM("SAM  ann", "$5$a$1", ""), 0, FALSE},
    {"more than it", CLAIM("SAM  ann", "$5$a$1", "sesame\0"), 0, FALSE},
    {"another hash", CLAIM("SAM  ann", "$5$a$2", "sesame"), 0, FALSE},
    {"no hash", CLAIM("SAM  ann", "", "sesame"), 0, FALSE},
    {"parts moved", CLAIM("SAM  ann", "$5$a$1s", "esame"), 0, FALSE},
    {"another state", {"SAM  ann", "$5$a$1", "1", "sesame", 6}, 0, FALSE},
    {"another account", CLAIM("SAM  bob", "$5$a$1", "sesame"), 0, FALSE},
    {"another spelling", CLAIM("SAM  Ann", "$5$a$1", "sesame"), 0, FALSE},
    {"another broker", CLAIM("sqlite 3 ann", "$5$a$1", "sesame"), 0, FALSE},
};

static void test_row(gconstpointer data) {
  const Row *row = data;
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 era = verified_get_era(verified);
  verified_learn(verified, era, &LEARNT, 5 * S);
  g_assert_cmpint(verified_recall(verified, era, &row->asked, 5 * S + row->after), ==, row->known);
  g_assert_cmpuint(verified_get_recalled(verified), ==, row->known ? 1 : 0);
}

static void test_off(void) {
  g_autoptr(Verified) verified = verified_new();
  for (guint i = 0; i < 2; i++) {
    verified_learn(verified, verified_get_era(verified), &LEARNT, 0);
    g_assert_cmpuint(verified_count(verified, 0), ==, 0);
    g_assert_false(verified_recall(verified, verified_get_era(verified), &LEARNT, 0));
    verified_renew(verified, 0);
  }
}

static void test_being_known_prolongs_nothing(void) {
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 era = verified_get_era(verified);
  verified_learn(verified, era, &LEARNT, 0);
  for (gint64 second = 0; second < SECONDS; second++)
    g_assert_true(verified_recall(verified, era, &LEARNT, second * S));
  g_assert_false(verified_recall(verified, era, &LEARNT, SECONDS * S));
  g_assert_cmpuint(verified_count(verified, SECONDS * S), ==, 0);
}

static void test_a_new_era_knows_nothing(void) {
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 old = verified_get_era(verified);
  verified_learn(verified, old, &LEARNT, 0);
  verified_renew(verified, SECONDS);
  guint64 era = verified_get_era(verified);
  g_assert_cmpuint(era, !=, old);
  g_assert_false(verified_recall(verified, era, &LEARNT, 0));
  /* A proof that began before the change ends after it. */
  verified_learn(verified, old, &LEARNT, 0);
  g_assert_false(verified_recall(verified, era, &LEARNT, 0));
  verified_learn(verified, era, &LEARNT, 0);
  g_assert_false(verified_recall(verified, old, &LEARNT, 0));
  g_assert_true(verified_recall(verified, era, &LEARNT, 0));
}

static void test_one_password_an_account(void) {
  static const VerifiedClaim newer = CLAIM("SAM  ann", "$5$b$2", "other");
  static const VerifiedClaim bob = CLAIM("SAM  bob", "$5$a$1", "sesame");
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 era = verified_get_era(verified);
  verified_learn(verified, era, &LEARNT, 0);
  verified_learn(verified, era, &bob, 0);
  verified_learn(verified, era, &newer, 0);
  g_assert_cmpuint(verified_count(verified, 0), ==, 2);
  g_assert_false(verified_recall(verified, era, &LEARNT, 0));
  g_assert_true(verified_recall(verified, era, &newer, 0));
  verified_forget(verified, "SAM  ann");
  verified_forget(verified, "SAM  nobody");
  g_assert_false(verified_recall(verified, era, &newer, 0));
  g_assert_true(verified_recall(verified, era, &bob, 0));
}

static void test_a_changed_account_is_forgotten(void) {
  static const VerifiedClaim bob = CLAIM("SAM  bob", "$5$a$1", "sesame");
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 before = verified_get_era(verified);
  verified_learn(verified, before, &LEARNT, 0);
  verified_learn(verified, before, &bob, 0);
  verified_forget_changed(verified, "SAM  ANN");
  guint64 after = verified_get_era(verified);
  g_assert_cmpuint(verified_count(verified, 0), ==, 1);
  /* A proof that began before the change. */
  verified_learn(verified, before, &LEARNT, 0);
  g_assert_false(verified_recall(verified, after, &LEARNT, 0));
  g_assert_true(verified_recall(verified, after, &bob, 0));
  verified_learn(verified, after, &LEARNT, 0);
  g_assert_true(verified_recall(verified, after, &LEARNT, 0));
}

static void test_the_oldest_makes_room(void) {
  g_autoptr(Verified) verified = verified_new();
  verified_renew(verified, SECONDS);
  guint64 era = verified_get_era(verified);
  verified_learn(verified, era, &LEARNT, 0);
  for (guint i = 0; i < MAX_VERIFIED; i++) {
    g_autofree char *owner = g_strdup_printf("SAM  user%u", i);
    const VerifiedClaim claim = {owner, "$5$a$1", "", "sesame", 6};
    g_assert_cmpint(verified_recall(verified, era, &LEARNT, 1), ==, TRUE);
    verified_learn(verified, era, &claim, 1);
  }
  g_assert_cmpuint(verified_count(verified, 1), ==, MAX_VERIFIED);
  g_assert_false(verified_recall(verified, era, &LEARNT, 1));
}

static void test_by_the_clock(void) {
  g_autoptr(Verified) one = verified_new();
  gint64 before = verified_get_time();
  g_assert_cmpint(before, >, 0);
  g_assert_cmpint(verified_get_time(), >=, before);
  verified_renew(one, SECONDS);
  verified_learn(one, verified_get_era(one), &LEARNT, before);
  g_assert_true(verified_recall(one, verified_get_era(one), &LEARNT, verified_get_time()));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/verified/", rows[i].title, NULL);
    g_test_add_data_func(path, &rows[i], test_row);
  }
  g_test_add_func("/verified/off", test_off);
  g_test_add_func("/verified/being-known-prolongs-nothing", test_being_known_prolongs_nothing);
  g_test_add_func("/verified/a-new-era-knows-nothing", test_a_new_era_knows_nothing);
  g_test_add_func("/verified/one-password-an-account", test_one_password_an_account);
  g_test_add_func("/verified/a-changed-account-is-forgotten", test_a_changed_account_is_forgotten);
  g_test_add_func("/verified/the-oldest-makes-room", test_the_oldest_makes_room);
  g_test_add_func("/verified/by-the-clock", test_by_the_clock);
  return g_test_run();
}

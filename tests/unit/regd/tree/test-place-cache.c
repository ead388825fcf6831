/* SPDX-License-Identifier: MIT */
/* Which places are kept: how soon a call is refused must not tell whether the key exists. */
#include "tests/unit/support/store-fixture.h"

#define OWNER 1001U
#define STRANGER 1000U
#define KEY "HKU\\1001\\Key"

static gboolean is_kept(StoreFixture *fixture, guint32 uid, const char *key) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Identity) who = identity_new(uid, FALSE, NULL, 0, 1, "test");
  g_autoptr(Place) place = resolve(fixture->store, who, key, RESOLVE_FOLLOW, &error);
  g_assert_no_error(error);
  place_cache_add(fixture->places, who, key, RESOLVE_FOLLOW, place);
  g_autoptr(Place) found = place_cache_find(fixture->places, uid, key, RESOLVE_FOLLOW);
  return found != NULL;
}

static void what_may_be_read_is_kept(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  store_fixture_set(fixture, KEY, "n", "x");
  g_assert_true(is_kept(fixture, OWNER, KEY));
  g_assert_false(is_kept(fixture, OWNER, KEY "\\Missing"));
}

static void what_is_refused_is_not_kept(StoreFixture *fixture, G_GNUC_UNUSED gconstpointer data) {
  store_fixture_set(fixture, KEY, "n", "x");
  g_assert_false(is_kept(fixture, STRANGER, KEY));
  g_assert_false(is_kept(fixture, STRANGER, KEY "\\Missing"));
}

#define TEST(name, function)                                                                       \
  g_test_add("/place-cache/" name, StoreFixture, NULL, store_fixture_set_up, function,             \
             store_fixture_tear_down)

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  TEST("what may be read is kept", what_may_be_read_is_kept);
  TEST("what is refused is not kept", what_is_refused_is_not_kept);
  return g_test_run();
}

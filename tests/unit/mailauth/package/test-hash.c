/* SPDX-License-Identifier: MIT */
/* Which password hashes are accepted, and what is proved against them: rows of data. */
#include <glib.h>
#include <string.h>

#include "mailauth/package/hash.h"

typedef struct {
  const char *name;
  const char *hash;
  gboolean accepted;
} Row;

#define SALT "$k2XAnEHBqQ1Ct2aMXFKNa/$"

static const Row rows[] = {
    {"yescrypt", "$y$j9T" SALT, TRUE},
    {"yescrypt-small-blocks", "$y$j75" SALT, TRUE},
    {"yescrypt-dearest", "$y$jFT" SALT, TRUE},
    {"yescrypt-rounds", "$y$jGT" SALT, FALSE},
    {"yescrypt-blocks", "$y$j9U" SALT, FALSE},
    {"yescrypt-more-parameters", "$y$j9T/.." SALT, FALSE},
    {"yescrypt-none", "$y$" SALT, FALSE},
    {"sha512", "$6$saltsalt$", TRUE},
    {"sha512-rounds", "$6$rounds=656000$saltsalt$", TRUE},
    {"sha512-dearest", "$6$rounds=5000000$saltsalt$", TRUE},
    {"sha512-too-dear", "$6$rounds=5000001$saltsalt$", FALSE},
    {"sha512-hours", "$6$rounds=999999999$saltsalt$", FALSE},
    {"sha256-too-dear", "$5$rounds=999999999$saltsalt$", FALSE},
    {"sha256", "$5$saltsalt$", TRUE},
    {"bcrypt", "$2b$12$abcdefghijklmnopqrstuu", TRUE},
    {"bcrypt-dearest", "$2b$16$abcdefghijklmnopqrstuu", TRUE},
    {"bcrypt-too-dear", "$2b$17$abcdefghijklmnopqrstuu", FALSE},
    {"bcrypt-php", "$2y$12$abcdefghijklmnopqrstuu", TRUE},
    {"bcrypt-old", "$2a$12$abcdefghijklmnopqrstuu", TRUE},
    {"bcrypt-php-too-dear", "$2y$17$abcdefghijklmnopqrstuu", FALSE},
    {"bcrypt-broken", "$2x$12$abcdefghijklmnopqrstuu", FALSE},
    {"scheme", "{SHA512-CRYPT}$6$saltsalt$", TRUE},
    {"scheme-any-case", "{blf-crypt}$2y$12$abcdefghijklmnopqrstuu", TRUE},
    {"scheme-too-dear", "{CRYPT}$6$rounds=999999999$saltsalt$", FALSE},
    {"scheme-only", "{CRYPT}", FALSE},
    {"scheme-twice", "{CRYPT}{CRYPT}$6$saltsalt$", FALSE},
    {"scheme-unknown", "{MD5-CRYPT}$6$saltsalt$", FALSE},
    {"md5", "$1$saltsalt$", FALSE},
    {"des", "ab", FALSE},
    {"empty", "", FALSE},
    {"plain", "sesame", FALSE},
};

static void test_accepted(gconstpointer data) {
  const Row *row = data;
  g_assert_cmpint(hash_is_accepted(row->hash), ==, row->accepted);
}

static void test_kind(void) {
  const struct {
    const char *hash, *kind;
  } kinds[] = {
      {"$y$j9T" SALT, "$y$j9T$"},
      {"$6$saltsalt$x", "$6$"},
      {"$6$rounds=656000$saltsalt$x", "$6$rounds=656000$"},
      {"$5$rounds=1000$saltsalt$x", "$5$rounds=1000$"},
      {"$2b$12$abcdefghijklmnopqrstuu", "$2b$12$"},
      {"{CRYPT}$2y$12$abcdefghijklmnopqrstuu", "$2b$12$"},
      {"$1$saltsalt$", NULL},
      {"!", NULL},
      {"", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autofree char *kind = hash_dup_kind(kinds[i].hash);
    g_assert_cmpstr(kind, ==, kinds[i].kind);
  }
}

/* The same hash under its other names. */
static void test_other_names(void) {
  static const char *const names[] = {"$2b$", "$2y$", "$2a$", "{BLF-CRYPT}$2y$", "{crypt}$2b$"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *hash =
        g_strconcat(names[i], "04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW", NULL);
    g_assert_true(hash_prove("sesame", 6, hash));
    g_assert_false(hash_prove("Sesame", 6, hash));
    g_autofree char *dummy = hash_dup_dummy(hash);
    g_assert_true(hash_is_accepted(dummy));
    g_assert_false(hash_prove("sesame", 6, dummy));
  }
}

/* What takes hours is not begun, and lets nobody in. */
static void test_too_dear(void) {
  g_assert_false(hash_prove("sesame", 6, "$6$rounds=999999999$saltsalt$x"));
}

static void test_new(void) {
  g_autofree char *hash = hash_new("sesame", 6, NULL);
  g_assert_nonnull(hash);
  g_assert_true(hash_is_accepted(hash));
  g_assert_true(hash_prove("sesame", 6, hash));
  g_assert_false(hash_prove("sesam", 5, hash));
  g_autofree char *dummy = hash_dup_dummy(hash);
  g_assert_true(hash_is_accepted(dummy));
  g_assert_false(hash_prove("sesame", 6, dummy));
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strconcat("/hash/accepted/", rows[i].name, NULL);
    g_test_add_data_func(path, &rows[i], test_accepted);
  }
  g_test_add_func("/hash/kind", test_kind);
  g_test_add_func("/hash/other-names", test_other_names);
  g_test_add_func("/hash/too-dear", test_too_dear);
  g_test_add_func("/hash/new", test_new);
  return g_test_run();
}

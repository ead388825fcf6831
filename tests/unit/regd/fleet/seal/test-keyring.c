/* SPDX-License-Identifier: MIT */
/* The Key File: its lines, and the files that are refused. */
#include "regd/fleet/seal/keyring.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/base/error.h"

#define A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define B "ff112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static const struct {
  const char *text;
  guint n_keys;       /* 0: refused */
  const char *reason; /* a part of the message */
} rows[] = {
    {A, 1, NULL},
    {A "\n", 1, NULL},
    {A "\n" B "\n", 2, NULL},
    {"\n" A "\n\n" B, 2, NULL},
    {"", 0, "holds no key"},
    {"\n\n", 0, "holds no key"},
    {A "0", 0, "line 1"},
    {A "\r\n", 0, "line 1"},
    {A "\n" B " \n", 0, "line 2"},
    {A "\n0011", 0, "line 2"},
    {"g0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", 0, "line 1"},
    {"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFg", 0, "line 1"},
};

static void test_lines(void) {
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(FleetKeyring) keyring =
        fleet_keyring_parse(rows[i].text, strlen(rows[i].text), &error);
    if (rows[i].n_keys > 0) {
      g_assert_no_error(error);
      g_assert_cmpuint(keyring->n_keys, ==, rows[i].n_keys);
      continue;
    }
    g_assert_null(keyring);
    g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_INVALID_VALUE);
    g_assert_nonnull(strstr(error->message, rows[i].reason));
    g_assert_null(strstr(error->message, "0011")); /* what the file holds */
  }
}

static void test_bytes(void) {
  static const guint8 first[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
  g_autoptr(FleetKeyring) keyring = fleet_keyring_parse(A "\n" B, strlen(A "\n" B), NULL);
  g_assert_cmpmem(keyring->keys[0].key, sizeof first, first, sizeof first);
  g_assert_cmpuint(keyring->keys[1].key[0], ==, 0xff);
  g_assert_cmpuint(keyring->keys[1].key[31], ==, 0xff);
  g_assert_cmpint(memcmp(keyring->keys[0].id, keyring->keys[1].id, FLEET_KEY_ID_BYTES), !=, 0);
  /* Part of what is sealed: another one would open nothing that is in a cluster. */
  static const guint8 id[] = {0x9b, 0xa7, 0x28, 0x76};
  g_assert_cmpmem(keyring->keys[0].id, FLEET_KEY_ID_BYTES, id, sizeof id);
}

static void test_many(void) {
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; i < FLEET_LIMIT_KEYS; i++)
    g_string_append(text, A "\n");
  g_autoptr(FleetKeyring) most = fleet_keyring_parse(text->str, text->len, NULL);
  g_assert_cmpuint(most->n_keys, ==, FLEET_LIMIT_KEYS);
  g_string_append(text, A "\n");
  g_assert_null(fleet_keyring_parse(text->str, text->len, NULL));
}

static void refuses(const char *file, const char *reason) {
  g_autoptr(GError) error = NULL;
  g_assert_null(fleet_keyring_load(file, &error));
  g_assert_error(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
  g_assert_nonnull(strstr(error->message, file));
  g_assert_nonnull(strstr(error->message, reason));
}

static void test_file(void) {
  g_autofree char *folder = g_dir_make_tmp("regd-keyring-XXXXXX", NULL);
  g_autofree char *file = g_build_filename(folder, "keys", NULL);
  g_autofree char *pipe = g_build_filename(folder, "pipe", NULL);
  refuses(file, "No such file");
  refuses(folder, "not a regular file");
  g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
  refuses(pipe, "not a regular file");
  g_assert_true(g_file_set_contents(file, A "\n" B "\n", -1, NULL));
  g_assert_cmpint(g_chmod(file, 0604), ==, 0);
  refuses(file, "everybody may read");
  g_assert_cmpint(g_chmod(file, 0640), ==, 0);
  g_autoptr(FleetKeyring) keyring = fleet_keyring_load(file, NULL);
  g_assert_cmpuint(keyring->n_keys, ==, 2);
  g_assert_true(g_file_set_contents(file, A "\nnothing\n", -1, NULL));
  g_assert_cmpint(g_chmod(file, 0600), ==, 0);
  refuses(file, "line 2");
  g_assert_cmpint(g_unlink(file) | g_unlink(pipe) | g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/keyring/lines", test_lines);
  g_test_add_func("/keyring/bytes", test_bytes);
  g_test_add_func("/keyring/many", test_many);
  g_test_add_func("/keyring/file", test_file);
  return g_test_run();
}

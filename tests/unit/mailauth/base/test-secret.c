/* SPDX-License-Identifier: MIT */
/* secret.c: what may be a password is locked in memory, and wiped when it goes. */
#include "mailauth/base/secret.h"

#include <openssl/crypto.h>
#include <string.h>

#define PASSWORD "correct horse battery staple"
/* OpenSSL's heap keeps its lists in the first bytes of what is free. */
#define LIST_BYTES 16U

static gboolean is_locking(void) {
  return CRYPTO_secure_malloc_initialized() == 1;
}

/* Freed memory of the secure heap stays where it is: it may be looked at. */
static gboolean is_wiped(const guint8 *bytes, gsize size) {
  for (gsize i = LIST_BYTES; i < size; i++)
    if (((const volatile guint8 *)bytes)[i] != 0)
      return FALSE;
  return TRUE;
}

static void append(Secret *secret, const char *text) {
  secret_append(secret, text, strlen(text));
}

static void test_grows(void) {
  g_auto(Secret) secret = {0};
  g_autoptr(GString) expected = g_string_new(NULL);
  for (guint i = 0; i < 1000; i++) {
    append(&secret, PASSWORD);
    g_string_append(expected, PASSWORD);
    g_assert_cmpuint(secret.bytes[secret.size], ==, '\0');
  }
  g_assert_cmpmem(secret.bytes, secret.size, expected->str, expected->len);
}

static void test_moves(void) {
  g_auto(Secret) from = {0};
  g_auto(Secret) to = {0};
  append(&from, PASSWORD);
  append(&to, "other");
  const guint8 *bytes = from.bytes;
  secret_move(&to, &from);
  g_assert_true(to.bytes == bytes && from.bytes == NULL && from.size == 0);
}

static void test_wiped_when_cleared(void) {
  g_auto(Secret) secret = {0};
  append(&secret, PASSWORD PASSWORD);
  const guint8 *bytes = secret.bytes;
  gsize room = secret.room;
  if (!is_locking()) {
    g_test_skip("NOTHING IS LOCKED IN THIS BUILD, OR UNDER THIS LIMIT");
    return;
  }
  g_assert_cmpint(CRYPTO_secure_allocated(bytes), ==, 1);
  g_assert_false(is_wiped(bytes, room));
  secret_clear(&secret);
  g_assert_true(is_wiped(bytes, room));
}

static void test_wiped_when_it_grows(void) {
  g_auto(Secret) secret = {0};
  append(&secret, PASSWORD PASSWORD);
  const guint8 *bytes = secret.bytes;
  gsize room = secret.room;
  if (!is_locking()) {
    g_test_skip("NOTHING IS LOCKED IN THIS BUILD, OR UNDER THIS LIMIT");
    return;
  }
  while (secret.bytes == bytes)
    append(&secret, PASSWORD);
  g_assert_true(is_wiped(bytes, room));
}

/* More than can be locked: the rest is had all the same, and freed by its kind. */
static void test_more_than_fits(void) {
  g_autoptr(GPtrArray) all = g_ptr_array_new();
  const gsize size = 16384;
  for (guint i = 0; i < 512; i++)
    g_ptr_array_add(all, memset(secret_alloc(size), 0x5a, size));
  g_assert_cmpint(CRYPTO_secure_allocated(all->pdata[511]), ==, 0);
  for (guint i = 0; i < all->len; i++)
    secret_free(all->pdata[i], size);
  gpointer again = secret_alloc(size);
  g_assert_cmpint(CRYPTO_secure_allocated(again), ==, is_locking());
  secret_free(again, size);
  secret_free(NULL, size);
}

static void test_status_shows_it(void) {
  g_autofree char *status = NULL;
  g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
  const char *locked = strstr(status, "VmLck:");
  g_assert_nonnull(locked);
  guint64 kilobytes = g_ascii_strtoull(locked + strlen("VmLck:"), NULL, 10);
  g_test_message("%" G_GUINT64_FORMAT " kB are locked", kilobytes);
  g_assert_cmpint(kilobytes > 0, ==, is_locking());
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_message("%s", secret_lock_memory() ? "all is locked" : "NOT ALL THAT IS WANTED IS LOCKED");
  g_test_add_func("/secret/grows", test_grows);
  g_test_add_func("/secret/moves", test_moves);
  g_test_add_func("/secret/wiped-when-cleared", test_wiped_when_cleared);
  g_test_add_func("/secret/wiped-when-it-grows", test_wiped_when_it_grows);
  g_test_add_func("/secret/more-than-fits", test_more_than_fits);
  g_test_add_func("/secret/status", test_status_shows_it);
  return g_test_run();
}

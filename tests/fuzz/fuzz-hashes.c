/* SPDX-License-Identifier: MIT */
/* Password hashes as text: none is taken for another, what is too dear is not computed, and
 * what stands in for one is of the same kind. Only cheap ones are proved. */
#include <string.h>

#include "mailauth/hashes/hash.h"
#include "tests/fuzz/fuzz.h"

#define CHEAP_BYTES 4

/* By the kind: a fuzzer would find the dearest that are allowed. */
static gboolean is_cheap(const char *kind) {
  static const char *const cheap[] = {"{SHA", "{SSHA", "{PBKDF2"};
  for (gsize i = 0; i < G_N_ELEMENTS(cheap); i++)
    if (g_str_has_prefix(kind, cheap[i]))
      return strlen(kind) - strcspn(kind, "}") <= CHEAP_BYTES;
  return FALSE;
}

static void check_accepted(const char *hash, const char *kind) {
  g_assert_nonnull(kind);
  g_assert_false(hash_is_locked(hash));
  g_autofree char *dummy = hash_dup_dummy(hash);
  g_autofree char *same = hash_dup_kind(dummy);
  g_assert_cmpstr(same, ==, kind);
  g_assert_cmpstr(dummy, !=, hash);
  if (!is_cheap(kind))
    return;
  HashResult result = hash_prove("sesame", 6, hash);
  g_assert_true(result == HASH_RIGHT || result == HASH_WRONG);
  g_assert_cmpint(hash_prove("sesame", 6, dummy) == HASH_RIGHT, <=, result != HASH_RIGHT);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  g_autofree char *hash = g_strndup((const char *)data, size);
  g_autofree char *kind = hash_dup_kind(hash);
  const char *fault = hash_find_fault(hash);
  if (fault == NULL) {
    check_accepted(hash, kind);
    return 0;
  }
  g_assert_null(kind);
  g_assert_cmpint(hash_prove("sesame", 6, hash), ==, HASH_UNUSABLE);
  g_autofree char *dummy = hash_dup_dummy(hash);
  g_assert_true(hash_is_accepted(dummy));
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* SCRAM: lines of a client's first message, its last, and keys as text. What is
 * taken apart is put together again, and nobody who has not the password, nor the
 * connection, proves anything. */
#include "mailauth/protocol/scram.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Nobody's: no StoredKey is a hash of these. */
static void make_keys(ScramKeys *keys) {
  *keys = (ScramKeys){.iterations = SCRAM_MIN_ITERATIONS, .salt_size = SCRAM_SALT_BYTES};
}

static void check_first(const char *text, gboolean plus) {
  g_auto(ScramFirst) first = {0};
  if (!scram_first_parse((const guint8 *)text, strlen(text), plus, &first))
    return;
  g_autofree char *again = g_strconcat(first.header, first.bare, NULL);
  g_assert_cmpstr(again, ==, text);
  g_assert_true(g_utf8_validate(first.user, -1, NULL));
  g_assert_cmpuint(strlen(first.user), >, 0);
  g_assert_cmpuint(strlen(first.nonce), <=, MAX_SCRAM_NONCE);
  g_assert_true((first.type != NULL) == (plus != FALSE));
}

static void check_exchange(const char *first, const char *final, gboolean plus) {
  g_autoptr(Scram) scram = scram_new((const guint8 *)first, strlen(first), plus);
  g_auto(ScramKeys) keys = {0};
  g_autofree char *signature = NULL;
  if (scram == NULL)
    return;
  make_keys(&keys);
  g_assert_true(scram_add_binding(scram, "tls-exporter", (const guint8 *)"bound", 5));
  g_assert_nonnull(scram_ask(scram, &keys, "server"));
  ScramResult result = scram_prove(scram, (const guint8 *) final, strlen(final), &keys, &signature);
  g_assert_cmpint(result, !=, SCRAM_RIGHT);
  g_assert_cmpint(result, !=, SCRAM_OVERTAKEN);
  g_assert_null(signature);
  gboolean valid = scram_final_is_valid((const guint8 *) final, strlen(final));
  g_assert_cmpint(valid, ==, result != SCRAM_MALFORMED);
}

static void check_keys(const char *text) {
  g_auto(ScramKeys) keys = {0};
  g_auto(ScramKeys) same = {0};
  if (!scram_keys_parse(text, &keys))
    return;
  g_autofree char *again = scram_keys_format(&keys);
  g_assert_true(scram_keys_parse(again, &same));
  g_assert_cmpmem(&keys, sizeof keys, &same, sizeof same);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(GStrv) lines = g_strsplit(text, "\n", 3);
  const char *first = lines[0] != NULL ? lines[0] : "";
  const char *final = lines[0] != NULL && lines[1] != NULL ? lines[1] : "";
  for (gboolean plus = FALSE; plus <= TRUE; plus++) {
    check_first(first, plus);
    check_exchange(first, final, plus);
  }
  check_keys(first);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* SASL responses, one a line: the first line names the mechanism. What base64
 * is taken for is what GLib's decoder makes of it, and comes out as it went in. */
#include "mailauth/base/base64.h"
#include "mailauth/protocol/sasl.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_base64(const char *text) {
  g_auto(Secret) bytes = {0};
  if (!base64_decode(text, &bytes) || bytes.size == 0)
    return;
  g_autofree char *again = g_base64_encode(bytes.bytes, bytes.size);
  g_assert_cmpstr(again, ==, text);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(GStrv) lines = g_strsplit(text, "\n", 8);
  SaslExchange exchange = {0};
  Credentials credentials = {0};
  g_autoptr(GString) challenge = g_string_new(NULL);
  const Surroundings surroundings = {
      .in_tls = TRUE, .takes_passwords = TRUE, .takes_proofs = TRUE, .has_scram = TRUE};
  if (lines[0] == NULL || sasl_begin(&exchange, lines[0], &surroundings) != SASL_BEGUN)
    return 0;
  SaslResult result = sasl_respond(&exchange, NULL, challenge, &credentials);
  for (guint i = 1; lines[i] != NULL && (result == SASL_CHALLENGE || result == SASL_ASK); i++) {
    check_base64(lines[i]);
    result = sasl_respond(&exchange, lines[i], challenge, &credentials);
  }
  if (result == SASL_DONE || result == SASL_ASK)
    g_assert_true(g_utf8_validate(credentials.user, -1, NULL));
  credentials_clear(&credentials);
  sasl_clear(&exchange);
  return 0;
}

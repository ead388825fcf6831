/* SPDX-License-Identifier: MIT */
/* A question of saslauthd's. Once it is decided what a beginning says, more
 * bytes may only add the client's address. */
#include "mailauth/base/limits.h"
#include "mailauth/protocol/saslauthd.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  AuthRequest whole = {0};
  SaslauthdStep step = saslauthd_parse(data, size, &whole);
  gsize decided = 0;
  SaslauthdStep first = SASLAUTHD_MORE;
  for (gsize i = 0; i <= size && first == SASLAUTHD_MORE; i++) {
    AuthRequest request = {0};
    first = saslauthd_parse(data, i, &request);
    decided = i;
    if (first == SASLAUTHD_LOGIN)
      g_assert_cmpstr(request.credentials.user, ==, whole.credentials.user);
    auth_request_clear(&request);
  }
  g_assert_cmpint(first, ==, step);
  g_assert_true(step == SASLAUTHD_BAD || decided <= MAX_SASLAUTHD_QUESTION);
  if (step == SASLAUTHD_LOGIN)
    g_assert_true(g_utf8_validate(whole.credentials.user, -1, NULL) &&
                  strlen(whole.credentials.user) <= MAX_USER);
  else
    g_assert_null(whole.credentials.user);
  auth_request_clear(&whole);
  return 0;
}

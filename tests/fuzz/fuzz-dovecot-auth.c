/* SPDX-License-Identifier: MIT */
/* Another server's lines: the first byte is the size of the fragments. Every
 * request is answered at once, by turns; however the input is cut, the same
 * comes out, and no answer is more than a line. */
#include "mailauth/protocol/dovecot-auth.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static DovecotAuthStep answer(DovecotAuth *machine, GString *out) {
  const AuthRequest *request = dovecot_auth_get_request(machine);
  CredentialsKind kind = request->credentials.kind;
  if (kind == CREDENTIALS_SCRAM_FIRST || kind == CREDENTIALS_SCRAM_FINAL) {
    dovecot_auth_challenge(machine, request->id, (const guint8 *)"what", 4, out);
    return DOVECOT_AUTH_READ;
  }
  if (kind == CREDENTIALS_SCRAM_END)
    return dovecot_auth_answer(machine, request->id, AUTH_RIGHT, "who", out);
  g_autofree char *user = g_strdup(request->credentials.user);
  g_assert_true(g_utf8_validate(user, -1, NULL));
  AuthVerdict verdict = request->credentials.password.size % 4 == 3   ? AUTH_OUTAGE
                        : request->credentials.password.size % 2 == 0 ? AUTH_RIGHT
                                                                      : AUTH_WRONG;
  return dovecot_auth_answer(machine, request->id, verdict, user, out);
}

static void check_output(const GString *out) {
  g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
  g_assert_cmpuint(strlen(out->str), ==, out->len);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    g_assert_true(g_str_has_prefix(*line, "OK\t") || g_str_has_prefix(*line, "FAIL\t") ||
                  g_str_has_prefix(*line, "CONT\t"));
}

static GString *play(const guint8 *data, gsize size, gsize fragment) {
  g_autoptr(DovecotAuth) machine = dovecot_auth_new(TRUE, 0);
  GString *out = g_string_new(NULL);
  DovecotAuthStep step = DOVECOT_AUTH_READ;
  while (size > 0 && step != DOVECOT_AUTH_CLOSE) {
    gsize left = MIN(fragment, size);
    size -= left;
    while (left > 0 && step != DOVECOT_AUTH_CLOSE) {
      step = dovecot_auth_feed(machine, &data, &left, out);
      guint32 dropped = 0;
      while (dovecot_auth_take_dropped(machine, &dropped))
        continue;
      if (step == DOVECOT_AUTH_LOGIN)
        step = answer(machine, out);
    }
  }
  check_output(out);
  return out;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size < 1)
    return 0;
  g_autoptr(GString) whole = play(data + 1, size - 1, G_MAXSIZE);
  g_autoptr(GString) pieces = play(data + 1, size - 1, (gsize)data[0] + 1);
  g_assert_true(g_string_equal(whole, pieces));
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* The dialogue with a mail server behind that is hostile: byte 0 chooses the protocol, the
 * rest are the server's lines. Whatever it says, the credentials go out at most once, what
 * goes out is lines, what is kept of it for people is UTF-8, and what users are told of it is
 * printable and short. */
#include "mailauth/backend/backend-dialog.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

#define PASSWORD "master-secret"

static guint count(const GString *out, const char *text) {
  guint found = 0;
  for (const char *at = strstr(out->str, text); at != NULL; at = strstr(at + 1, text))
    found++;
  return found;
}

static void check(const BackendDialog *dialog, const GString *out) {
  g_autofree char *encoded = g_base64_encode((const guint8 *)"anna\0master\0" PASSWORD,
                                             sizeof "anna\0master\0" PASSWORD - 1);
  g_assert_cmpuint(count(out, encoded), <=, 1);
  g_assert_cmpuint(count(out, PASSWORD), ==, 0);
  g_assert_true(out->len == 0 || g_str_has_suffix(out->str, "\r\n"));
  g_assert_true(g_utf8_validate(backend_dialog_get_answer(dialog), -1, NULL));
  g_assert_true(g_utf8_validate(backend_dialog_get_capabilities(dialog), -1, NULL));
  /* Without the client's leave no command of the server's gets into its line. */
  g_assert_null(strpbrk(backend_dialog_get_capabilities(dialog), "\r\n"));
  const ServerWord word = backend_dialog_get_word(dialog);
  g_assert_cmpuint(word.code, <, N_SERVER_CODES);
  g_assert_true(word.alert == NULL || server_alert_is_clean(word.alert));
}

static gboolean is_failure(Outcome outcome) {
  return outcome == OUTCOME_BACKEND_REFUSED || outcome == OUTCOME_BACKEND_UNREACHABLE;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  Protocol protocol = data[0] % 2 == 0 ? PROTOCOL_POP3 : PROTOCOL_IMAP;
  g_autofree char *said = g_strndup((const char *)data + 1, size - 1);
  g_auto(GStrv) lines = g_strsplit(said, "\n", -1);
  g_autoptr(BackendDialog) dialog = backend_dialog_new(protocol, "anna", "master", PASSWORD);
  if (data[0] % 4 > 1)
    backend_dialog_tell(dialog, "203.0.113.9", 4711);
  g_autoptr(GString) out = g_string_new(NULL);
  DialogResult result = DIALOG_GO_ON;
  for (char **line = lines; *line != NULL && result == DIALOG_GO_ON; line++) {
    Outcome outcome = OUTCOME_OK;
    result = backend_dialog_feed(dialog, g_strchomp(*line), out, &outcome);
    check(dialog, out);
    if (result != DIALOG_FAILED)
      continue;
    g_assert_true(is_failure(outcome));
    /* What has a code is a refusal. */
    g_assert_true(outcome == OUTCOME_BACKEND_REFUSED ||
                  backend_dialog_get_word(dialog).code == SERVER_CODE_NONE);
  }
  /* Nobody is logged in before the credentials were sent. */
  if (result == DIALOG_DONE)
    g_assert_cmpuint(out->len, >, strlen(PASSWORD));
  return 0;
}

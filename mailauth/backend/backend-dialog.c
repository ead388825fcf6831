/* SPDX-License-Identifier: MIT */
/* The conversation of backend-dialog.h: greeting, AUTH, the credentials if the server
 * asks for them, the verdict. */
#include "mailauth/backend/backend-dialog.h"

#include <string.h>

#define TAG "login"

typedef enum { AWAIT_GREETING, AWAIT_CHALLENGE, AWAIT_VERDICT } DialogState;

struct BackendDialog {
  Protocol protocol;
  DialogState state;
  char *credentials; /* base64 */
  char *answer;
  char *capabilities;
};

static char *encode(const char *user, const char *master_user, const char *master_password) {
  gsize sizes[] = {strlen(user) + 1, strlen(master_user) + 1, strlen(master_password)};
  gsize size = sizes[0] + sizes[1] + sizes[2];
  guint8 *plain = g_malloc(size + 1);
  memcpy(plain, user, sizes[0]);
  memcpy(plain + sizes[0], master_user, sizes[1]);
  memcpy(plain + sizes[0] + sizes[1], master_password, sizes[2]);
  char *encoded = g_base64_encode(plain, size);
  explicit_bzero(plain, size);
  g_free(plain);
  return encoded;
}

BackendDialog *backend_dialog_new(Protocol protocol, const char *user, const char *master_user,
                                  const char *master_password) {
  BackendDialog *dialog = g_new0(BackendDialog, 1);
  dialog->protocol = protocol;
  dialog->credentials = encode(user, master_user, master_password);
  dialog->answer = g_strdup("");
  dialog->capabilities = g_strdup("");
  return dialog;
}

void backend_dialog_free(BackendDialog *dialog) {
  if (dialog == NULL)
    return;
  explicit_bzero(dialog->credentials, strlen(dialog->credentials));
  g_free(dialog->credentials);
  g_free(dialog->answer);
  g_free(dialog->capabilities);
  g_free(dialog);
}

const char *backend_dialog_get_answer(const BackendDialog *dialog) {
  return dialog->answer;
}

const char *backend_dialog_get_capabilities(const BackendDialog *dialog) {
  return dialog->capabilities;
}

static gboolean begins(const char *line, const char *prefix) {
  return g_ascii_strncasecmp(line, prefix, strlen(prefix)) == 0;
}

static void send_credentials(BackendDialog *dialog, GString *out) {
  g_string_append_printf(out, "%s\r\n", dialog->credentials);
  dialog->state = AWAIT_VERDICT;
}

/* Codes by which a server says that it is not the master user's fault. */
static Outcome classify(const char *line) {
  static const char *const passing[] = {"[UNAVAILABLE]", "[SERVERBUG]", "[SYS/TEMP]", "[LIMIT]"};
  for (guint i = 0; i < G_N_ELEMENTS(passing); i++)
    if (strstr(line, passing[i]) != NULL)
      return OUTCOME_BACKEND_UNREACHABLE;
  return strstr(line, "[IN-USE]") != NULL || strstr(line, "[INUSE]") != NULL
             ? OUTCOME_MAILBOX_IN_USE
             : OUTCOME_BACKEND_REFUSED;
}

static DialogResult fail(Outcome *outcome, Outcome what) {
  *outcome = what;
  return DIALOG_FAILED;
}

/* ---- POP3 ---- */

static DialogResult feed_pop3(BackendDialog *dialog, const char *line, GString *out,
                              Outcome *outcome) {
  if (begins(line, "-ERR"))
    return fail(outcome,
                dialog->state == AWAIT_GREETING ? OUTCOME_BACKEND_UNREACHABLE : classify(line));
  if (dialog->state == AWAIT_GREETING && begins(line, "+OK")) {
    g_string_append(out, "AUTH PLAIN\r\n");
    dialog->state = AWAIT_CHALLENGE;
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_CHALLENGE && line[0] == '+' && (line[1] == ' ' || line[1] == '\0')) {
    send_credentials(dialog, out);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_VERDICT && begins(line, "+OK"))
    return DIALOG_DONE;
  return fail(outcome, OUTCOME_BACKEND_REFUSED);
}

/* ---- IMAP ---- */

/* They are told to clients, on a line of this server's: a CR alone would end it. */
static gboolean is_printable(const char *text, gsize length) {
  for (gsize i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~')
      return FALSE;
  return TRUE;
}

/* "[CAPABILITY x y]" in an OK, or "* CAPABILITY x y". */
static void take_capabilities(BackendDialog *dialog, const char *line) {
  const char *code = strstr(line, "[CAPABILITY ");
  const char *from = begins(line, "* CAPABILITY ") ? line + strlen("* CAPABILITY ")
                     : code != NULL                ? code + strlen("[CAPABILITY ")
                                                   : NULL;
  if (from == NULL)
    return;
  gsize length = code != NULL ? strcspn(from, "]") : strlen(from);
  if (!is_printable(from, length))
    return;
  g_free(dialog->capabilities);
  dialog->capabilities = g_strndup(from, length);
}

static DialogResult greet_imap(BackendDialog *dialog, const char *line, GString *out,
                               Outcome *outcome) {
  if (!begins(line, "* OK"))
    return fail(outcome,
                begins(line, "* BYE") ? OUTCOME_BACKEND_UNREACHABLE : OUTCOME_BACKEND_REFUSED);
  take_capabilities(dialog, line);
  gboolean at_once = strstr(dialog->capabilities, "SASL-IR") != NULL;
  g_string_append(out, TAG " AUTHENTICATE PLAIN");
  dialog->state = AWAIT_CHALLENGE;
  if (at_once) {
    g_string_append_c(out, ' ');
    send_credentials(dialog, out);
  } else {
    g_string_append(out, "\r\n");
  }
  /* Those from before the login are not needed. */
  *dialog->capabilities = '\0';
  return DIALOG_GO_ON;
}

static DialogResult feed_imap(BackendDialog *dialog, const char *line, GString *out,
                              Outcome *outcome) {
  if (dialog->state == AWAIT_GREETING)
    return greet_imap(dialog, line, out, outcome);
  if (begins(line, "* BYE"))
    return fail(outcome, OUTCOME_BACKEND_UNREACHABLE);
  if (begins(line, "* ")) {
    take_capabilities(dialog, line);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_CHALLENGE && line[0] == '+') {
    send_credentials(dialog, out);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_VERDICT && begins(line, TAG " OK")) {
    take_capabilities(dialog, line);
    return DIALOG_DONE;
  }
  return fail(outcome, classify(line));
}

DialogResult backend_dialog_feed(BackendDialog *dialog, const char *line, GString *out,
                                 Outcome *outcome) {
  g_free(dialog->answer);
  dialog->answer = g_utf8_make_valid(line, -1);
  return dialog->protocol == PROTOCOL_POP3 ? feed_pop3(dialog, line, out, outcome)
                                           : feed_imap(dialog, line, out, outcome);
}

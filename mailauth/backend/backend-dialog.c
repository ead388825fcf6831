/* SPDX-License-Identifier: MIT */
/* The conversation of backend-dialog.h: greeting, AUTH, the credentials if the server
 * asks for them, the verdict. */
#include "mailauth/backend/backend-dialog.h"

#include <string.h>

#include "mailauth/base/client-address.h"
#include "mailauth/base/secret.h"

#define TAG "login"
#define TOLD_TAG "told"
#define ASKED_TAG "asked"

#define HIDDEN "***"
#define BASE64_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
/* Where the credentials are recognised: a server may say no more than their beginning. */
#define MAX_RECOGNISED 12U

/* CAPABILITIES: for the end of the answer to CAPABILITY. TOLD: for the answer to XCLIENT, whatever
 * it is. */
typedef enum {
  AWAIT_GREETING,
  AWAIT_CAPABILITIES,
  AWAIT_TOLD,
  AWAIT_CHALLENGE,
  AWAIT_VERDICT,
} DialogState;

struct BackendDialog {
  Protocol protocol;
  DialogState state;
  char *credentials; /* base64 */
  char *password;    /* the master user's */
  char *answer;
  char *capabilities;
  ServerCode code; /* of its refusal */
  char *alert;     /* the last one; NULL for none */
  char *client;    /* where it is; NULL: the server is not told */
  guint16 client_port;
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
  dialog->password = g_strdup(master_password);
  dialog->answer = g_strdup("");
  dialog->capabilities = g_strdup("");
  return dialog;
}

void backend_dialog_free(BackendDialog *dialog) {
  if (dialog == NULL)
    return;
  secret_free_text(dialog->credentials);
  secret_free_text(dialog->password);
  g_free(dialog->answer);
  g_free(dialog->capabilities);
  g_free(dialog->alert);
  g_free(dialog->client);
  g_free(dialog);
}

/* Printed anew: no other word gets into the line. */
void backend_dialog_tell(BackendDialog *dialog, const char *address, guint16 port) {
  ClientAddress parsed;
  g_free(dialog->client);
  dialog->client = client_address_parse(address, &parsed) ? client_address_format(&parsed) : NULL;
  dialog->client_port = port;
}

const char *backend_dialog_get_answer(const BackendDialog *dialog) {
  return dialog->answer;
}

ServerWord backend_dialog_get_word(const BackendDialog *dialog) {
  return (ServerWord){dialog->code, dialog->alert};
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

/* The word behind @lead and a space; "" for none. */
static const char *get_text(const char *line, const char *lead) {
  gsize length = strlen(lead);
  return line[length] == ' ' ? line + length + 1 : "";
}

/* A server may repeat what it was sent, and its words go to administrators, alerts to users. */
static char *dup_without_secrets(const BackendDialog *dialog, const char *line) {
  g_autoptr(GString) clean = g_string_new(line);
  g_autofree char *begin = g_strndup(dialog->credentials, MAX_RECOGNISED);
  for (char *at; (at = strstr(clean->str, begin)) != NULL;) {
    gssize place = at - clean->str;
    g_string_erase(clean, place, (gssize)strspn(at, BASE64_LETTERS));
    g_string_insert(clean, place, HIDDEN);
  }
  if (*dialog->password != '\0')
    g_string_replace(clean, dialog->password, HIDDEN, 0);
  return g_strdup(clean->str);
}

/* The alert, if there is one, is kept until there is another. */
static ServerCode take_word(BackendDialog *dialog, const char *text) {
  const char *rest = NULL;
  ServerCode code = server_code_find(text, &rest);
  if (code != SERVER_CODE_ALERT)
    return code;
  g_autofree char *clean = dup_without_secrets(dialog, rest);
  g_free(dialog->alert);
  dialog->alert = server_alert_dup(clean);
  return code;
}

static DialogResult fail(Outcome *outcome, Outcome what) {
  *outcome = what;
  return DIALOG_FAILED;
}

/* The server says no, with what follows: a refusal if it tells a code for it, else @otherwise. */
static DialogResult take_refusal(BackendDialog *dialog, const char *text, Outcome *outcome,
                                 Outcome otherwise) {
  dialog->code = take_word(dialog, text);
  return fail(outcome, dialog->code != SERVER_CODE_NONE ? OUTCOME_BACKEND_REFUSED : otherwise);
}

/* ---- POP3 ---- */

/* Dovecot announces XCLIENT in its greeting, to those that it trusts. */
static DialogResult greet_pop3(BackendDialog *dialog, const char *line, GString *out) {
  gboolean tells = dialog->client != NULL && begins(get_text(line, "+OK"), "[XCLIENT]");
  if (tells) {
    g_string_append_printf(out, "XCLIENT ADDR=%s", dialog->client);
    if (dialog->client_port != 0)
      g_string_append_printf(out, " PORT=%u", dialog->client_port);
    g_string_append(out, "\r\n");
  }
  g_string_append(out, "AUTH PLAIN\r\n");
  dialog->state = tells ? AWAIT_TOLD : AWAIT_CHALLENGE;
  return DIALOG_GO_ON;
}

static DialogResult feed_pop3(BackendDialog *dialog, const char *line, GString *out,
                              Outcome *outcome) {
  if (dialog->state == AWAIT_TOLD) {
    dialog->state = AWAIT_CHALLENGE;
    return DIALOG_GO_ON;
  }
  if (begins(line, "-ERR"))
    return take_refusal(dialog, get_text(line, "-ERR"), outcome,
                        dialog->state == AWAIT_GREETING ? OUTCOME_BACKEND_UNREACHABLE
                                                        : OUTCOME_BACKEND_REFUSED);
  if (dialog->state == AWAIT_GREETING && begins(line, "+OK"))
    return greet_pop3(dialog, line, out);
  if (dialog->state == AWAIT_CHALLENGE && line[0] == '+' && (line[1] == ' ' || line[1] == '\0')) {
    send_credentials(dialog, out);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_VERDICT && begins(line, "+OK"))
    return DIALOG_DONE;
  return fail(outcome, OUTCOME_BACKEND_REFUSED);
}

/* ---- IMAP ---- */

/* They are told to clients, on a line of this server's: a lone CR would end it. */
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

static DialogResult take_bye(BackendDialog *dialog, const char *line, Outcome *outcome) {
  return take_refusal(dialog, get_text(line, "* BYE"), outcome, OUTCOME_BACKEND_UNREACHABLE);
}

/* What it tells beside its answer. */
static void take_untagged(BackendDialog *dialog, const char *line) {
  static const char *const leads[] = {"* OK", "* NO", "* BAD"};
  take_capabilities(dialog, line);
  for (guint i = 0; i < G_N_ELEMENTS(leads); i++)
    if (begins(line, leads[i]))
      (void)take_word(dialog, get_text(line, leads[i]));
}

static DialogResult take_verdict(BackendDialog *dialog, const char *line, Outcome *outcome) {
  static const char *const leads[] = {TAG " NO", TAG " BAD"};
  for (guint i = 0; i < G_N_ELEMENTS(leads); i++)
    if (begins(line, leads[i]))
      return take_refusal(dialog, get_text(line, leads[i]), outcome, OUTCOME_BACKEND_REFUSED);
  return fail(outcome, OUTCOME_BACKEND_REFUSED);
}

static gboolean has_capability(const BackendDialog *dialog, const char *name) {
  g_auto(GStrv) words = g_strsplit(dialog->capabilities, " ", -1);
  for (char **word = words; *word != NULL; word++)
    if (g_ascii_strcasecmp(*word, name) == 0)
      return TRUE;
  return FALSE;
}

/* Its answer is not waited for. */
static void tell_imap(const BackendDialog *dialog, GString *out) {
  if (dialog->client == NULL || !has_capability(dialog, "ID"))
    return;
  g_string_append_printf(out, TOLD_TAG " ID (\"x-originating-ip\" \"%s\"", dialog->client);
  if (dialog->client_port != 0)
    g_string_append_printf(out, " \"x-originating-port\" \"%u\"", dialog->client_port);
  g_string_append(out, ")\r\n");
}

static DialogResult begin_imap(BackendDialog *dialog, GString *out) {
  gboolean at_once = has_capability(dialog, "SASL-IR");
  tell_imap(dialog, out);
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

/* A server that greets without its capabilities is asked for them, if there is a use for them. */
static DialogResult greet_imap(BackendDialog *dialog, const char *line, GString *out,
                               Outcome *outcome) {
  if (begins(line, "* BYE"))
    return take_bye(dialog, line, outcome);
  if (!begins(line, "* OK"))
    return fail(outcome, OUTCOME_BACKEND_REFUSED);
  take_untagged(dialog, line);
  if (dialog->client == NULL || *dialog->capabilities != '\0')
    return begin_imap(dialog, out);
  g_string_append(out, ASKED_TAG " CAPABILITY\r\n");
  dialog->state = AWAIT_CAPABILITIES;
  return DIALOG_GO_ON;
}

static DialogResult feed_imap(BackendDialog *dialog, const char *line, GString *out,
                              Outcome *outcome) {
  if (dialog->state == AWAIT_GREETING)
    return greet_imap(dialog, line, out, outcome);
  if (begins(line, "* BYE"))
    return take_bye(dialog, line, outcome);
  if (begins(line, "* ")) {
    take_untagged(dialog, line);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_CAPABILITIES && begins(line, ASKED_TAG " ")) {
    take_capabilities(dialog, line);
    return begin_imap(dialog, out);
  }
  if (begins(line, TOLD_TAG " "))
    return DIALOG_GO_ON;
  if (dialog->state == AWAIT_CHALLENGE && line[0] == '+') {
    send_credentials(dialog, out);
    return DIALOG_GO_ON;
  }
  if (dialog->state == AWAIT_VERDICT && begins(line, TAG " OK")) {
    take_capabilities(dialog, line);
    (void)take_word(dialog, get_text(line, TAG " OK"));
    return DIALOG_DONE;
  }
  return take_verdict(dialog, line, outcome);
}

/* ---- either ---- */

DialogResult backend_dialog_feed(BackendDialog *dialog, const char *line, GString *out,
                                 Outcome *outcome) {
  g_autofree char *clean = dup_without_secrets(dialog, line);
  g_free(dialog->answer);
  dialog->answer = g_utf8_make_valid(clean, -1);
  /* The line as it is: a password may be a word of the protocol. */
  return dialog->protocol == PROTOCOL_POP3 ? feed_pop3(dialog, line, out, outcome)
                                           : feed_imap(dialog, line, out, outcome);
}

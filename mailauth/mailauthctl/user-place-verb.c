/* SPDX-License-Identifier: MIT */
/* See user-place-verb.h. Works without mailauthd. */
#include "mailauth/mailauthctl/user-place-verb.h"

#include "client/base/escape.h"
#include "mailauth/base/name.h"
#include "mailauth/package/app-passwords.h"
#include "mailauth/settings/mail-place.h"

/* ---- show ---- */

/* "" if it can't be read as text; NULL: it is not set. */
static char *get_text(Ctl *ctl, const char *key, const char *name) {
  g_autoptr(RegistryValue) value = registry_get_value(ctl->connection, key, name, NULL);
  char *text = value != NULL ? registry_value_dup_string(value) : NULL;
  return value != NULL && text == NULL ? g_strdup("") : text;
}

static gboolean is_disabled(Ctl *ctl, const char *key) {
  guint32 number = 0;
  g_autoptr(RegistryValue) value = registry_get_value(ctl->connection, key, "Disabled", NULL);
  return value != NULL && (!registry_value_get_uint32(value, &number) || number != 0);
}

typedef struct {
  const char *account;
  gboolean disabled;
  char *backend, *mail_directory; /* NULL: as everybody's */
  char **labels;                  /* of app passwords; may be NULL */
} Facts;

static void facts_clear(Facts *facts) {
  g_free(facts->backend);
  g_free(facts->mail_directory);
  g_strfreev(facts->labels);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Facts, facts_clear)

static void add_json(Ctl *ctl, const char *name, const char *text) {
  json_name(&ctl->output, name);
  if (text == NULL)
    json_null(&ctl->output);
  else
    json_string(&ctl->output, text);
}

static void show_json(Ctl *ctl, const Facts *facts) {
  json_begin(&ctl->output, '{');
  json_member_string(&ctl->output, "user", facts->account);
  json_member_boolean(&ctl->output, "disabled", facts->disabled);
  add_json(ctl, "backend", facts->backend);
  add_json(ctl, "mail-directory", facts->mail_directory);
  json_name(&ctl->output, "app-passwords");
  json_begin(&ctl->output, '[');
  for (char **label = facts->labels; label != NULL && *label != NULL; label++)
    json_string(&ctl->output, *label);
  json_end(&ctl->output, ']');
  json_end(&ctl->output, '}');
  g_string_append_c(ctl_out(ctl), '\n');
}

static void add_line(Ctl *ctl, const char *name, const char *text) {
  g_string_append_printf(ctl_out(ctl), "%s: ", name);
  escape_append(ctl_out(ctl), text);
  g_string_append_c(ctl_out(ctl), '\n');
}

static void show_lines(Ctl *ctl, const Facts *facts) {
  static const char *const everybodys = "as everybody's";
  g_autofree char *labels = facts->labels != NULL ? g_strjoinv(", ", facts->labels) : g_strdup("");
  add_line(ctl, "user", facts->account);
  add_line(ctl, "disabled", facts->disabled ? "yes" : "no");
  add_line(ctl, "backend", facts->backend != NULL ? facts->backend : everybodys);
  add_line(ctl, "mail directory",
           facts->mail_directory != NULL ? facts->mail_directory : everybodys);
  add_line(ctl, "app passwords", *labels != '\0' ? labels : "none");
}

static gboolean show(Ctl *ctl, const char *account, const char *key, GError **error) {
  if (!ctl_need_account(ctl, account, error))
    return FALSE;
  g_autofree char *passwords = g_strconcat(key, "\\" APP_PASSWORDS_KEY, NULL);
  g_auto(Facts) facts = {account, is_disabled(ctl, key), get_text(ctl, key, BACKEND_VALUE),
                         get_text(ctl, key, MAIL_DIRECTORY_VALUE),
                         registry_list_keys(ctl->connection, passwords, NULL)};
  if (ctl->json)
    show_json(ctl, &facts);
  else
    show_lines(ctl, &facts);
  return TRUE;
}

/* ---- set ---- */

/* @text: "" takes the value away; NULL leaves it. */
static gboolean add_change(RegistryTransaction *transaction, const char *key, const char *name,
                           const char *text, GError **error) {
  if (text == NULL)
    return TRUE;
  if (*text == '\0') {
    registry_transaction_delete_value(transaction, key, name);
    return TRUE;
  }
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, text, error);
  if (value == NULL)
    return FALSE;
  registry_transaction_set_value(transaction, key, name, value);
  return TRUE;
}

static gboolean is_given(const char *text) {
  return text != NULL && *text != '\0';
}

static gboolean set(Ctl *ctl, const char *account, const char *key, GError **error) {
  if (ctl->backend == NULL && ctl->mail_directory == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "set takes --backend=ADDRESS, --mail-directory=PATH or both");
  if ((is_given(ctl->backend) && !mail_place_check_backend(ctl->backend, error)) ||
      (is_given(ctl->mail_directory) && !name_check_pattern(ctl->mail_directory, error)) ||
      !ctl_need_account(ctl, account, error))
    return FALSE;
  g_autofree char *comment = ctl->comment != NULL
                                 ? g_strdup(ctl->comment)
                                 : g_strdup_printf("mailauthctl user set %s", account);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  return add_change(transaction, key, BACKEND_VALUE, ctl->backend, error) &&
         add_change(transaction, key, MAIL_DIRECTORY_VALUE, ctl->mail_directory, error) &&
         registry_transaction_commit(ctl->connection, transaction, NULL, error);
}

/* ---- the verb ---- */

gboolean user_place_run(Ctl *ctl, GError **error) {
  gboolean is_set = g_str_equal(ctl_get_operand(ctl, 0), "set");
  if (ctl_get_operand(ctl, 1) == NULL || ctl_get_operand(ctl, 2) != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s takes a NAME",
                     ctl_get_operand(ctl, 0));
  if (!is_set && (ctl->backend != NULL || ctl->mail_directory != NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "--backend and --mail-directory go with user set NAME only");
  g_autofree char *account = ctl_get_account(ctl_get_operand(ctl, 1), error);
  if (account == NULL)
    return FALSE;
  g_autofree char *key = g_strconcat(ACCOUNTS_PATH "\\", account, NULL);
  return is_set ? set(ctl, account, key, error) : show(ctl, account, key, error);
}

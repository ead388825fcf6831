/* SPDX-License-Identifier: MIT */
/* user: the native accounts, keys of HKLM\SAM\Domains\Account\Users. Each change
 * is one commit. Works without mailauthd. */
#include <string.h>

#include "mailauth/mailauthctl/accounts.h"
#include "mailauth/mailauthctl/app-password-verb.h"
#include "mailauth/mailauthctl/decoy.h"
#include "mailauth/mailauthctl/user-place-verb.h"
#include "mailauth/package/sam.h"
#include "mailauth/protocol/scram-keys.h"
#include "mailauth/settings/settings.h"

static char *get_key(const char *account) {
  return g_strconcat(ACCOUNTS_PATH "\\", account, NULL);
}

/* What history keeps with the revision. */
static char *get_comment(const Ctl *ctl, const char *verb, const char *account) {
  return ctl->comment != NULL ? g_strdup(ctl->comment)
                              : g_strdup_printf("mailauthctl user %s %s", verb, account);
}

static gboolean commit(Ctl *ctl, RegistryTransaction *transaction, GError **error) {
  RegistryConnection *connection = ctl_connect(ctl, error);
  return connection != NULL && registry_transaction_commit(connection, transaction, NULL, error);
}

/* *@exists: whether the key is there. */
static gboolean look(Ctl *ctl, const char *key, gboolean *exists, GError **error) {
  g_autoptr(GError) problem = NULL;
  RegistryConnection *connection = ctl_connect(ctl, error);
  if (connection == NULL)
    return FALSE;
  g_auto(GStrv) below = registry_list_keys(connection, key, &problem);
  *exists = below != NULL;
  if (below != NULL || g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

static gboolean need(Ctl *ctl, const char *account, gboolean wanted, GError **error) {
  g_autofree char *key = get_key(account);
  gboolean exists = FALSE;
  if (!look(ctl, key, &exists, error))
    return FALSE;
  if (exists == wanted)
    return TRUE;
  return exists ? error_set(error, REGISTRY_ERROR_KEY_EXISTS, "%s: the account is there already",
                            account)
                : error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: there is no such account",
                            account);
}

static gboolean set_text(RegistryTransaction *transaction, const char *key, const char *name,
                         const char *text, GError **error) {
  g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, text, error);
  if (value == NULL)
    return FALSE;
  registry_transaction_set_value(transaction, key, name, value);
  return TRUE;
}

static gboolean set_proofs(Ctl *ctl, RegistryTransaction *transaction, const char *key,
                           const PasswordProofs *proofs, GError **error) {
  gboolean made = FALSE;
  return set_text(transaction, key, "Password", proofs->hash, error) &&
         set_text(transaction, key, SCRAM_KEYS_VALUE, proofs->scram_keys, error) &&
         decoy_add(ctl, transaction, &made, error);
}

static gboolean add(gpointer where, const char *account, const PasswordProofs *proofs,
                    GError **error) {
  g_autofree char *key = get_key(account);
  g_autofree char *comment = get_comment(where, "add", account);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  if (!need(where, account, FALSE, error))
    return FALSE;
  registry_transaction_expect_absent(transaction, key, "Password");
  registry_transaction_create_key(transaction, key);
  return set_proofs(where, transaction, key, proofs, error) && commit(where, transaction, error);
}

static gboolean set_password(gpointer where, const char *account, const PasswordProofs *proofs,
                             GError **error) {
  g_autofree char *key = get_key(account);
  g_autofree char *comment = get_comment(where, "passwd", account);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  return need(where, account, TRUE, error) && set_proofs(where, transaction, key, proofs, error) &&
         commit(where, transaction, error);
}

static gboolean set_disabled(gpointer where, const char *account, gboolean disabled,
                             GError **error) {
  g_autofree char *key = get_key(account);
  g_autofree char *comment = get_comment(where, disabled ? "disable" : "enable", account);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  g_autoptr(RegistryValue) value =
      registry_value_new_uint32(REGISTRY_DWORD, disabled ? 1 : 0, error);
  if (value == NULL || !need(where, account, TRUE, error))
    return FALSE;
  registry_transaction_set_value(transaction, key, "Disabled", value);
  return commit(where, transaction, error);
}

static gboolean remove_account(gpointer where, const char *account, GError **error) {
  g_autofree char *key = get_key(account);
  g_autofree char *comment = get_comment(where, "remove", account);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  if (!need(where, account, TRUE, error))
    return FALSE;
  registry_transaction_delete_tree(transaction, key);
  return commit(where, transaction, error);
}

static gboolean is_disabled(Ctl *ctl, const char *account) {
  g_autofree char *key = get_key(account);
  guint32 number = 0;
  g_autoptr(RegistryValue) value = registry_get_value(ctl->connection, key, "Disabled", NULL);
  return value != NULL && (!registry_value_get_uint32(value, &number) || number != 0);
}

static gboolean list(G_GNUC_UNUSED gpointer where, Ctl *ctl, GError **error) {
  RegistryConnection *connection = ctl_connect(ctl, error);
  if (connection == NULL)
    return FALSE;
  g_auto(GStrv) accounts = registry_list_keys(connection, ACCOUNTS_PATH, error);
  for (guint i = 0; accounts != NULL && accounts[i] != NULL; i++)
    accounts_show(ctl, accounts[i], is_disabled(ctl, accounts[i]));
  return accounts != NULL;
}

gboolean verb_user(Ctl *ctl, GError **error) {
  static const AccountsKind kind = {TRUE, add, set_password, set_disabled, remove_account, list};
  const char *verb = ctl_get_operand(ctl, 0);
  gboolean is_of_place = g_str_equal(verb, "show") || g_str_equal(verb, "set");
  if (!is_of_place && (ctl->backend != NULL || ctl->mail_directory != NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s takes no --backend or --mail-directory; set NAME does", verb);
  if (g_str_equal(verb, "app-password"))
    return app_password_run(ctl, error);
  if (is_of_place && ctl->protocols == NULL && ctl->expires == NULL)
    return user_place_run(ctl, error);
  if (ctl->protocols != NULL || ctl->expires != NULL || ctl_get_operand(ctl, 2) != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s takes no --protocols, --expires or LABEL; app-password NAME add does",
                     verb);
  return accounts_check(ctl, error) && accounts_run(ctl, &kind, ctl, error);
}

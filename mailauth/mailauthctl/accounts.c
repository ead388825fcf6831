/* SPDX-License-Identifier: MIT */
/* The verbs of `user` and `member`: see accounts.h. */
#include "mailauth/mailauthctl/accounts.h"

#include <string.h>

#include "client/base/escape.h"
#include "mailauth/base/saslprep.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/protocol/scram-keys.h"

typedef enum {
  ACCOUNTS_ADD,
  ACCOUNTS_PASSWD,
  ACCOUNTS_ENABLE,
  ACCOUNTS_DISABLE,
  ACCOUNTS_REMOVE,
  ACCOUNTS_LIST,
  N_ACCOUNTS_VERBS
} AccountsVerb;

static const char *const verb_names[N_ACCOUNTS_VERBS] = {"add",     "passwd", "enable",
                                                         "disable", "remove", "list"};

static AccountsVerb find_verb(const char *name) {
  guint verb = 0;
  while (verb < N_ACCOUNTS_VERBS && !g_str_equal(verb_names[verb], name))
    verb++;
  return (AccountsVerb)verb;
}

gboolean accounts_check(const Ctl *ctl, GError **error) {
  const char *name = ctl_get_operand(ctl, 0);
  AccountsVerb verb = find_verb(name);
  if (verb == N_ACCOUNTS_VERBS)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: not one of add, passwd, enable, disable, remove, list%s", name,
                     g_str_equal(ctl->operands[0], "user") ? ", show, set, app-password" : "");
  gboolean has_name = ctl_get_operand(ctl, 1) != NULL;
  if (has_name != (verb != ACCOUNTS_LIST))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s takes %s NAME", name,
                     verb == ACCOUNTS_LIST ? "no" : "a");
  return TRUE;
}

void accounts_show(Ctl *ctl, const char *account, gboolean disabled) {
  if (ctl->json) {
    json_begin(&ctl->output, '{');
    json_member_string(&ctl->output, "user", account);
    json_member_boolean(&ctl->output, "disabled", disabled);
    json_end(&ctl->output, '}');
    return;
  }
  escape_append(ctl_out(ctl), account);
  g_string_append(ctl_out(ctl), disabled ? " (disabled)\n" : "\n");
}

static gboolean list(Ctl *ctl, const AccountsKind *kind, gpointer where, GError **error) {
  if (ctl->json)
    json_begin(&ctl->output, '[');
  if (!kind->list(where, ctl, error)) {
    g_string_truncate(ctl_out(ctl), 0);
    return FALSE;
  }
  if (ctl->json) {
    json_end(&ctl->output, ']');
    g_string_append_c(ctl_out(ctl), '\n');
  }
  return TRUE;
}

static void proofs_clear(PasswordProofs *proofs) {
  if (proofs->scram_keys != NULL)
    explicit_bzero(proofs->scram_keys, strlen(proofs->scram_keys));
  g_free(proofs->scram_keys);
  g_free(proofs->hash);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PasswordProofs, proofs_clear)

static gboolean ask_password(const char *account, gboolean has_scram_keys, PasswordProofs *proofs,
                             GError **error) {
  g_auto(Secret) typed = {0};
  g_auto(Secret) password = {0};
  g_auto(ScramKeys) keys = {0};
  if (!ctl_ask_password(account, TRUE, &typed, error))
    return FALSE;
  /* As logins prepare it: every way to type it is right then. */
  saslprep_append(secret_get_text(&typed), typed.size, &password);
  const char *text = secret_get_text(&password);
  proofs->hash = hash_new(text, password.size, error);
  if (proofs->hash == NULL || !has_scram_keys)
    return proofs->hash != NULL;
  if (!scram_keys_make(&keys, text, password.size, proofs->hash, error))
    return FALSE;
  proofs->scram_keys = scram_keys_format(&keys);
  return TRUE;
}

static gboolean change(const char *account, AccountsVerb verb, const AccountsKind *kind,
                       gpointer where, GError **error) {
  if (verb == ACCOUNTS_REMOVE)
    return kind->remove(where, account, error);
  if (verb == ACCOUNTS_ENABLE || verb == ACCOUNTS_DISABLE)
    return kind->set_disabled(where, account, verb == ACCOUNTS_DISABLE, error);
  g_auto(PasswordProofs) proofs = {0};
  if (!ask_password(account, kind->has_scram_keys, &proofs, error))
    return FALSE;
  return verb == ACCOUNTS_ADD ? kind->add(where, account, &proofs, error)
                              : kind->set_password(where, account, &proofs, error);
}

gboolean accounts_run(Ctl *ctl, const AccountsKind *kind, gpointer where, GError **error) {
  const char *name = ctl_get_operand(ctl, 0);
  AccountsVerb verb = find_verb(name);
  if (verb == ACCOUNTS_LIST)
    return list(ctl, kind, where, error);
  g_autofree char *account = ctl_get_account(ctl_get_operand(ctl, 1), error);
  if (account == NULL || !change(account, verb, kind, where, error))
    return FALSE;
  if (verb == ACCOUNTS_ADD)
    ctl_note_unreachable(ctl, account);
  if (ctl->json) {
    json_begin(&ctl->output, '{');
    json_member_string(&ctl->output, "verb", name);
    json_member_string(&ctl->output, "user", account);
    json_end(&ctl->output, '}');
    g_string_append_c(ctl_out(ctl), '\n');
  }
  return TRUE;
}

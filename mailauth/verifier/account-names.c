/* SPDX-License-Identifier: MIT */
/* See account-names.h. */
#include "mailauth/verifier/account-names.h"

#include "client/base/nearest.h"
#include "client/base/path.h"
#include "mailauth/base/limits.h"
#include "mailauth/package/app-passwords.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/survey.h"
#include "mailauth/settings/settings.h"

typedef struct {
  const RegistryView *accounts;
  UnknownAccountName unknown;
  gpointer data;
  guint found;
} Search;

static const char *const names[N_ACCOUNT_NAMES][6] = {
    [ACCOUNT_NAMES_ALL] = {DECOY_KEY_VALUE},
    [ACCOUNT_NAMES_ONE] = {"Password", SCRAM_KEYS_VALUE, "Disabled", MAIL_DIRECTORY_VALUE,
                           BACKEND_VALUE},
    [ACCOUNT_NAMES_APP] = {"Password", "Protocols", "Expires"},
};

const char *const *account_names_list(AccountNames kind) {
  return names[kind];
}

static gboolean is_known(const char *name, AccountNames kind) {
  for (const char *const *known = names[kind]; *known != NULL; known++)
    if (path_compare_names(name, *known) == 0)
      return TRUE;
  return *name == '\0'; /* a key's default value is nobody's, and no slip either */
}

static void check_key(Search *search, AccountNames kind, const char *subkey) {
  g_auto(GStrv) values = registry_view_list_values(search->accounts, subkey);
  for (char **name = values; name != NULL && *name != NULL; name++) {
    if (search->found >= MAX_UNKNOWN_NAMES || is_known(*name, kind))
      continue;
    search->found++;
    search->unknown(subkey, *name, nearest_find(*name, names[kind]), search->data);
  }
}

static void check_app_passwords(Search *search, const char *account) {
  g_autofree char *parent = g_strconcat(account, "\\" APP_PASSWORDS_KEY, NULL);
  g_auto(GStrv) labels = registry_view_list_keys(search->accounts, parent);
  for (char **label = labels; label != NULL && *label != NULL; label++) {
    g_autofree char *key = g_strconcat(parent, "\\", *label, NULL);
    check_key(search, ACCOUNT_NAMES_APP, key);
  }
}

void account_names_check(const RegistryView *accounts, UnknownAccountName unknown, gpointer data) {
  Search search = {accounts, unknown, data, 0};
  g_auto(GStrv) all = registry_view_list_keys(accounts, "");
  check_key(&search, ACCOUNT_NAMES_ALL, "");
  for (char **account = all; account != NULL && *account != NULL; account++) {
    check_key(&search, ACCOUNT_NAMES_ONE, *account);
    check_app_passwords(&search, *account);
  }
}

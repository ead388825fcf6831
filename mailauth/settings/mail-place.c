/* SPDX-License-Identifier: MIT */
/* See mail-place.h. */
#include "mailauth/settings/mail-place.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/settings/backend-address.h"
#include "mailauth/settings/decision.h"

void mail_place_clear(MailPlace *place) {
  g_clear_pointer(&place->path, g_free);
  g_clear_pointer(&place->backend, g_free);
  backend_address_clear(&place->address);
}

/* The account's value, "" if it is no text; NULL: it has none. */
static char *read_own(const RegistryView *accounts, const char *account, const char *name) {
  const char *const names[] = {name, NULL};
  if (accounts == NULL || registry_view_get(accounts, account, name) == NULL)
    return NULL;
  char *text = registry_view_get_string(accounts, account, names, NULL);
  return text != NULL ? text : g_strdup("");
}

/* ---- a server of its own ---- */

/* The address of @protocol among those of @text, which may have one for each protocol, with spaces
 * in between. FALSE and no error: there is one, but of another protocol. */
static gboolean choose(const char *text, Protocol protocol, MailPlace *place, GError **error) {
  g_auto(GStrv) words = g_strsplit_set(text, " ", -1);
  BackendAddress address;
  if (strspn(text, " ") == strlen(text))
    return backend_address_parse(text, &address, error); /* which says what an address is */
  for (char **word = words; *word != NULL; word++) {
    if (**word == '\0')
      continue;
    if (!backend_address_parse(*word, &address, error))
      return FALSE;
    if (place->backend != NULL || address.protocol != protocol) {
      backend_address_clear(&address);
      continue;
    }
    place->address = address;
    place->backend = g_strdup(*word);
  }
  return place->backend != NULL;
}

static gboolean find_own_server(const RegistryView *accounts, const char *account,
                                Protocol protocol, MailPlace *place, GError **error) {
  g_autofree char *text = read_own(accounts, account, BACKEND_VALUE);
  return text != NULL && choose(text, protocol, place, error) &&
         backend_address_check_secrecy(&place->address, error);
}

gboolean mail_place_check_backend(const char *text, GError **error) {
  g_autoptr(GError) problem = NULL;
  for (guint i = 0; i < N_PROTOCOLS && problem == NULL; i++) {
    g_auto(MailPlace) place = {0};
    if (choose(text, (Protocol)i, &place, &problem))
      (void)backend_address_check_secrecy(&place.address, &problem);
  }
  if (problem == NULL)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

static char *describe(const char *account, const char *name, const GError *error) {
  return g_strdup_printf(ACCOUNTS_PATH "\\%s, %s: %s", account, name, error->message);
}

/* ---- where it is ---- */

static Outcome find_own_maildir(const char *account, const char *pattern, MailPlace *place,
                                char **why) {
  g_autofree char *key = g_strconcat(ACCOUNTS_PATH "\\", account, NULL);
  return decision_expand_maildir(key, pattern, account, &place->path, why);
}

Outcome mail_place_find(const Settings *settings, Protocol protocol, const RegistryView *accounts,
                        const char *account, MailPlace *place, char **why) {
  g_autoptr(GError) error = NULL;
  *place = (MailPlace){0};
  *why = NULL;
  if (find_own_server(accounts, account, protocol, place, &error))
    return decision_check_master(settings, protocol, why);
  if (error != NULL) {
    *why = describe(account, BACKEND_VALUE, error);
    return OUTCOME_BAD_SETTING;
  }
  g_autofree char *pattern = settings->protocols[protocol].store == STORE_MAILDIR
                                 ? read_own(accounts, account, MAIL_DIRECTORY_VALUE)
                                 : NULL;
  return pattern != NULL ? find_own_maildir(account, pattern, place, why)
                         : decision_find_mailbox(settings, protocol, account, &place->path, why);
}

/* ---- all of them ---- */

static char *find_fault(const Settings *settings, const RegistryView *accounts,
                        const char *account) {
  g_autofree char *pattern = read_own(accounts, account, MAIL_DIRECTORY_VALUE);
  g_autoptr(GError) error = NULL;
  if (pattern != NULL && !name_check_pattern(pattern, &error))
    return describe(account, MAIL_DIRECTORY_VALUE, error);
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    g_auto(MailPlace) place = {0};
    char *why = NULL;
    if (find_own_server(accounts, account, (Protocol)i, &place, &error) &&
        decision_check_master(settings, (Protocol)i, &why) != OUTCOME_OK)
      return why;
    if (error != NULL)
      return describe(account, BACKEND_VALUE, error);
  }
  return NULL;
}

char *mail_place_find_unusable(const Settings *settings, const RegistryView *accounts) {
  g_auto(GStrv) names = registry_view_list_keys(accounts, "");
  g_autoptr(GString) listed = g_string_new(NULL);
  g_autofree char *first = NULL;
  guint count = 0;
  for (char **name = names; name != NULL && *name != NULL; name++) {
    g_autofree char *fault = find_fault(settings, accounts, *name);
    if (fault == NULL)
      continue;
    if (count++ < MAX_LISTED_ACCOUNTS)
      g_string_append_printf(listed, "%s%s", listed->len > 0 ? ", " : "", *name);
    if (first == NULL)
      first = g_steal_pointer(&fault);
  }
  if (count == 0)
    return NULL;
  if (count > MAX_LISTED_ACCOUNTS)
    g_string_append_printf(listed, " and %u more", count - MAX_LISTED_ACCOUNTS);
  return g_strdup_printf("%u %s a mailbox of their own that can't be used (%s): %s", count,
                         count == 1 ? "account has" : "accounts have", listed->str, first);
}

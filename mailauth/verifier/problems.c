/* SPDX-License-Identifier: MIT */
/* Everything that does not work: see problems.h. Each source of problems is a function
 * that adds its own. */
#include "mailauth/verifier/problems.h"

#include "client/base/escape.h"
#include "client/base/path.h"
#include "mailauth/backend/backend-trust.h"
#include "mailauth/base/limits.h"
#include "mailauth/package/sam.h"
#include "mailauth/package/sqlite.h"
#include "mailauth/pam/pam-stack.h"
#include "mailauth/settings/decision.h"
#include "mailauth/settings/mail-place.h"
#include "mailauth/verifier/account-names.h"

/* Names and values of settings are quoted in it. */
#define MAX_PROBLEM_BYTES 8192U

G_GNUC_PRINTF(2, 3)
static void add(GPtrArray *list, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *whole = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *text = escape_dup(whole, -1, MAX_PROBLEM_BYTES);
  if (!g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
    g_ptr_array_add(list, g_steal_pointer(&text));
}

static void add_settings(GPtrArray *list, const Settings *settings) {
  for (guint i = 0; i < settings->problems->len; i++)
    add(list, "%s", ((SettingProblem *)settings->problems->pdata[i])->text);
}

static void add_registry(GPtrArray *list, const Views *views) {
  if (!views_are_answering(views))
    add(list, "regd does not answer: the last settings known hold ('systemctl restart regd' "
              "starts it again)");
  else if (views_are_known(views) && !views_are_live(views))
    add(list, "the registry can't be reached: the last settings known hold");
}

/* Why no login can be decided, for any client. */
static void add_decision(GPtrArray *list, const Settings *settings) {
  g_auto(Decision) decision = {0};
  decision_choose(settings, &decision);
  if (decision.outcome != OUTCOME_OK)
    add(list, "%s", decision.why);
}

static gboolean is_decided_by_sam(const Settings *settings) {
  return *settings->package == '\0' && g_str_equal(settings->native_source, "SAM");
}

static void add_account_name(const char *subkey, const char *name, const char *nearest,
                             gpointer data) {
  const char *backslash = *subkey != '\0' ? "\\" : "";
  if (nearest != NULL)
    add(data, ACCOUNTS_PATH "%s%s, %s: no schema knows this value; did you mean '%s'?", backslash,
        subkey, name, nearest);
  else
    add(data, ACCOUNTS_PATH "%s%s, %s: no schema knows this value", backslash, subkey, name);
}

/* Accounts whose names are other accounts', or nobody's, once a client has typed them. */
static void add_unreachable(GPtrArray *list, const Settings *settings,
                            const RegistryView *accounts) {
  g_auto(GStrv) names = registry_view_list_keys(accounts, "");
  g_autoptr(GString) listed = g_string_new(NULL);
  guint count = 0;
  for (char **name = names; name != NULL && *name != NULL; name++) {
    g_autofree char *reached = settings_get_account(settings, *name);
    if (reached != NULL && path_compare_names(reached, *name) == 0)
      continue;
    if (count++ < MAX_LISTED_ACCOUNTS)
      g_string_append_printf(listed, "%s%s", listed->len > 0 ? ", " : "", *name);
  }
  if (count > MAX_LISTED_ACCOUNTS)
    g_string_append_printf(listed, " and %u more", count - MAX_LISTED_ACCOUNTS);
  if (count > 0)
    add(list, "%s\\Parameters, Domain: no client can name these accounts, because %s: %s",
        settings_get_path(SETTINGS_SERVICE),
        settings_has_full_names(settings)
            ? "with several domains an account's name is a full one"
            : "a typed name loses its domain, or no name is written like that",
        listed->str);
}

static void add_accounts(GPtrArray *list, const Settings *settings, const RegistryView *accounts) {
  g_autofree char *detail = NULL;
  g_autofree char *unusable = NULL;
  g_autofree char *places = NULL;
  if (sam_examine(accounts, &detail) != OUTCOME_OK)
    add(list, "%s", detail);
  unusable = sam_find_unusable(accounts);
  if (unusable != NULL)
    add(list, "%s", unusable);
  places = mail_place_find_unusable(settings, accounts);
  if (places != NULL)
    add(list, "%s", places);
  account_names_check(accounts, add_account_name, list);
  add_unreachable(list, settings, accounts);
}

/* The files of authorities that servers behind are proved by. */
static void add_backends(GPtrArray *list, const Settings *settings) {
  g_autoptr(BackendTrust) trust = backend_trust_new();
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    const ProtocolSettings *own = &settings->protocols[i];
    g_autoptr(GError) error = NULL;
    if (own->backend.tls && *own->backend_fingerprint == '\0' &&
        backend_trust_get_context(trust, own->backend_ca_file, &error) == NULL)
      add(list, "%s", error->message);
  }
}

static void add_listeners(GPtrArray *list, const Publisher *publisher) {
  const GPtrArray *listeners = publisher_get_listeners(publisher);
  for (guint i = 0; i < listeners->len; i++) {
    const Listener *listener = listeners->pdata[i];
    SettingsKey key = listener->protocol == PROTOCOL_POP3 ? SETTINGS_POP3 : SETTINGS_IMAP;
    if (*listener->problem != '\0')
      add(list, "%s, %s: %s: %s", settings_get_path(key), listener->tls ? "Listen TLS" : "Listen",
          listener->address, listener->problem);
  }
}

static void add_sockets(GPtrArray *list, const Publisher *publisher, const Settings *settings) {
  for (guint i = 0; i < N_AUTH_KINDS; i++) {
    const char *problem = publisher_get_socket_problem(publisher, (AuthKind)i);
    if (*settings->sockets[i] != '\0' && *problem != '\0')
      add(list, "%s\\Parameters, %s: %s", settings_get_path(SETTINGS_SERVICE),
          auth_kind_get_setting((AuthKind)i), problem);
  }
}

static void add_certificates(GPtrArray *list, const Publisher *publisher) {
  g_autoptr(GPtrArray) pairs = certificates_list(publisher_get_certificates(publisher));
  for (guint i = 0; i < pairs->len; i++) {
    const Certificate *pair = pairs->pdata[i];
    if (pair->problem != NULL)
      add(list, "%s", pair->problem);
    if (pair->doubt != NULL)
      add(list, "%s", pair->doubt);
  }
}

/* TLS is awaited if there is nothing to begin it with. */
static void add_missing_certificate(GPtrArray *list, const Publisher *publisher,
                                    const Settings *settings) {
  g_autoptr(GPtrArray) pairs = certificates_list(publisher_get_certificates(publisher));
  for (guint i = 0; i < pairs->len; i++)
    if (((const Certificate *)pairs->pdata[i])->certificate != NULL)
      return;
  for (guint i = 0; i < N_PROTOCOLS; i++)
    if (protocol_is_served(settings, (Protocol)i) && *settings->protocols[i].listen_tls != NULL)
      add(list, "%s\\Parameters, Certificate: it is not set, and '%s' of %s needs one",
          settings_get_path(SETTINGS_SERVICE), "Listen TLS", protocol_get_name((Protocol)i));
}

const char *problems_get_pam_service(const Settings *settings) {
  if (*settings->package != '\0' || !g_str_equal(settings->native_source, "PAM"))
    return NULL;
  return settings->pam_service;
}

char *problems_find_of_pam(const Settings *settings, const char *user, gboolean *all) {
  const char *service = problems_get_pam_service(settings);
  *all = FALSE;
  return service != NULL ? pam_stack_find_problem(NULL, service, user, all) : NULL;
}

char *problems_find_of_members(const Settings *settings) {
  if (*settings->package == '\0' || g_strcmp0(settings->chosen.type, "sqlite") != 0 ||
      *settings->chosen.database == '\0')
    return NULL;
  g_autofree char *problem = sqlite_find_problem(settings->chosen.database);
  return problem != NULL ? g_strdup_printf("%s: %s", settings->chosen.database, problem) : NULL;
}

GPtrArray *problems_list(Views *views, const Publisher *publisher, const char *of_pam,
                         const char *of_members) {
  g_autoptr(Settings) settings = views_get_settings(views);
  GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
  add_registry(list, views);
  add_settings(list, settings);
  add_decision(list, settings);
  if (is_decided_by_sam(settings))
    add_accounts(list, settings, views_get_accounts(views));
  if (of_members != NULL)
    add(list, "%s", of_members);
  if (of_pam != NULL)
    add(list, "%s", of_pam);
  add_backends(list, settings);
  if (publisher == NULL)
    return list;
  add_listeners(list, publisher);
  add_sockets(list, publisher, settings);
  add_certificates(list, publisher);
  add_missing_certificate(list, publisher, settings);
  return list;
}

/* SPDX-License-Identifier: MIT */
/* The decision of decision.h. It answers for the order of the questions; the
 * packages and the mailboxes themselves are asked by the verifier. */
#include "mailauth/settings/decision.h"

#include "mailauth/base/client-address.h"
#include "mailauth/base/name.h"
#include "mailauth/query/sql-kind.h"

const char *package_kind_get_name(PackageKind kind) {
  return kind == PACKAGE_MEMBERSHIP ? "membership" : "native";
}

gboolean decision_is_by_sam(const Decision *decision) {
  return decision->kind == PACKAGE_NATIVE && g_strcmp0(decision->source, "SAM") == 0;
}

void decision_clear(Decision *decision) {
  g_clear_pointer(&decision->why, g_free);
}

static void refuse(Decision *decision, Outcome outcome, const char *why) {
  decision->outcome = outcome;
  g_free(decision->why);
  decision->why = g_strdup(why);
}

static void choose_native(const Settings *settings, Decision *decision) {
  static const char *const sources[] = {"SAM", "PAM", NULL};
  const SettingProblem *problem = settings_find_scope(settings, SCOPE_NATIVE);
  decision->source = settings->native_source;
  if (problem != NULL) {
    refuse(decision, OUTCOME_BAD_SETTING, problem->text);
    return;
  }
  if (!g_strv_contains(sources, settings->native_source)) {
    g_autofree char *why =
        g_strdup_printf("%s\\Parameters, Native Source: '%s' is not a source that this server has",
                        settings_get_path(SETTINGS_SERVICE), settings->native_source);
    refuse(decision, OUTCOME_BAD_SETTING, why);
    return;
  }
  decision->why = g_strdup_printf("'MBS Package' is not set or empty: native accounts, source %s",
                                  settings->native_source);
}

static char *describe_type(const Settings *settings) {
  return g_strdup_printf("%s\\%s, Type: '%s' is not a type of broker that this server has",
                         settings_get_path(SETTINGS_BROKERS), settings->broker,
                         settings->chosen.type);
}

static void choose_broker(const Settings *settings, Decision *decision) {
  static const char *const types[] = {"sqlite", "ldap", "postgresql", "mysql", NULL};
  const SettingProblem *problem = settings_find_scope(settings, SCOPE_BROKER);
  g_autofree char *why = NULL;
  if (problem != NULL) {
    refuse(decision, OUTCOME_BAD_SETTING, problem->text);
  } else if (*settings->broker == '\0') {
    why = g_strdup_printf("%s, MBS Broker: no broker is named, but 'MBS Package' is 'MBS_BASIC'",
                          settings_get_path(SETTINGS_STORE));
    refuse(decision, OUTCOME_NO_BROKER, why);
  } else if (!settings->chosen.exists) {
    why = g_strdup_printf("%s, MBS Broker: there is no instance '%s' in %s",
                          settings_get_path(SETTINGS_STORE), settings->broker,
                          settings_get_path(SETTINGS_BROKERS));
    refuse(decision, OUTCOME_UNKNOWN_BROKER, why);
  } else if (!g_strv_contains(types, settings->chosen.type)) {
    why = describe_type(settings);
    refuse(decision, OUTCOME_BAD_SETTING, why);
  } else {
    decision->why = g_strdup_printf("'MBS Package' is 'MBS_BASIC': membership broker %s, type %s",
                                    settings->broker, settings->chosen.type);
  }
}

void decision_choose(const Settings *settings, Decision *decision) {
  gboolean native = *settings->package == '\0';
  *decision = (Decision){.outcome = OUTCOME_OK,
                         .kind = native ? PACKAGE_NATIVE : PACKAGE_MEMBERSHIP,
                         .broker = native ? "" : settings->broker,
                         .source = native ? settings->native_source : settings->chosen.type};
  const SettingProblem *problem = settings_find_scope(settings, SCOPE_ALL);
  if (problem != NULL)
    refuse(decision, OUTCOME_BAD_SETTING, problem->text);
  else if (native)
    choose_native(settings, decision);
  else
    choose_broker(settings, decision);
}

static gboolean may_log_on(const Settings *settings, const char *account) {
  if (*settings->logon_only_as == NULL)
    return TRUE;
  for (char **name = settings->logon_only_as; account != NULL && *name != NULL; name++) {
    g_autofree char *named = settings_get_account(settings, *name);
    if (g_strcmp0(named, account) == 0)
      return TRUE;
  }
  return FALSE;
}

void decision_admit(const Settings *settings, Protocol protocol, const char *user,
                    const char *account, Decision *decision) {
  decision_choose(settings, decision);
  if (decision->outcome != OUTCOME_OK)
    return;
  const SettingProblem *problem = settings_find_problem(settings, protocol);
  if (problem != NULL)
    refuse(decision, OUTCOME_BAD_SETTING, problem->text);
  else if (name_asks_for_another(user, settings_get_domains(settings)))
    refuse(decision, OUTCOME_OTHER_MAILBOX, outcome_get_facts(OUTCOME_OTHER_MAILBOX)->description);
  else if (!may_log_on(settings, account))
    refuse(decision, OUTCOME_MAINTENANCE, outcome_get_facts(OUTCOME_MAINTENANCE)->description);
}

gboolean decision_has_other_names(const Settings *settings, const Decision *decision) {
  if (decision->kind != PACKAGE_MEMBERSHIP)
    return FALSE;
  if (g_str_equal(decision->source, "ldap"))
    return *settings->chosen.user_attribute != '\0';
  return sql_kind_find(decision->source) != N_SQL_KINDS;
}

gboolean decision_may_change(const Settings *settings, const Decision *decision) {
  return decision->outcome == OUTCOME_MAINTENANCE && decision_has_other_names(settings, decision);
}

static Outcome refuse_missing(Protocol protocol, const char *missing, char **why) {
  const char *key = settings_get_path(protocol == PROTOCOL_POP3 ? SETTINGS_POP3 : SETTINGS_IMAP);
  if (missing == NULL)
    return OUTCOME_OK;
  *why =
      g_strdup_printf("%s, %s: it is not set, or may not be read ('mailauthctl repair' gives the "
                      "right)",
                      key, missing);
  return OUTCOME_NO_MAILBOX;
}

Outcome decision_check_master(const Settings *settings, Protocol protocol, char **why) {
  const ProtocolSettings *own = &settings->protocols[protocol];
  const char *missing = *own->backend_master_user == '\0'       ? "Backend Master User"
                        : *own->backend_master_password == '\0' ? "Backend Master Password"
                                                                : NULL;
  return refuse_missing(protocol, missing, why);
}

static Outcome find_backend(const Settings *settings, Protocol protocol, char **why) {
  const ProtocolSettings *own = &settings->protocols[protocol];
  if (own->backend.host == NULL && own->backend.path == NULL)
    return refuse_missing(protocol, "Backend", why);
  return decision_check_master(settings, protocol, why);
}

Outcome decision_expand_maildir(const char *key, const char *pattern, const char *account,
                                char **path, char **why) {
  g_autoptr(GError) error = NULL;
  *why = NULL;
  *path = name_expand_path(pattern, account, &error);
  if (*path != NULL)
    return OUTCOME_OK;
  *why = g_strdup_printf("%s, Mail Directory: %s", key, error->message);
  return OUTCOME_NO_MAILBOX;
}

static Outcome find_maildir(const Settings *settings, const char *account, char **path,
                            char **why) {
  const char *pattern = settings->protocols[PROTOCOL_POP3].mail_directory;
  const char *key = settings_get_path(SETTINGS_POP3);
  if (*pattern != '\0')
    return decision_expand_maildir(key, pattern, account, path, why);
  *why = g_strdup_printf("%s, Mail Directory: it is not set", key);
  return OUTCOME_NO_MAILBOX;
}

Outcome decision_find_mailbox(const Settings *settings, Protocol protocol, const char *account,
                              char **path, char **why) {
  *path = NULL;
  *why = NULL;
  if (settings->protocols[protocol].store == STORE_BACKEND)
    return find_backend(settings, protocol, why);
  if (protocol == PROTOCOL_POP3)
    return find_maildir(settings, account, path, why);
  *why = g_strdup_printf("%s, Store: IMAP takes only 'backend'", settings_get_path(SETTINGS_IMAP));
  return OUTCOME_NO_MAILBOX;
}

gboolean decision_may_be_clear(const Settings *settings, Protocol protocol, gboolean tls,
                               gboolean scram, const char *address) {
  /* Where another server's clients may send one is for that server to say. */
  if (protocol == PROTOCOL_SASL || tls)
    return TRUE;
  guint32 rule = settings->protocols[protocol].clear_text;
  if (scram)
    return rule != CLEAR_TEXT_NEVER;
  return rule == CLEAR_TEXT_ALWAYS ||
         (rule == CLEAR_TEXT_LOOPBACK && client_address_is_loopback_text(address));
}

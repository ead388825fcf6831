/* SPDX-License-Identifier: MIT */
/* The snapshot of settings.h once it has been read: look-ups, and freeing it. */
#include "mailauth/settings/settings.h"

#include <string.h>

#include "mailauth/base/name.h"

#define SERVICES "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\"

static const char *const key_paths[N_SETTINGS_KEYS] = {
    [SETTINGS_STORE] = SERVICES "MSExchangeIS\\ParametersSystem",
    [SETTINGS_SERVICE] = SERVICES "MailAuth",
    [SETTINGS_BROKERS] = SERVICES "MBS\\Instances",
    [SETTINGS_POP3] = SERVICES "MSExchangePOP3\\Parameters",
    [SETTINGS_IMAP] = SERVICES "MSExchangeIMAP4\\Parameters",
};

static const struct {
  SettingsKey key;
  const char *name, *source;
} protocol_facts[N_LOGIN_PROTOCOLS] = {
    [PROTOCOL_POP3] = {SETTINGS_POP3, "POP3", "MSExchangePOP3"},
    [PROTOCOL_IMAP] = {SETTINGS_IMAP, "IMAP", "MSExchangeIMAP4"},
    [PROTOCOL_SASL] = {SETTINGS_SERVICE, "SASL", "MailAuth"},
};

const char *settings_get_path(SettingsKey key) {
  return key_paths[key];
}

const char *protocol_get_source(Protocol protocol) {
  return protocol_facts[protocol].source;
}

const char *protocol_get_name(Protocol protocol) {
  return protocol_facts[protocol].name;
}

char *protocol_dup_service(Protocol protocol, const char *told) {
  if (protocol == PROTOCOL_SASL)
    return g_strdup(told != NULL ? told : "");
  return g_ascii_strdown(protocol_get_name(protocol), -1);
}

const char *auth_kind_get_setting(AuthKind kind) {
  static const char *const names[N_AUTH_KINDS] = {
      [AUTH_DOVECOT] = "Auth Socket", [AUTH_SASLAUTHD] = "Saslauthd Socket"};
  return names[kind];
}

const char *certificate_slot_get_setting(CertificateSlot slot, gboolean is_key) {
  static const char *const names[N_CERTIFICATE_SLOTS][2] = {
      [CERTIFICATE_FIRST] = {"Certificate", "Private Key"},
      [CERTIFICATE_ALTERNATIVE] = {"Alternative Certificate", "Alternative Private Key"}};
  return names[slot][is_key];
}

gboolean protocol_is_served(const Settings *settings, Protocol protocol) {
  const ProtocolSettings *own = &settings->protocols[protocol];
  return own->enabled != 0 && (protocol != PROTOCOL_IMAP || *own->backend_text != '\0');
}

char **settings_dup_names(const RegistryValue *value) {
  char **names = registry_value_dup_strings(value);
  char *name = names == NULL ? registry_value_dup_string(value) : NULL;
  if (name == NULL)
    return names;
  names = g_new0(char *, 2);
  names[0] = name;
  return names;
}

const char *const *settings_get_domains(const Settings *settings) {
  return (const char *const *)settings->domains;
}

char *settings_get_account(const Settings *settings, const char *user) {
  return name_get_account(user, settings_get_domains(settings));
}

gboolean settings_has_full_names(const Settings *settings) {
  return settings->domains[0] != NULL && settings->domains[1] != NULL;
}

gboolean settings_have_servers(const Settings *settings) {
  gboolean has = *settings->package != '\0' && g_str_equal(settings->chosen.type, "ldap");
  for (guint i = 0; i < N_PROTOCOLS; i++)
    has |=
        settings->protocols[i].backend.host != NULL || settings->protocols[i].backend.path != NULL;
  return has;
}

/* ---- the end ---- */

void backend_address_clear(BackendAddress *address) {
  g_clear_pointer(&address->host, g_free);
  g_clear_pointer(&address->path, g_free);
}

void setting_problem_free(gpointer data) {
  SettingProblem *problem = data;
  g_free(problem->text);
  g_free(problem);
}

void host_settings_free(gpointer data) {
  HostSettings *host = data;
  g_free(host->name);
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++) {
    g_free(host->files[i].certificate);
    g_free(host->files[i].private_key);
  }
  g_free(host);
}

Settings *settings_ref(Settings *settings) {
  g_atomic_ref_count_inc(&settings->references);
  return settings;
}

static void clear_protocol(ProtocolSettings *settings) {
  g_strfreev(settings->listen);
  g_strfreev(settings->listen_tls);
  g_free(settings->mail_directory);
  g_free(settings->mail_user);
  g_free(settings->unique_ids);
  g_free(settings->backend_text);
  backend_address_clear(&settings->backend);
  g_free(settings->backend_master_user);
  g_free(settings->backend_ca_file);
  g_free(settings->backend_fingerprint);
  explicit_bzero(settings->backend_master_password, strlen(settings->backend_master_password));
  g_free(settings->backend_master_password);
}

static void clear_broker(Broker *broker) {
  g_free(broker->type);
  g_free(broker->database);
  g_free(broker->uri);
  g_free(broker->base_dn);
  g_free(broker->user_filter);
  g_free(broker->user_attribute);
  g_free(broker->bind_dn);
  explicit_bzero(broker->bind_password, strlen(broker->bind_password));
  g_free(broker->bind_password);
  g_free(broker->ca_file);
  g_free(broker->connection);
  explicit_bzero(broker->connection_password, strlen(broker->connection_password));
  g_free(broker->connection_password);
  g_free(broker->query);
}

void settings_unref(Settings *settings) {
  if (settings == NULL || !g_atomic_ref_count_dec(&settings->references))
    return;
  g_free(settings->package);
  g_free(settings->broker);
  clear_broker(&settings->chosen);
  g_strfreev(settings->logon_only_as);
  g_free(settings->object_name);
  g_free(settings->native_source);
  g_free(settings->pam_service);
  g_strfreev(settings->domains);
  g_free(settings->ciphers);
  g_strfreev(settings->mechanisms);
  g_strfreev(settings->trusted_networks);
  networks_free(settings->trusted);
  g_strfreev(settings->proxy_networks);
  g_ptr_array_unref(settings->hosts);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    g_free(settings->sockets[i]);
  g_free(settings->socket_group);
  for (guint i = 0; i < N_PROTOCOLS; i++)
    clear_protocol(&settings->protocols[i]);
  g_ptr_array_unref(settings->problems);
  g_free(settings);
}

const SettingProblem *settings_find_problem(const Settings *settings, Protocol protocol) {
  for (guint i = 0; i < settings->problems->len; i++) {
    const SettingProblem *problem = settings->problems->pdata[i];
    if (problem->scope == SCOPE_ALL)
      return problem;
    if (problem->scope == SCOPE_PROTOCOL && problem->key == protocol_facts[protocol].key)
      return problem;
  }
  return NULL;
}

const SettingProblem *settings_find_scope(const Settings *settings, ProblemScope scope) {
  for (guint i = 0; i < settings->problems->len; i++) {
    const SettingProblem *problem = settings->problems->pdata[i];
    if (problem->scope == scope)
      return problem;
  }
  return NULL;
}

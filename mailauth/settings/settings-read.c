/* SPDX-License-Identifier: MIT */
/* Settings, read by the rows of settings-tables.h. What a row can't say (a backend's
 * address, a broker's ID, names of files that must be there together) is here. */
#include "mailauth/settings/settings-read.h"

#include <string.h>
#include <sys/un.h>

#include "client/base/error.h"
#include "mailauth/base/host-name.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/base/networks.h"
#include "mailauth/base/unique-id-format.h"
#include "mailauth/query/connection-words.h"
#include "mailauth/query/sql-query.h"
#include "mailauth/settings/backend-address.h"
#include "mailauth/settings/fingerprint.h"
#include "mailauth/settings/settings-names.h"
#include "mailauth/settings/settings-tables.h"
#include "mailauth/tls/tls-ciphers.h"

#define PARAMETERS "Parameters"
#define ATTRIBUTE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
#define HOSTS PARAMETERS "\\Certificates"

static const struct {
  SettingsKey key;
  const char *listen;
} protocol_facts[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = {SETTINGS_POP3, "127.0.0.1:110"},
    [PROTOCOL_IMAP] = {SETTINGS_IMAP, "127.0.0.1:143"},
};

/* What reading goes by. */
typedef struct {
  const SettingsSource *source;
  Settings *settings;
} Reader;

G_GNUC_PRINTF(6, 7)
static void add_problem(Reader *reader, ProblemScope scope, SettingsKey key, const char *subkey,
                        const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  SettingProblem *problem = g_new0(SettingProblem, 1);
  problem->scope = scope;
  problem->key = key;
  problem->text =
      g_strdup_printf("%s%s%s%s%s: %s", settings_get_path(key), *subkey == '\0' ? "" : "\\", subkey,
                      *name == '\0' ? "" : ", ", name, what);
  g_ptr_array_add(reader->settings->problems, problem);
}

/* The first of the names that is there. */
static const RegistryValue *find_value(const Reader *reader, SettingsKey key, const char *subkey,
                                       const SettingRow *row, const char **name) {
  for (guint i = 0; i < G_N_ELEMENTS(row->names) && row->names[i] != NULL; i++) {
    const RegistryValue *value =
        reader->source->get(key, subkey, row->names[i], reader->source->data);
    if (value == NULL)
      continue;
    *name = row->names[i];
    return value;
  }
  return NULL;
}

/* Numbers stand in the order of SettingKind. */
static const char *const kind_words[] = {
    "REG_SZ", "REG_MULTI_SZ", "REG_SZ or REG_MULTI_SZ", "REG_DWORD", "REG_DWORD or octal REG_SZ",
    "REG_SZ"};

static gboolean take_choice(const SettingRow *row, const char *text, guint32 *number) {
  for (const Choice *choice = row->choices; choice->word != NULL; choice++) {
    if (!g_str_equal(choice->word, text))
      continue;
    *number = choice->number;
    return TRUE;
  }
  return FALSE;
}

static char *list_choices(const SettingRow *row) {
  GString *words = g_string_new(NULL);
  for (const Choice *choice = row->choices; choice->word != NULL; choice++)
    g_string_append_printf(words, "%s'%s'", words->len == 0 ? "" : ", ", choice->word);
  return g_string_free(words, FALSE);
}

static void set_default(const SettingRow *row, gpointer field) {
  if (row->kind == KIND_STRING)
    *(char **)field = g_strdup(row->text);
  else if (row->kind == KIND_STRINGS || row->kind == KIND_NAMES)
    *(char ***)field = g_new0(char *, 1);
  else
    *(guint32 *)field = row->number;
}

static void set_defaults(SettingTable table, gpointer base) {
  const SettingRows *own = &setting_tables[table];
  for (gsize i = 0; i < own->n_rows; i++)
    set_default(&own->rows[i], G_STRUCT_MEMBER_P(base, own->rows[i].offset));
}

/* "0660", as chmod(1) is told: with or without the zero. */
static gboolean parse_octal(const RegistryValue *value, guint32 *number) {
  g_autofree char *text = registry_value_dup_string(value);
  guint64 whole = 0;
  if (text == NULL || !g_ascii_string_to_unsigned(text, 8, 0, G_MAXUINT32, &whole, NULL))
    return FALSE;
  *number = (guint32)whole;
  return TRUE;
}

static char *take_number(const SettingRow *row, const RegistryValue *value, guint32 *field) {
  guint32 number = 0;
  gboolean octal = row->kind == KIND_OCTAL;
  if (!registry_value_get_uint32(value, &number) && !(octal && parse_octal(value, &number)))
    return g_strdup_printf("it is not a %s", kind_words[row->kind]);
  if (number < row->minimum || number > row->maximum)
    return octal ? g_strdup_printf("%04o (octal) is not from %04o to %04o", number, row->minimum,
                                   row->maximum)
                 : g_strdup_printf("%u is not from %u to %u", number, row->minimum, row->maximum);
  *field = number;
  return NULL;
}

static gboolean take_strings(const SettingRow *row, const RegistryValue *value, char ***field) {
  char **strings =
      row->kind == KIND_NAMES ? settings_dup_names(value) : registry_value_dup_strings(value);
  if (strings == NULL)
    return FALSE;
  g_strfreev(*field);
  *field = strings;
  return TRUE;
}

/* NULL if @value could be taken into @field, else what is wrong with it. */
static char *take_value(const SettingRow *row, const RegistryValue *value, gpointer field) {
  if (row->kind == KIND_NUMBER || row->kind == KIND_OCTAL)
    return take_number(row, value, field);
  if (row->kind == KIND_STRINGS || row->kind == KIND_NAMES)
    return take_strings(row, value, field)
               ? NULL
               : g_strdup_printf("it is not a %s", kind_words[row->kind]);
  g_autofree char *text = registry_value_dup_string(value);
  if (text == NULL)
    return g_strdup_printf("it is not a %s", kind_words[row->kind]);
  if (row->kind == KIND_CHOICE && !take_choice(row, text, field)) {
    g_autofree char *choices = list_choices(row);
    return g_strdup_printf("'%s' is not one of %s", text, choices);
  }
  if (row->kind == KIND_STRING) {
    g_free(*(char **)field);
    *(char **)field = g_steal_pointer(&text);
  }
  return NULL;
}

static void read_row(Reader *reader, SettingsKey key, const char *subkey, const SettingRow *row,
                     gpointer base) {
  gpointer field = G_STRUCT_MEMBER_P(base, row->offset);
  const char *name = NULL;
  set_default(row, field);
  const RegistryValue *value = find_value(reader, key, subkey, row, &name);
  g_autofree char *wrong = value != NULL ? take_value(row, value, field) : NULL;
  if (wrong != NULL)
    add_problem(reader, row->scope, key, subkey, name, "%s", wrong);
}

static void read_table(Reader *reader, SettingsKey key, const char *subkey, SettingTable table,
                       gpointer base) {
  const SettingRows *own = &setting_tables[table];
  for (gsize i = 0; i < own->n_rows; i++)
    read_row(reader, key, subkey, &own->rows[i], base);
}

/* ---- what the tables can't say ---- */

static void check_backend(Reader *reader, Protocol protocol) {
  ProtocolSettings *settings = &reader->settings->protocols[protocol];
  SettingsKey key = protocol_facts[protocol].key;
  g_autoptr(GError) error = NULL;
  if (settings->store != STORE_BACKEND || *settings->backend_text == '\0')
    return;
  if (!backend_address_parse(settings->backend_text, &settings->backend, &error)) {
    add_problem(reader, SCOPE_PROTOCOL, key, "", "Backend", "%s", error->message);
    return;
  }
  if (settings->backend.protocol != protocol)
    add_problem(reader, SCOPE_PROTOCOL, key, "", "Backend", "'%s' is not a server of %s",
                settings->backend_text, protocol_get_name(protocol));
  else if (!backend_address_check_secrecy(&settings->backend, &error))
    add_problem(reader, SCOPE_PROTOCOL, key, "", "Backend", "'%s': %s", settings->backend_text,
                error->message);
}

/* A protocol's own setting goes before the one of all protocols. */
static void read_trust(Reader *reader, Protocol protocol) {
  ProtocolSettings *settings = &reader->settings->protocols[protocol];
  const SettingRows *table = &setting_tables[TABLE_TRUST];
  SettingsKey own = protocol_facts[protocol].key;
  for (gsize i = 0; i < table->n_rows; i++) {
    const SettingRow *row = &table->rows[i];
    const char *name = NULL;
    if (find_value(reader, own, "", row, &name) != NULL)
      read_row(reader, own, "", row, settings);
    else
      read_row(reader, SETTINGS_SERVICE, PARAMETERS, row, settings);
  }
}

/* Both may be of either key: the problem names the protocol's. */
static void check_trust(Reader *reader, Protocol protocol) {
  const ProtocolSettings *settings = &reader->settings->protocols[protocol];
  SettingsKey key = protocol_facts[protocol].key;
  if (*settings->backend_ca_file != '\0' && *settings->backend_ca_file != '/')
    add_problem(reader, SCOPE_PROTOCOL, key, "", "Backend CA File", "'%s' is not an absolute path",
                settings->backend_ca_file);
  if (!fingerprints_are_valid(settings->backend_fingerprint))
    add_problem(reader, SCOPE_PROTOCOL, key, "", "Backend Fingerprint",
                "'%s' is not a certificate's SHA-256 in hexadecimal digits, or several of them",
                settings->backend_fingerprint);
}

static void check_mail_directory(Reader *reader, Protocol protocol) {
  const ProtocolSettings *settings = &reader->settings->protocols[protocol];
  g_autoptr(GError) error = NULL;
  if (settings->store != STORE_MAILDIR || *settings->mail_directory == '\0')
    return;
  if (!name_check_pattern(settings->mail_directory, &error))
    add_problem(reader, SCOPE_PROTOCOL, protocol_facts[protocol].key, "", "Mail Directory", "%s",
                error->message);
}

/* Not to be served by another format than was meant: clients would be told wrong
 * IDs for good. */
static void check_unique_ids(Reader *reader, Protocol protocol) {
  const ProtocolSettings *settings = &reader->settings->protocols[protocol];
  g_autoptr(GError) error = NULL;
  if (settings->store != STORE_MAILDIR || g_str_equal(settings->unique_ids, UNIQUE_IDS_BY_NAME))
    return;
  g_autoptr(UniqueIdFormat) format = unique_id_format_new(settings->unique_ids, &error);
  if (format == NULL)
    add_problem(reader, SCOPE_PROTOCOL, protocol_facts[protocol].key, "", "Unique IDs", "%s",
                error->message);
}

static void check_socket(Reader *reader, AuthKind kind) {
  char **path = &reader->settings->sockets[kind];
  const gsize longest = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
  const char *wrong = **path == '\0' || **path == '/' ? "" : "it is no absolute path";
  if (strlen(*path) > longest)
    wrong = "the path is too long for a socket";
  if (*wrong == '\0')
    return;
  add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, PARAMETERS, auth_kind_get_setting(kind),
              "%s: %s", *path, wrong);
  g_free(*path);
  *path = g_strdup("");
}

static void read_sockets(Reader *reader) {
  read_table(reader, SETTINGS_SERVICE, PARAMETERS, TABLE_SOCKETS, reader->settings);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    check_socket(reader, (AuthKind)i);
}

/* ---- certificates ---- */

static void read_host(Reader *reader, const char *subkey, const char *name) {
  HostSettings *host = g_new0(HostSettings, 1);
  host->name = g_strdup(name);
  read_table(reader, SETTINGS_SERVICE, subkey, TABLE_HOST, host);
  g_ptr_array_add(reader->settings->hosts, host);
}

static void read_named_host(Reader *reader, const char *key) {
  g_autoptr(GError) error = NULL;
  g_autofree char *subkey = g_strconcat(HOSTS "\\", key, NULL);
  g_autofree char *name = host_name_new(key, &error);
  if (name != NULL)
    read_host(reader, subkey, name);
  else
    add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, subkey, "", "%s", error->message);
}

static void read_hosts(Reader *reader) {
  const SettingsSource *source = reader->source;
  g_auto(GStrv) keys = source->list_keys(SETTINGS_SERVICE, HOSTS, source->data);
  guint count = keys != NULL ? g_strv_length(keys) : 0;
  reader->settings->hosts = g_ptr_array_new_with_free_func(host_settings_free);
  read_host(reader, PARAMETERS, "");
  for (guint i = 0; i < MIN(count, MAX_CERTIFICATE_HOSTS); i++)
    read_named_host(reader, keys[i]);
  if (count > MAX_CERTIFICATE_HOSTS)
    add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, HOSTS, "",
                "there are %u hosts, and those after '%s' are not looked at", count,
                keys[MAX_CERTIFICATE_HOSTS - 1]);
}

static void read_protocol(Reader *reader, Protocol protocol) {
  ProtocolSettings *settings = &reader->settings->protocols[protocol];
  SettingsKey key = protocol_facts[protocol].key;
  read_table(reader, key, "", TABLE_PROTOCOL, settings);
  read_row(reader, key, "", &setting_store_rows[protocol], settings);
  read_row(reader, key, "", &setting_idle_rows[protocol], settings);
  read_row(reader, SETTINGS_STORE, "", &setting_logging_rows[protocol], settings);
  if (protocol == PROTOCOL_POP3)
    read_table(reader, key, "", TABLE_MAILDIR, settings);
  else
    set_defaults(TABLE_MAILDIR, settings);
  if (reader->source->get(key, "", "Listen", reader->source->data) == NULL) {
    g_strfreev(settings->listen);
    settings->listen = g_new0(char *, 2);
    settings->listen[0] = g_strdup(protocol_facts[protocol].listen);
  }
  read_trust(reader, protocol);
  check_backend(reader, protocol);
  check_trust(reader, protocol);
  check_mail_directory(reader, protocol);
  check_unique_ids(reader, protocol);
}

static gboolean is_instance_id(const char *text) {
  return *text != '\0' && strlen(text) <= 255 && strspn(text, "0123456789") == strlen(text);
}

G_GNUC_PRINTF(3, 4)
static void add_broker_problem(Reader *reader, const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  add_problem(reader, SCOPE_BROKER, SETTINGS_BROKERS, reader->settings->broker, name, "%s", what);
}

static void check_sqlite(Reader *reader) {
  const char *database = reader->settings->chosen.database;
  if (*database == '\0')
    add_broker_problem(reader, "Database", "no file is named");
  else if (*database != '/')
    add_broker_problem(reader, "Database", "'%s' is not an absolute path", database);
}

static gboolean is_directory_uri(const char *uri) {
  return g_str_has_prefix(uri, "ldap://") || g_str_has_prefix(uri, "ldaps://") ||
         g_str_has_prefix(uri, "ldapi://");
}

static void check_uri(Reader *reader) {
  const Broker *broker = &reader->settings->chosen;
  g_auto(GStrv) uris = g_strsplit(broker->uri, " ", -1);
  guint count = 0;
  for (char **uri = uris; *uri != NULL; uri++) {
    if (**uri == '\0')
      continue;
    count++;
    if (!is_directory_uri(*uri))
      add_broker_problem(reader, "URI", "'%s' is not ldap://, ldaps:// or ldapi://", *uri);
    else if (broker->start_tls && !g_str_has_prefix(*uri, "ldap://"))
      add_broker_problem(reader, "StartTLS", "it goes with ldap:// only, and URI has '%s'", *uri);
  }
  if (count == 0)
    add_broker_problem(reader, "URI", "no directory is named");
}

/* A description without options, or an object identifier (RFC 4512, section 2.5). */
static gboolean is_attribute(const char *text) {
  return strspn(text, ATTRIBUTE_CHARACTERS) == strlen(text);
}

static void check_ldap(Reader *reader) {
  const Broker *broker = &reader->settings->chosen;
  check_uri(reader);
  if (*broker->base_dn == '\0')
    add_broker_problem(reader, "Base DN", "it is not set");
  if (strstr(broker->user_filter, "%u") == NULL && strstr(broker->user_filter, "%n") == NULL)
    add_broker_problem(reader, "User Filter", "'%s' has no %%u or %%n, which stands for the user",
                       broker->user_filter);
  if (!is_attribute(broker->user_attribute))
    add_broker_problem(reader, "User Attribute", "'%s' is no attribute's name",
                       broker->user_attribute);
  if (*broker->ca_file != '\0' && *broker->ca_file != '/')
    add_broker_problem(reader, "CA File", "'%s' is not an absolute path", broker->ca_file);
  /* Without its password, a bind would be an anonymous one that looks like it. */
  if (*broker->bind_dn != '\0' && *broker->bind_password == '\0')
    add_broker_problem(reader, "Bind Password",
                       "it is not set, or may not be read ('mailauthctl repair' gives the right)");
}

static void check_sql(Reader *reader) {
  const Broker *broker = &reader->settings->chosen;
  SqlKind kind = sql_kind_find(broker->type);
  g_autoptr(GError) no_words = NULL;
  g_autoptr(GError) no_query = NULL;
  connection_words_free(connection_words_new(broker->connection, kind, &no_words));
  sql_query_free(sql_query_new(broker->query, kind, &no_query));
  if (no_words != NULL)
    add_broker_problem(reader, "Connection", "%s", no_words->message);
  if (no_query != NULL)
    add_broker_problem(reader, "Query", "%s", no_query->message);
  if (strlen(broker->connection_password) > MAX_PASSWORD)
    add_broker_problem(reader, "Connection Password", "it is longer than %d bytes", MAX_PASSWORD);
}

/* The settings of each type, as bits of their tables. */
static const struct {
  const char *type;
  guint tables;
  void (*check)(Reader *reader);
} broker_types[] = {
    {"sqlite", 1U << TABLE_SQLITE, check_sqlite},
    {"ldap", 1U << TABLE_LDAP | 1U << TABLE_SERVER, check_ldap},
    {"postgresql", 1U << TABLE_SQL | 1U << TABLE_SERVER, check_sql},
    {"mysql", 1U << TABLE_SQL | 1U << TABLE_SERVER, check_sql},
};

/* Read and checked by the broker's type; the others' stand at their defaults. */
static void read_broker_type(Reader *reader) {
  static const SettingTable all[] = {TABLE_SQLITE, TABLE_LDAP, TABLE_SQL, TABLE_SERVER};
  Settings *settings = reader->settings;
  guint type = 0;
  while (type < G_N_ELEMENTS(broker_types) &&
         !g_str_equal(broker_types[type].type, settings->chosen.type))
    type++;
  gboolean is_known = type < G_N_ELEMENTS(broker_types);
  for (guint i = 0; i < G_N_ELEMENTS(all); i++)
    if (is_known && (broker_types[type].tables & 1U << all[i]) != 0)
      read_table(reader, SETTINGS_BROKERS, settings->broker, all[i], &settings->chosen);
    else
      set_defaults(all[i], &settings->chosen);
  if (is_known)
    broker_types[type].check(reader);
}

static void read_broker(Reader *reader) {
  Settings *settings = reader->settings;
  const char *id = settings->broker;
  gboolean usable = is_instance_id(id);
  if (*id != '\0' && !usable)
    add_problem(reader, SCOPE_BROKER, SETTINGS_STORE, "", "MBS Broker",
                "'%s' is not an instance's ID, which is digits", id);
  const SettingsSource *source = reader->source;
  /* An ID that is none must not become part of a path. */
  settings->chosen.exists = usable && source->has_key(SETTINGS_BROKERS, id, source->data);
  if (settings->chosen.exists)
    read_table(reader, SETTINGS_BROKERS, id, TABLE_BROKER, &settings->chosen);
  else
    set_defaults(TABLE_BROKER, &settings->chosen);
  read_broker_type(reader);
}

/* Which logins a key that can't be read keeps from being decided. */
static const ProblemScope key_scopes[N_SETTINGS_KEYS] = {
    [SETTINGS_STORE] = SCOPE_ALL,      [SETTINGS_SERVICE] = SCOPE_ALL,
    [SETTINGS_BROKERS] = SCOPE_BROKER, [SETTINGS_POP3] = SCOPE_PROTOCOL,
    [SETTINGS_IMAP] = SCOPE_PROTOCOL,
};

static void check_keys(Reader *reader) {
  reader->settings->known = TRUE;
  reader->settings->readable = TRUE;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++) {
    RegistryViewState state = reader->source->get_state((SettingsKey)i, reader->source->data);
    reader->settings->known &= state != REGISTRY_VIEW_WAITING;
    if (state == REGISTRY_VIEW_DENIED || state == REGISTRY_VIEW_FAILED)
      reader->settings->readable &=
          i != SETTINGS_SERVICE && i != SETTINGS_POP3 && i != SETTINGS_IMAP;
    if (state == REGISTRY_VIEW_WAITING)
      add_problem(reader, SCOPE_ALL, (SettingsKey)i, "", "",
                  "the registry can't be reached: regd has not answered yet");
    else if (state == REGISTRY_VIEW_DENIED)
      add_problem(reader, key_scopes[i], (SettingsKey)i, "", "",
                  "this server's user may not read the key ('mailauthctl repair' puts it right)");
    else if (state == REGISTRY_VIEW_FAILED)
      add_problem(reader, key_scopes[i], (SettingsKey)i, "", "", "the key can't be read");
  }
}

static void check_package(Reader *reader) {
  const char *package = reader->settings->package;
  if (*package != '\0' && !g_str_equal(package, "MBS_BASIC"))
    add_problem(reader, SCOPE_ALL, SETTINGS_STORE, "", "MBS Package",
                "'%s' is not one of '' (native), 'MBS_BASIC'", package);
}

static void check_ciphers(Reader *reader) {
  g_autoptr(GError) error = NULL;
  reader->settings->has_ciphers = tls_ciphers_check(reader->settings->ciphers, &error);
  if (!reader->settings->has_ciphers)
    add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, PARAMETERS, "Ciphers", "%s",
                error->message);
}

/* What is set is meant to keep the others out: if nothing of it can be used, nobody is let
 * in by what it was to keep out. */
static void check_mechanisms(Reader *reader) {
  char **names = reader->settings->mechanisms;
  guint taken = 0;
  for (char **name = names; *name != NULL; name++) {
    Mechanism mechanism = mechanism_find(*name);
    if (mechanism == N_MECHANISMS)
      add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, PARAMETERS, "Mechanisms",
                  "there is no mechanism '%s' here", *name);
    else
      taken |= MECHANISM_BIT(mechanism);
  }
  reader->settings->left_out = taken != 0 ? ALL_MECHANISMS & ~taken : 0;
  if (*names != NULL && taken == 0)
    add_problem(reader, SCOPE_ALL, SETTINGS_SERVICE, PARAMETERS, "Mechanisms",
                "it names no mechanism that there is");
}

/* Without one that is meant, names would stand for other accounts. */
static void check_domains(Reader *reader) {
  const char *wrong = NULL;
  char **domains = name_dup_domains(settings_get_domains(reader->settings), &wrong);
  if (wrong != NULL)
    add_problem(reader, SCOPE_ALL, SETTINGS_SERVICE, PARAMETERS, "Domain", "'%s' is not a domain",
                wrong);
  g_strfreev(reader->settings->domains);
  reader->settings->domains = domains;
}

/* Only what can be read is believed, and nothing in place of the rest. */
static void check_networks(Reader *reader, const char *name, char ***texts, Networks *networks) {
  g_auto(GStrv) all = *texts;
  const char *wrong = NULL;
  *texts = networks_add_all(networks, all, &wrong);
  if (wrong != NULL)
    add_problem(reader, SCOPE_NOTHING, SETTINGS_SERVICE, PARAMETERS, name,
                "'%s' is no address or network, such as 192.0.2.0/24 or 2001:db8::/32, or one "
                "of more than %u",
                wrong, MAX_NETWORKS);
}

/* A value that names nobody, or nothing that can be used, trusts nobody. */
static void read_networks(Reader *reader) {
  Settings *settings = reader->settings;
  g_autoptr(Networks) proxies = networks_new();
  settings->trusted = networks_new();
  if (reader->source->get(SETTINGS_SERVICE, PARAMETERS, "Trusted Networks", reader->source->data) ==
      NULL) {
    g_strfreev(settings->trusted_networks);
    settings->trusted_networks = g_strsplit("127.0.0.0/8 ::1", " ", -1);
  }
  check_networks(reader, "Trusted Networks", &settings->trusted_networks, settings->trusted);
  check_networks(reader, "Proxy Networks", &settings->proxy_networks, proxies);
}

/* A service is the name of a file in PAM's own directory, and no other file. */
static void check_pam_service(Reader *reader) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  const char *service = reader->settings->pam_service;
  gsize length = strlen(service);
  if (length == 0 || length > 255 || *service == '.' || strspn(service, allowed) != length)
    add_problem(reader, SCOPE_NATIVE, SETTINGS_SERVICE, PARAMETERS, "PAM Service",
                "'%s' is not a service's name", service);
}

static void add_unknown_name(SettingsKey key, const char *subkey, const char *name,
                             const char *nearest, gpointer data) {
  if (nearest != NULL)
    add_problem(data, SCOPE_NOTHING, key, subkey, name,
                "there is no such setting; did you mean '%s'?", nearest);
  else
    add_problem(data, SCOPE_NOTHING, key, subkey, name, "there is no such setting");
}

Settings *settings_new(const SettingsSource *source) {
  Settings *settings = g_new0(Settings, 1);
  Reader reader = {source, settings};
  g_atomic_ref_count_init(&settings->references);
  settings->problems = g_ptr_array_new_with_free_func(setting_problem_free);
  check_keys(&reader);
  read_table(&reader, SETTINGS_STORE, "", TABLE_STORE, settings);
  read_table(&reader, SETTINGS_SERVICE, "", TABLE_SERVICE, settings);
  read_table(&reader, SETTINGS_SERVICE, PARAMETERS, TABLE_PARAMETERS, settings);
  read_hosts(&reader);
  read_sockets(&reader);
  check_domains(&reader);
  check_package(&reader);
  check_pam_service(&reader);
  check_ciphers(&reader);
  check_mechanisms(&reader);
  read_networks(&reader);
  read_broker(&reader);
  for (guint i = 0; i < N_PROTOCOLS; i++)
    read_protocol(&reader, (Protocol)i);
  settings_names_check(source, add_unknown_name, &reader);
  return settings;
}

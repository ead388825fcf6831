/* SPDX-License-Identifier: MIT */
/* The snapshot of settings.h, read by tables: a row says where a setting is
 * kept, what it may be, what stands where it is not set, and what can't be
 * decided while it is wrong. What a row can't say (a backend's address, a
 * broker's ID, names of files that must be there together) follows the tables. */
#include "mailauth/settings/settings.h"

#include <string.h>
#include <sys/un.h>

#include "client/base/error.h"
#include "mailauth/base/host-name.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/base/unique-id-format.h"

#define SERVICES "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\"
#define PARAMETERS "Parameters"
#define HOSTS PARAMETERS "\\Certificates"

static const char *const key_paths[N_SETTINGS_KEYS] = {
    [SETTINGS_STORE] = SERVICES "MSExchangeIS\\ParametersSystem",
    [SETTINGS_SERVICE] = SERVICES "MailAuth",
    [SETTINGS_BROKERS] = SERVICES "MBS\\Instances",
    [SETTINGS_POP3] = SERVICES "MSExchangePOP3\\Parameters",
    [SETTINGS_IMAP] = SERVICES "MSExchangeIMAP4\\Parameters",
};

static const struct {
  SettingsKey key;
  const char *name, *source, *listen, *logging_level;
  guint32 store;
} protocol_facts[N_LOGIN_PROTOCOLS] = {
    [PROTOCOL_POP3] = {SETTINGS_POP3, "POP3", "MSExchangePOP3", "127.0.0.1:110",
                       "POP3 Protocol Logging Level", STORE_MAILDIR},
    [PROTOCOL_IMAP] = {SETTINGS_IMAP, "IMAP", "MSExchangeIMAP4", "127.0.0.1:143",
                       "IMAP4 Protocol Logging Level", STORE_BACKEND},
    [PROTOCOL_SASL] = {SETTINGS_SERVICE, "SASL", "MailAuth", NULL, NULL, STORE_MAILDIR},
};

typedef enum { KIND_STRING, KIND_STRINGS, KIND_NUMBER, KIND_CHOICE } SettingKind;

/* A word a setting may be, and what it stands for. */
typedef struct {
  const char *word;
  guint32 number;
} Choice;

static const Choice clear_text_choices[] = {{"never", CLEAR_TEXT_NEVER},
                                            {"loopback", CLEAR_TEXT_LOOPBACK},
                                            {"always", CLEAR_TEXT_ALWAYS},
                                            {NULL, 0}};
static const Choice store_choices[] = {
    {"maildir", STORE_MAILDIR}, {"backend", STORE_BACKEND}, {NULL, 0}};
static const Choice tls_choices[] = {{"1.2", 0x0303}, {"1.3", 0x0304}, {NULL, 0}};

typedef struct {
  const char *names[3]; /* the described name, then its aliases */
  SettingKind kind;
  ProblemScope scope;
  gsize offset;
  const char *text;         /* the default of KIND_STRING */
  guint32 number;           /* the default of KIND_NUMBER and KIND_CHOICE */
  guint32 minimum, maximum; /* of KIND_NUMBER */
  const Choice *choices;    /* of KIND_CHOICE */
} SettingRow;

#define ALL(field) SCOPE_ALL, G_STRUCT_OFFSET(Settings, field)
#define OPEN(field) SCOPE_NOTHING, G_STRUCT_OFFSET(Settings, field)
#define DAY 86400U

static const SettingRow store_rows[] = {
    {{"MBS Package"}, KIND_STRING, ALL(package), "", 0, 0, 0, NULL},
    {{"MBS Broker", "MSB Broker"},
     KIND_STRING,
     SCOPE_BROKER,
     G_STRUCT_OFFSET(Settings, broker),
     "",
     0,
     0,
     0,
     NULL},
    {{"Logon Only As"}, KIND_STRINGS, ALL(logon_only_as), NULL, 0, 0, 0, NULL},
};

static const SettingRow service_rows[] = {
    {{"ObjectName"}, KIND_STRING, OPEN(object_name), "mailauth", 0, 0, 0, NULL},
};

static const SettingRow parameter_rows[] = {
    {{"Native Source"},
     KIND_STRING,
     SCOPE_NATIVE,
     G_STRUCT_OFFSET(Settings, native_source),
     "SAM",
     0,
     0,
     0,
     NULL},
    {{"PAM Service"},
     KIND_STRING,
     SCOPE_NATIVE,
     G_STRUCT_OFFSET(Settings, pam_service),
     "mailauth",
     0,
     0,
     0,
     NULL},
    {{"PAM Timeout"},
     KIND_NUMBER,
     SCOPE_NATIVE,
     G_STRUCT_OFFSET(Settings, pam_timeout),
     NULL,
     60000,
     1,
     600000,
     NULL},
    {{"Domain"}, KIND_STRING, ALL(domain), "", 0, 0, 0, NULL},
    {{"Minimum TLS"}, KIND_CHOICE, OPEN(minimum_tls), NULL, 0x0303, 0, 0, tls_choices},
    {{"Failure Delay"}, KIND_NUMBER, ALL(failure_delay), NULL, 500, 0, 60000, NULL},
    {{"Lockout Threshold"}, KIND_NUMBER, ALL(lockout_threshold), NULL, 10, 0, G_MAXUINT32, NULL},
    {{"Lockout Seconds"}, KIND_NUMBER, ALL(lockout_seconds), NULL, 300, 0, 365 * DAY, NULL},
    {{"Verified Seconds"}, KIND_NUMBER, OPEN(verified_seconds), NULL, 0, 0, DAY, NULL},
};

#define OF_HOST(field) SCOPE_NOTHING, G_STRUCT_OFFSET(HostSettings, field)

/* Two a CertificateSlot. */
static const SettingRow host_rows[] = {
    {{"Certificate"}, KIND_STRING, OF_HOST(files[0].certificate), "", 0, 0, 0, NULL},
    {{"Private Key"}, KIND_STRING, OF_HOST(files[0].private_key), "", 0, 0, 0, NULL},
    {{"Alternative Certificate"}, KIND_STRING, OF_HOST(files[1].certificate), "", 0, 0, 0, NULL},
    {{"Alternative Private Key"}, KIND_STRING, OF_HOST(files[1].private_key), "", 0, 0, 0, NULL},
};

static const SettingRow socket_rows[] = {
    {{"Auth Socket"}, KIND_STRING, OPEN(sockets[AUTH_DOVECOT]), "", 0, 0, 0, NULL},
    {{"Saslauthd Socket"}, KIND_STRING, OPEN(sockets[AUTH_SASLAUTHD]), "", 0, 0, 0, NULL},
    {{"Auth Socket Mode"}, KIND_NUMBER, OPEN(socket_mode), NULL, 0600, 0, 0777, NULL},
    {{"Auth Socket Group"}, KIND_STRING, OPEN(socket_group), "", 0, 0, 0, NULL},
};

#define THIS(field) SCOPE_PROTOCOL, G_STRUCT_OFFSET(ProtocolSettings, field)
#define EASY(field) SCOPE_NOTHING, G_STRUCT_OFFSET(ProtocolSettings, field)

/* `Store` has a default of its own in each protocol, as `Listen` has. */
static const SettingRow protocol_rows[] = {
    {{"Enabled"}, KIND_NUMBER, EASY(enabled), NULL, 1, 0, 1, NULL},
    {{"Listen"}, KIND_STRINGS, EASY(listen), NULL, 0, 0, 0, NULL},
    {{"Listen TLS"}, KIND_STRINGS, EASY(listen_tls), NULL, 0, 0, 0, NULL},
    {{"Clear Text"},
     KIND_CHOICE,
     THIS(clear_text),
     NULL,
     CLEAR_TEXT_LOOPBACK,
     0,
     0,
     clear_text_choices},
    {{"Login Timeout"}, KIND_NUMBER, EASY(login_timeout), NULL, 60, 1, DAY, NULL},
    {{"Idle Timeout"}, KIND_NUMBER, EASY(idle_timeout), NULL, 600, 1, DAY, NULL},
    {{"Max Connections"}, KIND_NUMBER, EASY(max_connections), NULL, 10000, 1, 1000000, NULL},
    {{"Max Connections Per Address"},
     KIND_NUMBER,
     EASY(max_connections_per_address),
     NULL,
     100,
     1,
     1000000,
     NULL},
    {{"Mail Directory"}, KIND_STRING, THIS(mail_directory), "", 0, 0, 0, NULL},
    {{"Mail User"}, KIND_STRING, THIS(mail_user), "", 0, 0, 0, NULL},
    {{"Unique IDs"}, KIND_STRING, THIS(unique_ids), UNIQUE_IDS_BY_NAME, 0, 0, 0, NULL},
    {{"Backend"}, KIND_STRING, THIS(backend_text), "", 0, 0, 0, NULL},
    {{"Backend Master User"}, KIND_STRING, THIS(backend_master_user), "", 0, 0, 0, NULL},
    {{"Backend Master Password"}, KIND_STRING, THIS(backend_master_password), "", 0, 0, 0, NULL},
};

#define OF_BROKER(field) SCOPE_BROKER, G_STRUCT_OFFSET(Broker, field)

static const SettingRow broker_rows[] = {
    {{"Type"}, KIND_STRING, OF_BROKER(type), "", 0, 0, 0, NULL},
};

static const SettingRow sqlite_rows[] = {
    {{"Database"}, KIND_STRING, OF_BROKER(database), "", 0, 0, 0, NULL},
};

static const SettingRow ldap_rows[] = {
    {{"URI"}, KIND_STRING, OF_BROKER(uri), "", 0, 0, 0, NULL},
    {{"Base DN"}, KIND_STRING, OF_BROKER(base_dn), "", 0, 0, 0, NULL},
    {{"User Filter"}, KIND_STRING, OF_BROKER(user_filter), "(uid=%u)", 0, 0, 0, NULL},
    {{"Bind DN"}, KIND_STRING, OF_BROKER(bind_dn), "", 0, 0, 0, NULL},
    {{"Bind Password"}, KIND_STRING, OF_BROKER(bind_password), "", 0, 0, 0, NULL},
    {{"StartTLS"}, KIND_NUMBER, OF_BROKER(start_tls), NULL, 0, 0, 1, NULL},
    {{"CA File"}, KIND_STRING, OF_BROKER(ca_file), "", 0, 0, 0, NULL},
    {{"Timeout"}, KIND_NUMBER, OF_BROKER(timeout), NULL, 5000, 1, 600000, NULL},
    {{"Pool Size"}, KIND_NUMBER, OF_BROKER(pool_size), NULL, 8, 1, 1000, NULL},
};

/* What reading goes by. */
typedef struct {
  const SettingsSource *source;
  Settings *settings;
} Reader;

const char *settings_get_path(SettingsKey key) {
  return key_paths[key];
}

const char *protocol_get_source(Protocol protocol) {
  return protocol_facts[protocol].source;
}

const char *protocol_get_name(Protocol protocol) {
  return protocol_facts[protocol].name;
}

const char *auth_kind_get_setting(AuthKind kind) {
  return socket_rows[kind].names[0];
}

const char *certificate_slot_get_setting(CertificateSlot slot, gboolean is_key) {
  return host_rows[2 * slot + (is_key ? 1 : 0)].names[0];
}

static void problem_free(gpointer data) {
  SettingProblem *problem = data;
  g_free(problem->text);
  g_free(problem);
}

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
  problem->text = g_strdup_printf("%s%s%s%s%s: %s", key_paths[key], *subkey == '\0' ? "" : "\\",
                                  subkey, *name == '\0' ? "" : ", ", name, what);
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
static const char *const kind_words[] = {"REG_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_SZ"};

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
  else if (row->kind == KIND_STRINGS)
    *(char ***)field = g_new0(char *, 1);
  else
    *(guint32 *)field = row->number;
}

static void set_defaults(const SettingRow *rows, gsize n_rows, gpointer base) {
  for (gsize i = 0; i < n_rows; i++)
    set_default(&rows[i], G_STRUCT_MEMBER_P(base, rows[i].offset));
}

/* NULL where @value could be taken into @field, else what is wrong with it. */
static char *take_value(const SettingRow *row, const RegistryValue *value, gpointer field) {
  guint32 number = 0;
  if (row->kind == KIND_NUMBER) {
    if (!registry_value_get_uint32(value, &number))
      return g_strdup_printf("it is not a %s", kind_words[row->kind]);
    if (number < row->minimum || number > row->maximum)
      return g_strdup_printf("%u is not from %u to %u", number, row->minimum, row->maximum);
    *(guint32 *)field = number;
    return NULL;
  }
  if (row->kind == KIND_STRINGS) {
    g_auto(GStrv) strings = registry_value_dup_strings(value);
    if (strings == NULL)
      return g_strdup_printf("it is not a %s", kind_words[row->kind]);
    g_strfreev(*(char ***)field);
    *(char ***)field = g_steal_pointer(&strings);
    return NULL;
  }
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

static void read_rows(Reader *reader, SettingsKey key, const char *subkey, const SettingRow *rows,
                      gsize n_rows, gpointer base) {
  for (gsize i = 0; i < n_rows; i++) {
    const SettingRow *row = &rows[i];
    gpointer field = G_STRUCT_MEMBER_P(base, row->offset);
    set_default(row, field);
    const char *name = NULL;
    const RegistryValue *value = find_value(reader, key, subkey, row, &name);
    if (value == NULL)
      continue;
    g_autofree char *wrong = take_value(row, value, field);
    if (wrong != NULL)
      add_problem(reader, row->scope, key, subkey, name, "%s", wrong);
  }
}

/* ---- addresses ---- */

void backend_address_clear(BackendAddress *address) {
  g_clear_pointer(&address->host, g_free);
}

static const struct {
  const char *scheme;
  Protocol protocol;
  gboolean tls;
  guint16 port;
} backend_schemes[] = {
    {"imap://", PROTOCOL_IMAP, FALSE, 143},
    {"imaps://", PROTOCOL_IMAP, TRUE, 993},
    {"pop3://", PROTOCOL_POP3, FALSE, 110},
    {"pop3s://", PROTOCOL_POP3, TRUE, 995},
};

static gboolean is_host(const char *text, gboolean bracketed) {
  return *text != '\0' && strpbrk(text, "/@[] ") == NULL &&
         (bracketed || strchr(text, ':') == NULL);
}

/* "host" or "[v6]", and ":port" where it is not the scheme's own. */
static gboolean take_host_and_port(const char *text, BackendAddress *address) {
  g_autofree char *host = g_strdup(text);
  gsize length = strlen(host);
  if (length > 0 && host[length - 1] == '/')
    host[length - 1] = '\0';
  char *colon = strrchr(host, ':');
  char *bracket = strrchr(host, ']');
  guint64 port = address->port;
  if (colon != NULL && colon > bracket) {
    if (!g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
      return FALSE;
    *colon = '\0';
  }
  gboolean bracketed = host[0] == '[' && bracket != NULL && bracket[1] == '\0';
  if (bracketed)
    *bracket = '\0';
  if (!is_host(host + bracketed, bracketed))
    return FALSE;
  address->port = (guint16)port;
  address->host = g_strdup(host + bracketed);
  return TRUE;
}

gboolean backend_address_parse(const char *text, BackendAddress *address, GError **error) {
  *address = (BackendAddress){0};
  for (guint i = 0; i < G_N_ELEMENTS(backend_schemes); i++) {
    if (!g_str_has_prefix(text, backend_schemes[i].scheme))
      continue;
    address->protocol = backend_schemes[i].protocol;
    address->tls = backend_schemes[i].tls;
    address->port = backend_schemes[i].port;
    if (take_host_and_port(text + strlen(backend_schemes[i].scheme), address))
      return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "'%s' is not imap://host:port, imaps://, pop3:// or pop3s://", text);
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
                settings->backend_text, protocol_facts[protocol].name);
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
  read_rows(reader, SETTINGS_SERVICE, PARAMETERS, socket_rows, G_N_ELEMENTS(socket_rows),
            reader->settings);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    check_socket(reader, (AuthKind)i);
}

/* ---- certificates ---- */

static void host_free(gpointer data) {
  HostSettings *host = data;
  g_free(host->name);
  for (guint i = 0; i < N_CERTIFICATE_SLOTS; i++) {
    g_free(host->files[i].certificate);
    g_free(host->files[i].private_key);
  }
  g_free(host);
}

static void read_host(Reader *reader, const char *subkey, const char *name) {
  HostSettings *host = g_new0(HostSettings, 1);
  host->name = g_strdup(name);
  read_rows(reader, SETTINGS_SERVICE, subkey, host_rows, G_N_ELEMENTS(host_rows), host);
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
  reader->settings->hosts = g_ptr_array_new_with_free_func(host_free);
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
  const SettingRow store = {
      {"Store"}, KIND_CHOICE, THIS(store),  NULL, protocol_facts[protocol].store,
      0,         0,           store_choices};
  const SettingRow logging = {{protocol_facts[protocol].logging_level},
                              KIND_NUMBER,
                              EASY(logging_level),
                              NULL,
                              0,
                              0,
                              5,
                              NULL};
  read_rows(reader, key, "", protocol_rows, G_N_ELEMENTS(protocol_rows), settings);
  read_rows(reader, key, "", &store, 1, settings);
  read_rows(reader, SETTINGS_STORE, "", &logging, 1, settings);
  if (reader->source->get(key, "", "Listen", reader->source->data) == NULL) {
    g_strfreev(settings->listen);
    settings->listen = g_new0(char *, 2);
    settings->listen[0] = g_strdup(protocol_facts[protocol].listen);
  }
  check_backend(reader, protocol);
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
      add_broker_problem(reader, "StartTLS", "it goes with ldap:// alone, and URI has '%s'", *uri);
  }
  if (count == 0)
    add_broker_problem(reader, "URI", "no directory is named");
}

static void check_ldap(Reader *reader) {
  const Broker *broker = &reader->settings->chosen;
  check_uri(reader);
  if (*broker->base_dn == '\0')
    add_broker_problem(reader, "Base DN", "it is not set");
  if (strstr(broker->user_filter, "%u") == NULL)
    add_broker_problem(reader, "User Filter", "'%s' has no %%u, which stands for the user",
                       broker->user_filter);
  if (*broker->ca_file != '\0' && *broker->ca_file != '/')
    add_broker_problem(reader, "CA File", "'%s' is not an absolute path", broker->ca_file);
  /* Without its password, a bind would be an anonymous one that looks like it. */
  if (*broker->bind_dn != '\0' && *broker->bind_password == '\0')
    add_broker_problem(reader, "Bind Password",
                       "it is not set, or may not be read ('mailauthctl repair' gives the right)");
}

/* The settings of one type: read and checked where the broker is of it. */
static void read_broker_of(Reader *reader, const char *type, const SettingRow *rows, gsize n_rows,
                           void (*check)(Reader *reader)) {
  Broker *broker = &reader->settings->chosen;
  if (!g_str_equal(broker->type, type)) {
    set_defaults(rows, n_rows, broker);
    return;
  }
  read_rows(reader, SETTINGS_BROKERS, reader->settings->broker, rows, n_rows, broker);
  check(reader);
}

static const struct {
  const char *type;
  const SettingRow *rows;
  gsize n_rows;
  void (*check)(Reader *reader);
} broker_types[] = {
    {"sqlite", sqlite_rows, G_N_ELEMENTS(sqlite_rows), check_sqlite},
    {"ldap", ldap_rows, G_N_ELEMENTS(ldap_rows), check_ldap},
};

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
    read_rows(reader, SETTINGS_BROKERS, id, broker_rows, G_N_ELEMENTS(broker_rows),
              &settings->chosen);
  else
    set_defaults(broker_rows, G_N_ELEMENTS(broker_rows), &settings->chosen);
  for (guint i = 0; i < G_N_ELEMENTS(broker_types); i++)
    read_broker_of(reader, broker_types[i].type, broker_types[i].rows, broker_types[i].n_rows,
                   broker_types[i].check);
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

/* A service is the name of a file in PAM's own directory, and no other file. */
static void check_pam_service(Reader *reader) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  const char *service = reader->settings->pam_service;
  gsize length = strlen(service);
  if (length == 0 || length > 255 || *service == '.' || strspn(service, allowed) != length)
    add_problem(reader, SCOPE_NATIVE, SETTINGS_SERVICE, PARAMETERS, "PAM Service",
                "'%s' is not a service's name", service);
}

Settings *settings_new(const SettingsSource *source) {
  Settings *settings = g_new0(Settings, 1);
  Reader reader = {source, settings};
  g_atomic_ref_count_init(&settings->references);
  settings->problems = g_ptr_array_new_with_free_func(problem_free);
  check_keys(&reader);
  read_rows(&reader, SETTINGS_STORE, "", store_rows, G_N_ELEMENTS(store_rows), settings);
  read_rows(&reader, SETTINGS_SERVICE, "", service_rows, G_N_ELEMENTS(service_rows), settings);
  read_rows(&reader, SETTINGS_SERVICE, PARAMETERS, parameter_rows, G_N_ELEMENTS(parameter_rows),
            settings);
  read_hosts(&reader);
  read_sockets(&reader);
  check_package(&reader);
  check_pam_service(&reader);
  read_broker(&reader);
  for (guint i = 0; i < N_PROTOCOLS; i++)
    read_protocol(&reader, (Protocol)i);
  return settings;
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
  explicit_bzero(settings->backend_master_password, strlen(settings->backend_master_password));
  g_free(settings->backend_master_password);
}

static void clear_broker(Broker *broker) {
  g_free(broker->type);
  g_free(broker->database);
  g_free(broker->uri);
  g_free(broker->base_dn);
  g_free(broker->user_filter);
  g_free(broker->bind_dn);
  explicit_bzero(broker->bind_password, strlen(broker->bind_password));
  g_free(broker->bind_password);
  g_free(broker->ca_file);
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
  g_free(settings->domain);
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

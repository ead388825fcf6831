/* SPDX-License-Identifier: MIT */
/* The rows of settings-tables.h. */
#include "mailauth/settings/settings-tables.h"

#include "mailauth/base/unique-id-format.h"

static const Choice clear_text_choices[] = {{"never", CLEAR_TEXT_NEVER},
                                            {"loopback", CLEAR_TEXT_LOOPBACK},
                                            {"always", CLEAR_TEXT_ALWAYS},
                                            {NULL, 0}};
static const Choice store_choices[] = {
    {"maildir", STORE_MAILDIR}, {"backend", STORE_BACKEND}, {NULL, 0}};
static const Choice tls_choices[] = {{"1.2", 0x0303}, {"1.3", 0x0304}, {NULL, 0}};

/* A row each, by its kind. @where: what can't be decided while it is wrong, and the
 * field it is read into. */
#define TEXT(name, where, standard)                                                                \
  { .names = {name}, .kind = KIND_STRING, where, .text = (standard) }
#define LIST(name, where)                                                                          \
  { .names = {name}, .kind = KIND_STRINGS, where }
#define NAMES(name, where)                                                                         \
  { .names = {name}, .kind = KIND_NAMES, where }
#define NUMBER(name, where, standard, least, most)                                                 \
  {                                                                                                \
    .names = {name}, .kind = KIND_NUMBER, where, .number = (standard), .minimum = (least),         \
    .maximum = (most)                                                                              \
  }
#define OCTAL(name, where, standard, most)                                                         \
  { .names = {name}, .kind = KIND_OCTAL, where, .number = (standard), .maximum = (most) }
#define CHOICE(name, where, standard, words)                                                       \
  { .names = {name}, .kind = KIND_CHOICE, where, .number = (standard), .choices = (words) }
#define FIELD(of, what, field) .scope = (what), .offset = G_STRUCT_OFFSET(of, field)

#define DAY 86400U
#define ALL(field) FIELD(Settings, SCOPE_ALL, field)
#define OPEN(field) FIELD(Settings, SCOPE_NOTHING, field)
#define NATIVE(field) FIELD(Settings, SCOPE_NATIVE, field)

static const SettingRow store_rows[] = {
    TEXT("MBS Package", ALL(package), ""),
    {.names = {"MBS Broker", "MSB Broker"},
     .kind = KIND_STRING,
     FIELD(Settings, SCOPE_BROKER, broker),
     .text = ""},
    LIST("Logon Only As", ALL(logon_only_as)),
};

static const SettingRow service_rows[] = {
    TEXT("ObjectName", OPEN(object_name), "mailauth"),
};

static const SettingRow parameter_rows[] = {
    TEXT("Native Source", NATIVE(native_source), "SAM"),
    TEXT("PAM Service", NATIVE(pam_service), "mailauth"),
    NUMBER("PAM Timeout", NATIVE(pam_timeout), 60000, 1, 600000),
    NAMES("Domain", ALL(domains)),
    CHOICE("Minimum TLS", OPEN(minimum_tls), 0x0303, tls_choices),
    TEXT("Ciphers", OPEN(ciphers), ""),
    LIST("Mechanisms", ALL(mechanisms)),
    LIST("Trusted Networks", OPEN(trusted_networks)),
    LIST("Proxy Networks", OPEN(proxy_networks)),
    NUMBER("Failure Delay", ALL(failure_delay), 500, 0, 60000),
    NUMBER("Lockout Threshold", ALL(lockout_threshold), 10, 0, G_MAXUINT32),
    NUMBER("Lockout Seconds", ALL(lockout_seconds), 300, 1, 365 * DAY),
    NUMBER("Failures Per Account", ALL(failures_per_account), 30, 0, G_MAXUINT32),
    NUMBER("Failures Per Minute", ALL(failures_per_minute), 600, 0, G_MAXUINT32),
    NUMBER("Verified Seconds", OPEN(verified_seconds), 0, 0, DAY),
};

#define OF_HOST(field) FIELD(HostSettings, SCOPE_NOTHING, field)

static const SettingRow host_rows[] = {
    TEXT("Certificate", OF_HOST(files[0].certificate), ""),
    TEXT("Private Key", OF_HOST(files[0].private_key), ""),
    TEXT("Alternative Certificate", OF_HOST(files[1].certificate), ""),
    TEXT("Alternative Private Key", OF_HOST(files[1].private_key), ""),
};

static const SettingRow socket_rows[] = {
    TEXT("Auth Socket", OPEN(sockets[AUTH_DOVECOT]), ""),
    TEXT("Saslauthd Socket", OPEN(sockets[AUTH_SASLAUTHD]), ""),
    OCTAL("Auth Socket Mode", OPEN(socket_mode), 0600, 0777),
    TEXT("Auth Socket Group", OPEN(socket_group), ""),
};

#define THIS(field) FIELD(ProtocolSettings, SCOPE_PROTOCOL, field)
#define EASY(field) FIELD(ProtocolSettings, SCOPE_NOTHING, field)

static const SettingRow protocol_rows[] = {
    NUMBER("Enabled", EASY(enabled), 1, 0, 1),
    LIST("Listen", EASY(listen)),
    LIST("Listen TLS", EASY(listen_tls)),
    CHOICE("Clear Text", THIS(clear_text), CLEAR_TEXT_LOOPBACK, clear_text_choices),
    NUMBER("Login Timeout", EASY(login_timeout), 60, 1, DAY),
    NUMBER("Max Connections", EASY(max_connections), 10000, 1, 1000000),
    NUMBER("Max Connections Per Address", EASY(max_connections_per_address), 100, 1, 1000000),
    TEXT("Backend", THIS(backend_text), ""),
    TEXT("Backend Master User", THIS(backend_master_user), ""),
    TEXT("Backend Master Password", THIS(backend_master_password), ""),
};

static const SettingRow trust_rows[] = {
    TEXT("Backend CA File", THIS(backend_ca_file), ""),
    TEXT("Backend Fingerprint", THIS(backend_fingerprint), ""),
};

static const SettingRow maildir_rows[] = {
    TEXT("Mail Directory", THIS(mail_directory), DEFAULT_MAIL_DIRECTORY),
    TEXT("Mail User", THIS(mail_user), ""),
    TEXT("Unique IDs", THIS(unique_ids), UNIQUE_IDS_BY_NAME),
};

#define OF_BROKER(field) FIELD(Broker, SCOPE_BROKER, field)

static const SettingRow broker_rows[] = {
    TEXT("Type", OF_BROKER(type), ""),
};

static const SettingRow sqlite_rows[] = {
    TEXT("Database", OF_BROKER(database), ""),
};

static const SettingRow ldap_rows[] = {
    TEXT("URI", OF_BROKER(uri), ""),
    TEXT("Base DN", OF_BROKER(base_dn), ""),
    TEXT("User Filter", OF_BROKER(user_filter), "(uid=%u)"),
    TEXT("User Attribute", OF_BROKER(user_attribute), "uid"),
    TEXT("Bind DN", OF_BROKER(bind_dn), ""),
    TEXT("Bind Password", OF_BROKER(bind_password), ""),
    NUMBER("StartTLS", OF_BROKER(start_tls), 0, 0, 1),
    TEXT("CA File", OF_BROKER(ca_file), ""),
};

static const SettingRow sql_rows[] = {
    TEXT("Connection", OF_BROKER(connection), ""),
    TEXT("Connection Password", OF_BROKER(connection_password), ""),
    TEXT("Query", OF_BROKER(query), ""),
};

static const SettingRow server_rows[] = {
    NUMBER("Timeout", OF_BROKER(timeout), 5000, 1, 600000),
    NUMBER("Pool Size", OF_BROKER(pool_size), 8, 1, 1000),
};

#define TABLE(rows)                                                                                \
  { rows, G_N_ELEMENTS(rows) }

const SettingRows setting_tables[N_SETTING_TABLES] = {
    [TABLE_STORE] = TABLE(store_rows),
    [TABLE_SERVICE] = TABLE(service_rows),
    [TABLE_PARAMETERS] = TABLE(parameter_rows),
    [TABLE_SOCKETS] = TABLE(socket_rows),
    [TABLE_HOST] = TABLE(host_rows),
    [TABLE_PROTOCOL] = TABLE(protocol_rows),
    [TABLE_TRUST] = TABLE(trust_rows),
    [TABLE_MAILDIR] = TABLE(maildir_rows),
    [TABLE_BROKER] = TABLE(broker_rows),
    [TABLE_SQLITE] = TABLE(sqlite_rows),
    [TABLE_LDAP] = TABLE(ldap_rows),
    [TABLE_SQL] = TABLE(sql_rows),
    [TABLE_SERVER] = TABLE(server_rows),
};

const SettingRow setting_store_rows[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = CHOICE("Store", THIS(store), STORE_MAILDIR, store_choices),
    [PROTOCOL_IMAP] = CHOICE("Store", THIS(store), STORE_BACKEND, store_choices),
};

/* RFC 1939, section 3, and RFC 9051, section 5.4: 10 minutes at least, and 30. */
const SettingRow setting_idle_rows[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = NUMBER("Idle Timeout", EASY(idle_timeout), 600, 1, DAY),
    [PROTOCOL_IMAP] = NUMBER("Idle Timeout", EASY(idle_timeout), 1800, 1, DAY),
};

const SettingRow setting_logging_rows[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = NUMBER("POP3 Protocol Logging Level", EASY(logging_level), 0, 0, 5),
    [PROTOCOL_IMAP] = NUMBER("IMAP4 Protocol Logging Level", EASY(logging_level), 0, 0, 5),
};

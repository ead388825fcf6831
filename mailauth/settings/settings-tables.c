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

static const SettingRow host_rows[] = {
    {{"Certificate"}, KIND_STRING, OF_HOST(files[0].certificate), "", 0, 0, 0, NULL},
    {{"Private Key"}, KIND_STRING, OF_HOST(files[0].private_key), "", 0, 0, 0, NULL},
    {{"Alternative Certificate"}, KIND_STRING, OF_HOST(files[1].certificate), "", 0, 0, 0, NULL},
    {{"Alternative Private Key"}, KIND_STRING, OF_HOST(files[1].private_key), "", 0, 0, 0, NULL},
};

static const SettingRow socket_rows[] = {
    {{"Auth Socket"}, KIND_STRING, OPEN(sockets[AUTH_DOVECOT]), "", 0, 0, 0, NULL},
    {{"Saslauthd Socket"}, KIND_STRING, OPEN(sockets[AUTH_SASLAUTHD]), "", 0, 0, 0, NULL},
    {{"Auth Socket Mode"}, KIND_OCTAL, OPEN(socket_mode), NULL, 0600, 0, 0777, NULL},
    {{"Auth Socket Group"}, KIND_STRING, OPEN(socket_group), "", 0, 0, 0, NULL},
};

#define THIS(field) SCOPE_PROTOCOL, G_STRUCT_OFFSET(ProtocolSettings, field)
#define EASY(field) SCOPE_NOTHING, G_STRUCT_OFFSET(ProtocolSettings, field)

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
    {{"Backend"}, KIND_STRING, THIS(backend_text), "", 0, 0, 0, NULL},
    {{"Backend Master User"}, KIND_STRING, THIS(backend_master_user), "", 0, 0, 0, NULL},
    {{"Backend Master Password"}, KIND_STRING, THIS(backend_master_password), "", 0, 0, 0, NULL},
};

static const SettingRow maildir_rows[] = {
    {{"Mail Directory"}, KIND_STRING, THIS(mail_directory), DEFAULT_MAIL_DIRECTORY, 0, 0, 0, NULL},
    {{"Mail User"}, KIND_STRING, THIS(mail_user), "", 0, 0, 0, NULL},
    {{"Unique IDs"}, KIND_STRING, THIS(unique_ids), UNIQUE_IDS_BY_NAME, 0, 0, 0, NULL},
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

#define TABLE(rows)                                                                                \
  { rows, G_N_ELEMENTS(rows) }

const SettingRows setting_tables[N_SETTING_TABLES] = {
    [TABLE_STORE] = TABLE(store_rows),
    [TABLE_SERVICE] = TABLE(service_rows),
    [TABLE_PARAMETERS] = TABLE(parameter_rows),
    [TABLE_SOCKETS] = TABLE(socket_rows),
    [TABLE_HOST] = TABLE(host_rows),
    [TABLE_PROTOCOL] = TABLE(protocol_rows),
    [TABLE_MAILDIR] = TABLE(maildir_rows),
    [TABLE_BROKER] = TABLE(broker_rows),
    [TABLE_SQLITE] = TABLE(sqlite_rows),
    [TABLE_LDAP] = TABLE(ldap_rows),
};

#define STORE(kind)                                                                                \
  { {"Store"}, KIND_CHOICE, THIS(store), NULL, kind, 0, 0, store_choices }
#define LOGGING(name)                                                                              \
  { {name}, KIND_NUMBER, EASY(logging_level), NULL, 0, 0, 5, NULL }

const SettingRow setting_store_rows[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = STORE(STORE_MAILDIR),
    [PROTOCOL_IMAP] = STORE(STORE_BACKEND),
};

const SettingRow setting_logging_rows[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = LOGGING("POP3 Protocol Logging Level"),
    [PROTOCOL_IMAP] = LOGGING("IMAP4 Protocol Logging Level"),
};

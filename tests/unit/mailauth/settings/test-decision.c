/* SPDX-License-Identifier: MIT */
/* settings.c and decision.c: what is decided with the settings of a row. */
#include "mailauth/settings/decision.h"

#include <string.h>

#include "mailauth/settings/backend-address.h"
#include "mailauth/settings/fingerprint.h"
#include "mailauth/settings/settings-read.h"

typedef struct {
  SettingsKey key;
  const char *subkey, *name;
  const char *text; /* REG_SZ; NULL: a REG_DWORD of number */
  guint32 number;
} Stored;

#define MAX_STORED 8

typedef struct {
  Stored stored[MAX_STORED];
  RegistryViewState state[N_SETTINGS_KEYS];
  GPtrArray *values; /* what was handed out */
} World;

static RegistryViewState get_state(SettingsKey key, gpointer data) {
  return ((World *)data)->state[key];
}

static const RegistryValue *get(SettingsKey key, const char *subkey, const char *name,
                                gpointer data) {
  World *world = data;
  for (guint i = 0; i < MAX_STORED && world->stored[i].name != NULL; i++) {
    const Stored *stored = &world->stored[i];
    if (stored->key != key || g_ascii_strcasecmp(stored->subkey, subkey) != 0 ||
        g_ascii_strcasecmp(stored->name, name) != 0)
      continue;
    g_auto(GStrv) strings = g_strsplit(stored->text != NULL ? stored->text : "", "\n", -1);
    RegistryValue *value =
        g_str_has_prefix(name, "Logon Only") || g_str_has_prefix(name, "Listen") ||
                g_str_has_prefix(name, "Mechanisms")
            ? registry_value_new_strings((const char *const *)strings, NULL)
        : stored->text != NULL ? registry_value_new_string(REGISTRY_SZ, stored->text, NULL)
                               : registry_value_new_uint32(REGISTRY_DWORD, stored->number, NULL);
    g_ptr_array_add(world->values, value);
    return value;
  }
  return NULL;
}

static gboolean has_key(SettingsKey key, const char *subkey, gpointer data) {
  const World *world = data;
  for (guint i = 0; i < MAX_STORED && world->stored[i].name != NULL; i++)
    if (world->stored[i].key == key && g_str_equal(world->stored[i].subkey, subkey))
      return TRUE;
  return FALSE;
}

/* Names of keys one level below @subkey. */
static char **list_keys(SettingsKey key, const char *subkey, gpointer data) {
  const World *world = data;
  g_autoptr(GStrvBuilder) keys = g_strv_builder_new();
  g_autofree char *prefix = g_strconcat(subkey, "\\", NULL);
  for (guint i = 0; i < MAX_STORED && world->stored[i].name != NULL; i++)
    if (world->stored[i].key == key && g_str_has_prefix(world->stored[i].subkey, prefix))
      g_strv_builder_add(keys, world->stored[i].subkey + strlen(prefix));
  return g_strv_builder_end(keys);
}

static char **list_values(SettingsKey key, const char *subkey, gpointer data) {
  const World *world = data;
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (guint i = 0; i < MAX_STORED && world->stored[i].name != NULL; i++)
    if (world->stored[i].key == key && g_str_equal(world->stored[i].subkey, subkey))
      g_strv_builder_add(names, world->stored[i].name);
  return g_strv_builder_end(names);
}

static Settings *read_world(World *world) {
  const SettingsSource source = {get_state, get, has_key, list_keys, list_values, world};
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    if (world->state[i] == REGISTRY_VIEW_WAITING)
      world->state[i] = REGISTRY_VIEW_READY;
  world->values = g_ptr_array_new_with_free_func((GDestroyNotify)registry_value_unref);
  Settings *settings = settings_new(&source);
  g_ptr_array_unref(world->values);
  return settings;
}

#define PACKAGE(text)                                                                              \
  { SETTINGS_STORE, "", "MBS Package", text, 0 }
#define BROKER(text)                                                                               \
  { SETTINGS_STORE, "", "MBS Broker", text, 0 }
#define ALIAS(text)                                                                                \
  { SETTINGS_STORE, "", "MSB Broker", text, 0 }
#define TYPE(id, text)                                                                             \
  { SETTINGS_BROKERS, id, "Type", text, 0 }
#define DATABASE(id, text)                                                                         \
  { SETTINGS_BROKERS, id, "Database", text, 0 }
#define LDAP(name, text)                                                                           \
  { SETTINGS_BROKERS, "3", name, text, 0 }
#define PAM(name, text)                                                                            \
  { SETTINGS_SERVICE, "Parameters", name, text, 0 }
#define ONLY(text)                                                                                 \
  { SETTINGS_STORE, "", "Logon Only As", text, 0 }

typedef struct {
  const char *title;
  World world;
  Outcome outcome;
  PackageKind kind;
  const char *broker;
  const char *names; /* what the explanation must name, or NULL */
} Row;

static Row rows[] = {
    {"nothing set", {{{0}}, {0}, NULL}, OUTCOME_OK, PACKAGE_NATIVE, "", NULL},
    {"empty", {{PACKAGE("")}, {0}, NULL}, OUTCOME_OK, PACKAGE_NATIVE, "", NULL},
    {"native with a broker left over",
     {{BROKER("9")}, {0}, NULL},
     OUTCOME_OK,
     PACKAGE_NATIVE,
     "",
     NULL},
    {"unknown package",
     {{PACKAGE("MBS_NTLM")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     NULL,
     "MBS Package"},
    {"package of another type",
     {{{SETTINGS_STORE, "", "MBS Package", NULL, 1}}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     NULL,
     "MBS Package"},
    {"membership",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "sqlite"), DATABASE("3", "/m.db")}, {0}, NULL},
     OUTCOME_OK,
     PACKAGE_MEMBERSHIP,
     "3",
     "broker 3"},
    {"the article's spelling",
     {{PACKAGE("MBS_BASIC"), ALIAS("3"), TYPE("3", "sqlite"), DATABASE("3", "/m.db")}, {0}, NULL},
     OUTCOME_OK,
     PACKAGE_MEMBERSHIP,
     "3",
     NULL},
    {"the described name first",
     {{PACKAGE("MBS_BASIC"), ALIAS("4"), BROKER("3"), TYPE("3", "sqlite"), DATABASE("3", "/m.db")},
      {0},
      NULL},
     OUTCOME_OK,
     PACKAGE_MEMBERSHIP,
     "3",
     NULL},
    {"no broker",
     {{PACKAGE("MBS_BASIC")}, {0}, NULL},
     OUTCOME_NO_BROKER,
     PACKAGE_MEMBERSHIP,
     "",
     "MBS Broker"},
    {"unknown broker",
     {{PACKAGE("MBS_BASIC"), BROKER("4"), TYPE("3", "sqlite")}, {0}, NULL},
     OUTCOME_UNKNOWN_BROKER,
     PACKAGE_MEMBERSHIP,
     "4",
     "'4'"},
    {"a path for a broker",
     {{PACKAGE("MBS_BASIC"), BROKER("3\\x"), TYPE("3\\x", "sqlite")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     NULL,
     "MBS Broker"},
    {"Dovecot's unique IDs",
     {{{SETTINGS_POP3, "", "Unique IDs", "%08Xu%08Xv", 0}}, {0}, NULL},
     OUTCOME_OK,
     PACKAGE_NATIVE,
     NULL,
     NULL},
    {"unique IDs that would not be Dovecot's",
     {{{SETTINGS_POP3, "", "Unique IDs", "%m", 0}}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     NULL,
     "Unique IDs"},
    {"a directory",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("URI", "ldap://a ldap://b"),
       LDAP("Base DN", "dc=x")},
      {0},
      NULL},
     OUTCOME_OK,
     PACKAGE_MEMBERSHIP,
     "3",
     "type ldap"},
    {"a directory without an address",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("Base DN", "dc=x")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "3, URI"},
    {"a directory's address that is none",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("URI", "ldap://a http://b"),
       LDAP("Base DN", "dc=x")},
      {0},
      NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "'http://b'"},
    {"a directory without a base",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("URI", "ldap://a")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "Base DN"},
    {"a filter for everybody",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("URI", "ldap://a"),
       LDAP("Base DN", "dc=x"), LDAP("User Filter", "(uid=joe)")},
      {0},
      NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "User Filter"},
    {"a bind without its password",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "ldap"), LDAP("URI", "ldap://a"),
       LDAP("Base DN", "dc=x"), LDAP("Bind DN", "cn=y")},
      {0},
      NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "repair"},
    {"StartTLS within TLS",
     {{PACKAGE("MBS_BASIC"),
       BROKER("3"),
       TYPE("3", "ldap"),
       LDAP("URI", "ldaps://a"),
       LDAP("Base DN", "dc=x"),
       {SETTINGS_BROKERS, "3", "StartTLS", NULL, 1}},
      {0},
      NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "StartTLS"},
    {"no time at all",
     {{PACKAGE("MBS_BASIC"),
       BROKER("3"),
       TYPE("3", "ldap"),
       LDAP("URI", "ldaps://a"),
       LDAP("Base DN", "dc=x"),
       {SETTINGS_BROKERS, "3", "Timeout", NULL, 0}},
      {0},
      NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "Timeout"},
    {"a directory's setting is nothing to a file",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "sqlite"), DATABASE("3", "/m.db"),
       LDAP("URI", "nonsense")},
      {0},
      NULL},
     OUTCOME_OK,
     PACKAGE_MEMBERSHIP,
     "3",
     NULL},
    {"PAM", {{PAM("Native Source", "PAM")}, {0}, NULL}, OUTCOME_OK, PACKAGE_NATIVE, "", "PAM"},
    {"a path for a service",
     {{PAM("Native Source", "PAM"), PAM("PAM Service", "/tmp/mine")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     NULL,
     "PAM Service"},
    {"broker's type unknown",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "oracle")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "Type"},
    {"broker without a file",
     {{PACKAGE("MBS_BASIC"), BROKER("3"), TYPE("3", "sqlite")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "Database"},
    {"another source",
     {{{SETTINGS_SERVICE, "Parameters", "Native Source", "NIS", 0}}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     "",
     "Native Source"},
    {"maintenance", {{ONLY("admin")}, {0}, NULL}, OUTCOME_MAINTENANCE, PACKAGE_NATIVE, "", NULL},
    {"named for maintenance", {{ONLY("Alice")}, {0}, NULL}, OUTCOME_OK, PACKAGE_NATIVE, "", NULL},
    {"settings before maintenance",
     {{ONLY("admin"), PACKAGE("x")}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     NULL,
     NULL},
    {"brokers unreadable",
     {{PACKAGE("MBS_BASIC"), BROKER("3")}, {[SETTINGS_BROKERS] = REGISTRY_VIEW_DENIED}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_MEMBERSHIP,
     "3",
     "Instances"},
    {"brokers unreadable, but native",
     {{{0}}, {[SETTINGS_BROKERS] = REGISTRY_VIEW_DENIED}, NULL},
     OUTCOME_OK,
     PACKAGE_NATIVE,
     "",
     NULL},
    {"other protocol's setting",
     {{{SETTINGS_IMAP, "", "Clear Text", "maybe", 0}}, {0}, NULL},
     OUTCOME_OK,
     PACKAGE_NATIVE,
     "",
     NULL},
    {"own protocol's setting",
     {{{SETTINGS_POP3, "", "Clear Text", "maybe", 0}}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     "",
     "Clear Text"},
    {"a threshold of text",
     {{{SETTINGS_SERVICE, "Parameters", "Lockout Threshold", "ten", 0}}, {0}, NULL},
     OUTCOME_BAD_SETTING,
     PACKAGE_NATIVE,
     NULL,
     "Lockout Threshold"},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_test_message("%s", rows[i].title);
    g_autoptr(Settings) settings = read_world(&rows[i].world);
    g_auto(Decision) decision = {0};
    decision_admit(settings, PROTOCOL_POP3, "alice", "alice", &decision);
    g_assert_cmpint(decision.outcome, ==, rows[i].outcome);
    g_assert_cmpint(decision.kind, ==, rows[i].kind);
    if (rows[i].broker != NULL)
      g_assert_cmpstr(decision.broker, ==, rows[i].broker);
    if (rows[i].names != NULL)
      g_assert_nonnull(strstr(decision.why, rows[i].names));
  }
}

static void test_waiting(void) {
  World world = {0};
  const SettingsSource source = {get_state, get, has_key, list_keys, list_values, &world};
  g_autoptr(Settings) settings = settings_new(&source);
  g_auto(Decision) decision = {0};
  decision_admit(settings, PROTOCOL_IMAP, "alice", "alice", &decision);
  g_assert_cmpint(decision.outcome, ==, OUTCOME_BAD_SETTING);
  g_assert_nonnull(strstr(decision.why, "registry can't be reached"));
}

static void test_defaults(void) {
  World world = {0};
  g_autoptr(Settings) settings = read_world(&world);
  const ProtocolSettings *pop3 = &settings->protocols[PROTOCOL_POP3];
  const ProtocolSettings *imap = &settings->protocols[PROTOCOL_IMAP];
  g_assert_cmpuint(settings->problems->len, ==, 0);
  g_assert_cmpstr(pop3->listen[0], ==, "127.0.0.1:110");
  g_assert_cmpstr(imap->listen[0], ==, "127.0.0.1:143");
  g_assert_null(pop3->listen_tls[0]);
  g_assert_cmpuint(pop3->store, ==, STORE_MAILDIR);
  g_assert_cmpuint(imap->store, ==, STORE_BACKEND);
  g_assert_cmpuint(pop3->clear_text, ==, CLEAR_TEXT_LOOPBACK);
  g_assert_cmpuint(pop3->login_timeout, ==, 60);
  g_assert_cmpuint(pop3->max_connections, ==, 10000);
  g_assert_cmpuint(settings->failure_delay, ==, 500);
  g_assert_cmpstr(settings->object_name, ==, "mailauth");
}

static void test_backends(void) {
  const struct {
    const char *text, *host;
    guint16 port;
    Protocol protocol;
    gboolean tls;
  } table[] = {
      {"imap://127.0.0.1:143", "127.0.0.1", 143, PROTOCOL_IMAP, FALSE},
      {"imaps://mail.example.org:993", "mail.example.org", 993, PROTOCOL_IMAP, TRUE},
      {"pop3://[::1]:110", "::1", 110, PROTOCOL_POP3, FALSE},
      {"pop3s://h:995", "h", 995, PROTOCOL_POP3, TRUE},
      {"imap://127.0.0.1", "127.0.0.1", 143, PROTOCOL_IMAP, FALSE},
      {"imap+unix:relative", NULL, 0, PROTOCOL_IMAP, FALSE},
      {"imap+unix:", NULL, 0, PROTOCOL_IMAP, FALSE},
      {"imaps://[::1]/", "::1", 993, PROTOCOL_IMAP, TRUE},
      {"imap://127.0.0.1:0", NULL, 0, PROTOCOL_POP3, FALSE},
      {"imap://127.0.0.1:65536", NULL, 0, PROTOCOL_POP3, FALSE},
      {"imap://u@h:1", NULL, 0, PROTOCOL_POP3, FALSE},
      {"imap://::1:1", NULL, 0, PROTOCOL_POP3, FALSE},
      {"imap://:1", NULL, 0, PROTOCOL_POP3, FALSE},
      {"imap://h:1/x", NULL, 0, PROTOCOL_POP3, FALSE},
      {"http://h:1", NULL, 0, PROTOCOL_POP3, FALSE},
      {"", NULL, 0, PROTOCOL_POP3, FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    BackendAddress address = {0};
    g_test_message("%s", table[i].text);
    g_assert_cmpint(backend_address_parse(table[i].text, &address, NULL), ==,
                    table[i].host != NULL);
    g_assert_cmpstr(address.host, ==, table[i].host);
    if (table[i].host != NULL) {
      g_assert_cmpuint(address.port, ==, table[i].port);
      g_assert_cmpint(address.protocol, ==, table[i].protocol);
      g_assert_cmpint(address.tls, ==, table[i].tls);
    }
    backend_address_clear(&address);
  }
}

/* Where the master user's password may go without TLS. */
static void test_secrecy(void) {
  const struct {
    const char *text;
    gboolean allowed;
  } table[] = {
      {"imaps://mail.example.org", TRUE},
      {"pop3s://192.0.2.1:10995", TRUE},
      {"imap+unix:/run/imap", TRUE},
      {"pop3+unix:/run/pop3", TRUE},
      {"imap://127.0.0.1", TRUE},
      {"imap://127.0.0.1:1023", TRUE},
      {"imap://127.200.3.4:143", TRUE},
      {"pop3://[::1]", TRUE},
      {"imap://localhost:144", TRUE},
      {"imap://LOCALHOST:144", TRUE},
      {"imap://127.0.0.1:1024", FALSE},
      {"imap://127.0.0.1:10143", FALSE},
      {"imap://localhost:10143", FALSE},
      {"pop3://[::1]:1110", FALSE},
      {"imap://192.0.2.1", FALSE},
      {"imap://0.0.0.0:143", FALSE},
      {"imap://[::ffff:192.0.2.1]:143", FALSE},
      {"imap://mail.example.org", FALSE},
      {"imap://localhost.example.org", FALSE},
      {"pop3://127.0.0.1.example.org", FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    BackendAddress address = {0};
    g_autoptr(GError) error = NULL;
    g_test_message("%s", table[i].text);
    g_assert_true(backend_address_parse(table[i].text, &address, NULL));
    g_assert_cmpint(backend_address_check_secrecy(&address, &error), ==, table[i].allowed);
    g_assert_true((error == NULL) == table[i].allowed);
    backend_address_clear(&address);
  }
}

static void test_insecure_backend(void) {
  World world = {{{SETTINGS_IMAP, "", "Backend", "imap://127.0.0.1:10143", 0}}, {0}, NULL};
  g_autoptr(Settings) settings = read_world(&world);
  const SettingProblem *problem = settings_find_problem(settings, PROTOCOL_IMAP);
  g_assert_nonnull(problem);
  g_assert_nonnull(strstr(problem->text, "Backend: 'imap://127.0.0.1:10143': without TLS"));
  g_assert_null(settings_find_problem(settings, PROTOCOL_POP3));
}

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define COLONS                                                                                     \
  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"  \
  "FF"

static void test_fingerprints(void) {
  const struct {
    const char *text;
    gboolean valid, has;
  } table[] = {
      {"", TRUE, FALSE},
      {DIGITS, TRUE, TRUE},
      {COLONS, TRUE, TRUE},
      {"sha256:" DIGITS, TRUE, TRUE},
      {"SHA256:" COLONS, TRUE, TRUE},
      {OTHER, TRUE, FALSE},
      {OTHER " " DIGITS, TRUE, TRUE},
      {" " COLONS "  ", TRUE, TRUE},
      {DIGITS "0", FALSE, FALSE},
      {DIGITS OTHER, FALSE, FALSE},
      {"sha1:" DIGITS, FALSE, FALSE},
      {"0011", FALSE, FALSE},
      {"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", FALSE, FALSE},
  };
  const guint8 digest[FINGERPRINT_BYTES] = {
      0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
      0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
    g_test_message("%s", table[i].text);
    g_assert_cmpint(fingerprints_are_valid(table[i].text), ==, table[i].valid);
    g_assert_cmpint(fingerprints_have(table[i].text, digest), ==, table[i].has);
  }
}

/* A protocol's own goes before the one of all. */
static void test_trust(void) {
  World world = {{{SETTINGS_SERVICE, "Parameters", "Backend CA File", "/all.pem", 0},
                  {SETTINGS_SERVICE, "Parameters", "Backend Fingerprint", DIGITS, 0},
                  {SETTINGS_IMAP, "", "Backend CA File", "/imap.pem", 0},
                  {SETTINGS_POP3, "", "Backend Fingerprint", "nonsense", 0}},
                 {0},
                 NULL};
  g_autoptr(Settings) settings = read_world(&world);
  g_assert_cmpstr(settings->protocols[PROTOCOL_IMAP].backend_ca_file, ==, "/imap.pem");
  g_assert_cmpstr(settings->protocols[PROTOCOL_POP3].backend_ca_file, ==, "/all.pem");
  g_assert_cmpstr(settings->protocols[PROTOCOL_IMAP].backend_fingerprint, ==, DIGITS);
  g_assert_null(settings_find_problem(settings, PROTOCOL_IMAP));
  g_assert_nonnull(settings_find_problem(settings, PROTOCOL_POP3));
}

static void test_mailboxes(void) {
  World world = {{{SETTINGS_POP3, "", "Mail Directory", "/mail/%u", 0}}, {0}, NULL};
  g_autoptr(Settings) settings = read_world(&world);
  g_autofree char *path = NULL;
  g_autofree char *none = NULL;
  g_autofree char *why = NULL;
  g_assert_cmpint(decision_find_mailbox(settings, PROTOCOL_POP3, "alice", &path, &none), ==,
                  OUTCOME_OK);
  g_assert_cmpstr(path, ==, "/mail/alice");
  g_assert_null(none);
  g_free(g_steal_pointer(&path));
  g_assert_cmpint(decision_find_mailbox(settings, PROTOCOL_POP3, "../x", &path, &why), ==,
                  OUTCOME_NO_MAILBOX);
  g_assert_null(path);
  g_free(g_steal_pointer(&why));
  g_assert_cmpint(decision_find_mailbox(settings, PROTOCOL_IMAP, "alice", &path, &why), ==,
                  OUTCOME_NO_MAILBOX);
  g_assert_nonnull(strstr(why, "Backend"));
}

#define OF_SERVICE SETTINGS_SERVICE, "Parameters"

static void test_mechanisms(void) {
  static const struct {
    const char *set;
    guint left_out, n_problems;
    gboolean decides;
  } cases[] = {
      {NULL, 0, 0, TRUE},
      {"plain\nLOGIN\nSCRAM-SHA-256", MECHANISM_BIT(MECHANISM_SCRAM_PLUS), 0, TRUE},
      {"PLAIN", ALL_MECHANISMS & ~MECHANISM_BIT(MECHANISM_PLAIN), 0, TRUE},
      {"PLAIN\nCRAM-MD5", ALL_MECHANISMS & ~MECHANISM_BIT(MECHANISM_PLAIN), 1, TRUE},
      {"SCRAM-SHA256", 0, 2, FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    World world = {
        .stored = {{OF_SERVICE, cases[i].set != NULL ? "Mechanisms" : NULL, cases[i].set, 0}}};
    g_autoptr(Settings) settings = read_world(&world);
    g_assert_cmphex(settings->left_out, ==, cases[i].left_out);
    g_assert_cmpuint(settings->problems->len, ==, cases[i].n_problems);
    g_assert_cmpint(settings_find_problem(settings, PROTOCOL_POP3) == NULL, ==, cases[i].decides);
  }
}

static void test_ciphers(void) {
  static const struct {
    const char *set;
    const char *problem;
  } cases[] = {
      {"", NULL},
      {"ECDHE+AESGCM:ECDHE+CHACHA20", NULL},
      {"HIGH:!aNULL:!eNULL:!MD5:!RC4:-SHA:+ECDHE:@STRENGTH", NULL},
      {"ECDHE-RSA-AES256-SHA384, ECDHE-RSA-AES256-GCM-SHA384", NULL},
      {"ECDHE-RSA-AES256-SHA348:HIGH", "ECDHE-RSA-AES256-SHA348"},
      {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
      {"HIGH:@SECLEVEL=0", "security level"},
      {"HIGH:!ALL", "leaves no cipher"},
      {":::", "leaves no cipher"},
      {"!", "'!'"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    World world = {.stored = {{OF_SERVICE, "Ciphers", cases[i].set, 0}}};
    g_autoptr(Settings) settings = read_world(&world);
    const SettingProblem *problem = settings_find_scope(settings, SCOPE_NOTHING);
    g_assert_cmpint(settings->has_ciphers, ==, cases[i].problem == NULL);
    g_assert_cmpint(problem == NULL, ==, cases[i].problem == NULL);
    if (problem != NULL)
      g_assert_nonnull(strstr(problem->text, cases[i].problem));
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/settings/mechanisms", test_mechanisms);
  g_test_add_func("/settings/ciphers", test_ciphers);
  g_test_add_func("/settings/secrecy", test_secrecy);
  g_test_add_func("/settings/insecure-backend", test_insecure_backend);
  g_test_add_func("/settings/fingerprints", test_fingerprints);
  g_test_add_func("/settings/trust", test_trust);
  g_test_add_func("/decision/rows", test_rows);
  g_test_add_func("/decision/waiting", test_waiting);
  g_test_add_func("/decision/mailboxes", test_mailboxes);
  g_test_add_func("/settings/defaults", test_defaults);
  g_test_add_func("/settings/backends", test_backends);
  return g_test_run();
}

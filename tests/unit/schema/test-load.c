/* SPDX-License-Identifier: MIT */
/* The schemas that are shipped: that they load, and what they let through;
 * and how directories are read. */
#include "client/base/error.h"
#include "schema/load.h"

#include <glib/gstdio.h>
#include <string.h>

#define SERVICES "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\"
#define SYSTEM SERVICES "MSExchangeIS\\ParametersSystem"
#define POP3 SERVICES "MSExchangePOP3\\Parameters"
#define IMAP SERVICES "MSExchangeIMAP4\\Parameters"
#define AUTH SERVICES "MailAuth\\Parameters"
#define BROKER SERVICES "MBS\\Instances\\3"
#define REGD SERVICES "regd\\Parameters"
#define USERS "HKEY_LOCAL_MACHINE\\SAM\\Domains\\Account\\Users"
#define USER "HKEY_LOCAL_MACHINE\\SAM\\Domains\\Account\\Users\\joe"

static SchemaSet *load_shipped(void) {
  const char *directories[] = {g_getenv("REGD_SCHEMAS"), NULL};
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  SchemaSet *set = schema_load(directories, problems);
  for (guint i = 0; i < problems->len; i++)
    g_test_message("%s", (const char *)g_ptr_array_index(problems, i));
  g_assert_cmpuint(problems->len, ==, 0);
  return set;
}

static const struct {
  const char *path, *name, *text;
  gboolean taken;
} strings[] = {
    {SYSTEM, "MBS Package", "", TRUE},
    {SYSTEM, "MBS Package", "MBS_BASIC", TRUE},
    {SYSTEM, "MBS Package", "MBS_DIGEST", FALSE},
    {SYSTEM, "MBS Broker", "3", TRUE},
    {SYSTEM, "MSB Broker", "3", TRUE},
    {SYSTEM, "MSB Broker", "three", FALSE},
    {AUTH, "Auth Socket Mode", "0660", TRUE},
    {AUTH, "Auth Socket Mode", "660", TRUE},
    {AUTH, "Auth Socket Mode", "0680", FALSE},
    {AUTH, "Auth Socket Mode", "1777", FALSE},
    {AUTH, "Auth Socket Mode", "", FALSE},
    {POP3, "Clear Text", "always", TRUE},
    {POP3, "Clear Text", "sometimes", FALSE},
    {POP3, "Store", "maildir", TRUE},
    {IMAP, "Store", "backend", TRUE},
    {IMAP, "Store", "mbox", FALSE},
    {POP3, "Mail Directory", "/var/mail/%u/Maildir", TRUE},
    {POP3, "Mail Directory", "mail/%u", FALSE},
    {POP3, "Mail Directory", "/mail/100%%/%u", TRUE},
    {POP3, "Mail Directory", "/mail/%d/%n", TRUE},
    {POP3, "Mail Directory", "/mail/%h", FALSE},
    {POP3, "Mail Directory", "", TRUE},
    {POP3, "Mail User", "vmail", TRUE},
    {POP3, "Mail User", "1000", TRUE},
    {POP3, "Mail User", "root", FALSE},
    {POP3, "Mail User", "0", FALSE},
    {POP3, "Mail User", "rooter", TRUE},
    {POP3, "Unique IDs", "name", TRUE},
    {POP3, "Unique IDs", "%08Xu%08Xv", TRUE},
    {POP3, "Unique IDs", "%v-%u", TRUE},
    {POP3, "Unique IDs", "UID%u-%%", TRUE},
    {POP3, "Unique IDs", "%g", TRUE},
    {POP3, "Unique IDs", "%Mf", TRUE},
    {POP3, "Unique IDs", "%{uid | hex(8)}%{uidvalidity | hex(8)}", TRUE},
    {POP3, "Unique IDs", "names", FALSE},
    {POP3, "Unique IDs", "", FALSE},
    {POP3, "Unique IDs", "%v", FALSE},
    {POP3, "Unique IDs", "%m", FALSE},
    {POP3, "Unique IDs", "%8Xu", FALSE},
    {POP3, "Unique IDs", "%u %v", FALSE},
    {POP3, "Backend", "pop3://127.0.0.1:110", TRUE},
    {POP3, "Backend", "pop3s://mail.example.org", TRUE},
    {POP3, "Backend", "imap://127.0.0.1:143", FALSE},
    {IMAP, "Backend", "imap://127.0.0.1:143", TRUE},
    {IMAP, "Backend", "imaps://[::1]:993", TRUE},
    {IMAP, "Backend", "imap://localhost:70000", FALSE},
    {IMAP, "Backend", "imap://localhost:0", FALSE},
    {IMAP, "Backend", "imap://[fe80::1%eth0]/", TRUE},
    {IMAP, "Backend", "imap+unix:/run/dovecot/imap", TRUE},
    {IMAP, "Backend", "imap+unix:run", FALSE},
    {IMAP, "Backend", "pop3+unix:/run/dovecot/pop3", FALSE},
    {POP3, "Backend", "pop3+unix:/run/dovecot/pop3", TRUE},
    {IMAP, "Backend", "", TRUE},
    {IMAP, "Backend", "http://localhost", FALSE},
    {AUTH, "Native Source", "PAM", TRUE},
    {AUTH, "Native Source", "LDAP", FALSE},
    {AUTH, "PAM Service", "../passwd", FALSE},
    {AUTH, "Minimum TLS", "1.3", TRUE},
    {AUTH, "Minimum TLS", "1.1", FALSE},
    {AUTH, "Domain", "EXAMPLE", TRUE},
    {AUTH, "Domain", "EXAMPLE\\", FALSE},
    {AUTH, "Certificate", "/etc/ssl/mail.pem", TRUE},
    {AUTH, "Certificate", "mail.pem", FALSE},
    {AUTH, "Alternative Certificate", "mail.pem", FALSE},
    {AUTH "\\Certificates\\mail.example.org", "Certificate", "/etc/ssl/mail.pem", TRUE},
    {AUTH "\\Certificates\\*.example.org", "Certificate", "mail.pem", FALSE},
    {AUTH "\\Certificates\\*.example.org", "Private Key", "mail.key", FALSE},
    {AUTH "\\Certificates\\mail.example.org", "Alternative Certificate", "mail.pem", FALSE},
    {AUTH "\\Certificates\\mail.example.org", "Alternative Private Key", "mail.key", FALSE},
    {SERVICES "MailAuth", "ObjectName", "mailauth", TRUE},
    {SERVICES "MailAuth", "ObjectName", "1000", TRUE},
    {SERVICES "MailAuth", "ObjectName", "", FALSE},
    {BROKER, "Type", "sqlite", TRUE},
    {BROKER, "Type", "mysql", TRUE},
    {BROKER, "Type", "mssql", FALSE},
    {BROKER, "URI", "ldap://127.0.0.1:389 ldapi:///", TRUE},
    {BROKER, "URI", "http://127.0.0.1", FALSE},
    {BROKER, "User Filter", "(uid=%u)", TRUE},
    {BROKER, "User Filter", "(uid=joe)", FALSE},
    {BROKER, "User Attribute", "sAMAccountName", TRUE},
    {BROKER, "User Attribute", "uid cn", FALSE},
    {USER, "Password", "$y$j9T$salt$hash", TRUE},
};

static const struct {
  const char *text;
  gboolean taken;
} listens[] = {
    {"127.0.0.1:110", TRUE},
    {"0.0.0.0:65535", TRUE},
    {"255.255.255.255:0", TRUE},
    {"[::1]:110", TRUE},
    {"[::]:995", TRUE},
    {"[fe80::1%eth0]:110", FALSE},
    {"[::ffff:1.2.3.4]:1", TRUE},
    {"127.0.0.1", FALSE},
    {"127.0.0.1:65536", FALSE},
    {"256.0.0.1:110", FALSE},
    {"127.0.0.01:110", FALSE},
    {"localhost:110", FALSE},
    {"1.2.3:110", FALSE},
    {"1.2.3.4.5:110", FALSE},
    {"1.2.3.4.:110", FALSE},
    {"::1:110", FALSE},
    {"[::1]", FALSE},
    {"[1.2.3.4]:110", FALSE},
    {":110", FALSE},
    {"127.0.0.1:", FALSE},
    {"127.0.0.1:-1", FALSE},
    {" 127.0.0.1:110", FALSE},
};

static const struct {
  const char *path, *name;
  guint32 number;
  gboolean taken;
} numbers[] = {
    {REGD, "Maximum Value Size", 1048576, TRUE},
    {REGD, "Maximum Value Size", 3, FALSE},
    {REGD, "History Revisions", 1, TRUE},
    {REGD, "History Revisions", 0, FALSE},
    {REGD, "History Days", 0, TRUE},
    {REGD, "Watches Per User", 0, FALSE},
    {SYSTEM, "POP3 Protocol Logging Level", 5, TRUE},
    {SYSTEM, "IMAP4 Protocol Logging Level", 6, FALSE},
    {POP3, "Enabled", 2, FALSE},
    {POP3, "Login Timeout", 0, FALSE},
    {AUTH, "Auth Socket Mode", 0600, TRUE},
    {AUTH, "Auth Socket Mode", 01000, FALSE},
    {AUTH, "Failure Delay", 0, TRUE},
    {AUTH, "Lockout Threshold", 0, TRUE},
    {USER, "Disabled", 1, TRUE},
};

static void check(const SchemaSet *set, const char *path, const char *name,
                  const RegistryValue *value, gboolean taken) {
  g_autoptr(GError) error = NULL;
  g_assert_nonnull(schema_set_find_value(set, path, name, NULL));
  gboolean took = schema_set_check(set, path, name, value, &error);
  g_test_message("%s", took ? name : error->message);
  g_assert_cmpint(took, ==, taken);
}

static void test_shipped_strings(void) {
  g_autoptr(SchemaSet) set = load_shipped();
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    g_autoptr(RegistryValue) value = registry_value_new_string(REGISTRY_SZ, strings[i].text, NULL);
    check(set, strings[i].path, strings[i].name, value, strings[i].taken);
  }
}

static void test_shipped_listens(void) {
  g_autoptr(SchemaSet) set = load_shipped();
  for (gsize i = 0; i < G_N_ELEMENTS(listens); i++) {
    const char *const texts[] = {"127.0.0.1:1", listens[i].text, NULL};
    g_autoptr(RegistryValue) value = registry_value_new_strings(texts, NULL);
    check(set, POP3, "Listen", value, listens[i].taken);
    check(set, POP3, "Listen TLS", value, listens[i].taken);
    check(set, IMAP, "Listen", value, listens[i].taken);
    check(set, IMAP, "Listen TLS", value, listens[i].taken);
  }
}

static void test_shipped_numbers(void) {
  g_autoptr(SchemaSet) set = load_shipped();
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
    g_autoptr(RegistryValue) value =
        registry_value_new_uint32(REGISTRY_DWORD, numbers[i].number, NULL);
    check(set, numbers[i].path, numbers[i].name, value, numbers[i].taken);
  }
}

static void test_shipped_secrets(void) {
  static const char *const secrets[][2] = {
      {USER, "Password"},
      {USER, "SCRAM-SHA-256"},
      {USERS, "Decoy Key"},
      {BROKER, "Bind Password"},
      {BROKER, "Connection Password"},
      {POP3, "Backend Master Password"},
      {IMAP, "Backend Master Password"},
  };
  g_autoptr(SchemaSet) set = load_shipped();
  for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++)
    g_assert_true(schema_set_is_secret(set, secrets[i][0], secrets[i][1]));
  g_assert_false(schema_set_is_secret(set, USER, "Disabled"));
}

static void write_file(const char *directory, const char *name, const char *text) {
  g_autofree char *file = g_build_filename(directory, name, NULL);
  g_autoptr(GError) error = NULL;
  g_file_set_contents(file, text, -1, &error);
  g_assert_no_error(error);
}

static void remove_directory(const char *directory) {
  g_autoptr(GDir) open_directory = g_dir_open(directory, 0, NULL);
  for (const char *name; (name = g_dir_read_name(open_directory));) {
    g_autofree char *file = g_build_filename(directory, name, NULL);
    g_assert_cmpint(g_remove(file), ==, 0);
  }
  g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void test_directories(void) {
  g_autofree char *first = g_dir_make_tmp("schema-XXXXXX", NULL);
  g_autofree char *second = g_dir_make_tmp("schema-XXXXXX", NULL);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  const char *directories[] = {first, "/nonexistent/directory", second, NULL};
  write_file(first, "b.schema", "[key HKLM\\A]\nsummary = b\n");
  write_file(first, "a.schema", "[key HKLM\\A]\nsummary = a\n[key HKLM\\B]\nsummary = a\n");
  write_file(first, "bad.schema", "[key HKLM\\A]\nsummary = bad\nbad\n");
  write_file(first, "c.txt", "no schema\n");
  write_file(first, ".hidden.schema", "no schema\n");
  write_file(second, "a.schema", "[key HKLM\\B]\nsummary = second\n");
  g_autofree char *inside = g_build_filename(second, "folder.schema", NULL);
  g_assert_cmpint(g_mkdir(inside, 0700), ==, 0);
  g_autoptr(SchemaSet) set = schema_load(directories, problems);
  g_assert_cmpuint(problems->len, ==, 2);
  g_autofree char *expected = g_strdup_printf("%s/bad.schema: line 3: ", first);
  g_assert_true(g_str_has_prefix(g_ptr_array_index(problems, 0), expected));
  g_assert_nonnull(strstr(g_ptr_array_index(problems, 1), "folder.schema: "));
  g_assert_cmpstr(schema_set_find_key(set, "HKEY_LOCAL_MACHINE\\A")->summary, ==, "b");
  g_assert_cmpstr(schema_set_find_key(set, "HKEY_LOCAL_MACHINE\\B")->summary, ==, "second");
  remove_directory(first);
  remove_directory(second);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schema/files/strings", test_shipped_strings);
  g_test_add_func("/schema/files/listens", test_shipped_listens);
  g_test_add_func("/schema/files/numbers", test_shipped_numbers);
  g_test_add_func("/schema/files/secrets", test_shipped_secrets);
  g_test_add_func("/schema/files/directories", test_directories);
  return g_test_run();
}

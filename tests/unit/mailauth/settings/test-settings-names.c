/* SPDX-License-Identifier: MIT */
/* The settings that are read are those that the shipped schemas describe, and no others. */
#include "mailauth/settings/settings-names.h"
#include "schema/load.h"

#define SERVICES "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\"

static const struct {
  SettingsKey key;
  const char *subkey, *path;
} places[] = {
    {SETTINGS_STORE, "", SERVICES "MSExchangeIS\\ParametersSystem"},
    {SETTINGS_SERVICE, "", SERVICES "MailAuth"},
    {SETTINGS_SERVICE, "Parameters", SERVICES "MailAuth\\Parameters"},
    {SETTINGS_SERVICE, "Parameters\\Certificates\\mail.example.org",
     SERVICES "MailAuth\\Parameters\\Certificates\\mail.example.org"},
    {SETTINGS_BROKERS, "3", SERVICES "MBS\\Instances\\3"},
    {SETTINGS_POP3, "", SERVICES "MSExchangePOP3\\Parameters"},
    {SETTINGS_IMAP, "", SERVICES "MSExchangeIMAP4\\Parameters"},
};

static void test_described(void) {
  const char *directories[] = {g_getenv("REGD_SCHEMAS"), NULL};
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(SchemaSet) schemas = schema_load(directories, problems);
  for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autoptr(GPtrArray) names = settings_names_list(places[i].key, places[i].subkey);
    const SchemaKey *key = schema_set_find_key(schemas, places[i].path);
    g_assert_nonnull(key);
    for (guint j = 0; names->pdata[j] != NULL; j++)
      if (schema_set_find_value(schemas, places[i].path, names->pdata[j], NULL) == NULL)
        g_error("%s: %s is read, and no schema describes it", places[i].path,
                (const char *)names->pdata[j]);
    for (guint j = 0; j < key->values->len; j++) {
      const SchemaValue *value = key->values->pdata[j];
      if (!g_strv_contains((const char *const *)names->pdata, value->name))
        g_error("%s: %s is described, and not read", places[i].path, value->name);
    }
  }
}

static void test_elsewhere(void) {
  g_autoptr(GPtrArray) names = settings_names_list(SETTINGS_POP3, "Below");
  g_assert_cmpuint(names->len, ==, 1);
}

/* ---- what is stored beside them ---- */

static char **list_keys(SettingsKey key, const char *subkey, gpointer data) {
  (void)data;
  return key == SETTINGS_BROKERS && *subkey == '\0' ? g_strsplit("3;7", ";", -1) : NULL;
}

/* The first is a key's default value. */
static char **list_values(SettingsKey key, const char *subkey, gpointer data) {
  (void)data;
  const char *names = key == SETTINGS_POP3   ? ";listen;ListenTLS;Mail Directory"
                      : key == SETTINGS_IMAP ? "Mail Directory"
                      : key == SETTINGS_BROKERS && g_str_equal(subkey, "7") ? "URL;Zebra"
                                                                            : NULL;
  return names != NULL ? g_strsplit(names, ";", -1) : NULL;
}

static void take(SettingsKey key, const char *subkey, const char *name, const char *nearest,
                 gpointer data) {
  g_string_append_printf(data, "%d%s/%s>%s;", (int)key, subkey, name,
                         nearest != NULL ? nearest : "-");
}

static void test_unknown(void) {
  const SettingsSource source = {.list_keys = list_keys, .list_values = list_values};
  g_autoptr(GString) found = g_string_new(NULL);
  settings_names_check(&source, take, found);
  g_autofree char *expected = g_strdup_printf(
      "%d7/URL>URI;%d7/Zebra>-;%d/ListenTLS>Listen TLS;%d/Mail Directory>-;", (int)SETTINGS_BROKERS,
      (int)SETTINGS_BROKERS, (int)SETTINGS_POP3, (int)SETTINGS_IMAP);
  g_assert_cmpstr(found->str, ==, expected);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/setting-names/described", test_described);
  g_test_add_func("/setting-names/elsewhere", test_elsewhere);
  g_test_add_func("/setting-names/unknown", test_unknown);
  return g_test_run();
}

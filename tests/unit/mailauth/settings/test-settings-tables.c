/* SPDX-License-Identifier: MIT */
/* Defaults, ranges and choices: those that mailauthd goes by are those that the shipped
 * schemas describe. */
#include "mailauth/settings/settings-tables.h"
#include "schema/load.h"

#define SERVICES "HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\"
#define STORE SERVICES "MSExchangeIS\\ParametersSystem"
#define PARAMETERS SERVICES "MailAuth\\Parameters"
#define BROKER SERVICES "MBS\\Instances\\3"

static const char *const protocol_paths[N_PROTOCOLS] = {
    [PROTOCOL_POP3] = SERVICES "MSExchangePOP3\\Parameters",
    [PROTOCOL_IMAP] = SERVICES "MSExchangeIMAP4\\Parameters",
};

static SchemaSet *load(void) {
  const char *directories[] = {g_getenv("REGD_SCHEMAS"), NULL};
  SchemaSet *schemas = schema_load(directories, NULL);
  g_assert_nonnull(schema_set_find_key(schemas, PARAMETERS));
  return schemas;
}

/* "" if there is no default. */
static char *dup_default(const SchemaValue *described) {
  char *text = described->default_value != NULL
                   ? registry_value_dup_string(described->default_value)
                   : g_strdup("");
  g_assert_nonnull(text);
  return text;
}

static void check_number(const SettingRow *row, const SchemaValue *described) {
  guint32 number = 0;
  g_assert_cmpuint(described->has_minimum ? described->minimum : 0, ==, row->minimum);
  g_assert_cmpuint(described->has_maximum ? described->maximum : G_MAXUINT32, ==, row->maximum);
  if (described->default_value != NULL)
    g_assert_true(registry_value_get_uint32(described->default_value, &number));
  g_assert_cmpuint(number, ==, row->number);
}

/* An IMAP store is told to be a mistake when it is read; the schema has no such word. */
static gboolean is_described(const SettingRow *row, const Choice *choice) {
  return row != &setting_store_rows[PROTOCOL_IMAP] || choice->number != STORE_MAILDIR;
}

static void check_choice(const SettingRow *row, const SchemaValue *described) {
  guint count = 0;
  g_assert_nonnull(described->allowed);
  /* A single word needs no default. */
  g_autofree char *text = described->default_value == NULL && described->allowed[1] == NULL
                              ? g_strdup(described->allowed[0])
                              : dup_default(described);
  for (const Choice *choice = row->choices; choice->word != NULL; choice++) {
    gboolean is_allowed = g_strv_contains((const char *const *)described->allowed, choice->word);
    g_assert_cmpint(is_allowed, ==, is_described(row, choice));
    g_assert_cmpint(choice->number == row->number, ==, g_str_equal(choice->word, text));
    count += is_allowed ? 1 : 0;
  }
  g_assert_cmpuint(g_strv_length(described->allowed), ==, count);
}

static void check_text(const SettingRow *row, const SchemaValue *described) {
  g_autofree char *text = dup_default(described);
  g_assert_cmpstr(text, ==, row->text);
}

static void check_names(G_GNUC_UNUSED const SettingRow *row, const SchemaValue *described) {
  g_assert_null(described->default_value);
  g_assert_cmpuint(described->type, ==, REGISTRY_SZ);
}

/* What a list is by default each protocol has for itself. */
static void check_list(G_GNUC_UNUSED const SettingRow *row, const SchemaValue *described) {
  g_assert_cmpuint(described->type, ==, REGISTRY_MULTI_SZ);
}

static void check_row(const SchemaSet *schemas, const char *path, const SettingRow *row) {
  static void (*const checks[])(const SettingRow *row, const SchemaValue *described) = {
      [KIND_STRING] = check_text,   [KIND_STRINGS] = check_list, [KIND_NAMES] = check_names,
      [KIND_NUMBER] = check_number, [KIND_OCTAL] = check_number, [KIND_CHOICE] = check_choice,
  };
  const SchemaValue *described = schema_set_find_value(schemas, path, row->names[0], NULL);
  g_test_message("%s: %s", path, row->names[0]);
  g_assert_nonnull(described);
  g_assert_cmpstr(described->name, ==, row->names[0]);
  checks[row->kind](row, described);
}

static void check_table(const SchemaSet *schemas, SettingTable table, const char *path) {
  g_assert_cmpuint(setting_tables[table].n_rows, >, 0);
  for (gsize i = 0; i < setting_tables[table].n_rows; i++)
    check_row(schemas, path, &setting_tables[table].rows[i]);
}

static void test_tables(void) {
  static const struct {
    SettingTable table;
    const char *path;
  } places[] = {
      {TABLE_STORE, STORE},           {TABLE_SERVICE, SERVICES "MailAuth"},
      {TABLE_PARAMETERS, PARAMETERS}, {TABLE_SOCKETS, PARAMETERS},
      {TABLE_HOST, PARAMETERS},       {TABLE_HOST, PARAMETERS "\\Certificates\\mail.example.org"},
      {TABLE_BROKER, BROKER},         {TABLE_SQLITE, BROKER},
      {TABLE_LDAP, BROKER},
  };
  g_autoptr(SchemaSet) schemas = load();
  for (guint i = 0; i < G_N_ELEMENTS(places); i++)
    check_table(schemas, places[i].table, places[i].path);
}

static void test_protocols(void) {
  g_autoptr(SchemaSet) schemas = load();
  check_table(schemas, TABLE_MAILDIR, protocol_paths[PROTOCOL_POP3]);
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    check_table(schemas, TABLE_PROTOCOL, protocol_paths[i]);
    check_row(schemas, protocol_paths[i], &setting_store_rows[i]);
    check_row(schemas, protocol_paths[i], &setting_idle_rows[i]);
    check_row(schemas, STORE, &setting_logging_rows[i]);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/settings-tables/tables", test_tables);
  g_test_add_func("/settings-tables/protocols", test_protocols);
  return g_test_run();
}

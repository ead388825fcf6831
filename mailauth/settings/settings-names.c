/* SPDX-License-Identifier: MIT */
/* The names that settings have, key by key, and what is stored beside them. */
#include "mailauth/settings/settings-names.h"

#include <string.h>

#include "client/base/nearest.h"
#include "client/base/path.h"
#include "mailauth/base/limits.h"
#include "mailauth/settings/settings-tables.h"

#define EACH "*"

/* The tables of one key; EACH stands for the name of every sub-key. */
static const struct {
  const char *subkey;
  SettingsKey key;
  SettingTable tables[5];
  guint n_tables;
} places[] = {
    {"", SETTINGS_STORE, {TABLE_STORE}, 1},
    {"", SETTINGS_SERVICE, {TABLE_SERVICE}, 1},
    {"Parameters", SETTINGS_SERVICE, {TABLE_PARAMETERS, TABLE_SOCKETS, TABLE_HOST, TABLE_TRUST}, 4},
    {"Parameters\\Certificates\\" EACH, SETTINGS_SERVICE, {TABLE_HOST}, 1},
    {EACH, SETTINGS_BROKERS, {TABLE_BROKER, TABLE_SQLITE, TABLE_LDAP, TABLE_SQL, TABLE_SERVER}, 5},
    {"", SETTINGS_POP3, {TABLE_PROTOCOL, TABLE_TRUST, TABLE_MAILDIR}, 3},
    {"", SETTINGS_IMAP, {TABLE_PROTOCOL, TABLE_TRUST}, 2},
};

/* The settings of one protocol that no table has. */
static const struct {
  SettingsKey key;
  const SettingRow *row;
} single_rows[] = {
    {SETTINGS_POP3, &setting_store_rows[PROTOCOL_POP3]},
    {SETTINGS_IMAP, &setting_store_rows[PROTOCOL_IMAP]},
    {SETTINGS_POP3, &setting_idle_rows[PROTOCOL_POP3]},
    {SETTINGS_IMAP, &setting_idle_rows[PROTOCOL_IMAP]},
    {SETTINGS_STORE, &setting_logging_rows[PROTOCOL_POP3]},
    {SETTINGS_STORE, &setting_logging_rows[PROTOCOL_IMAP]},
};

typedef struct {
  const SettingsSource *source;
  UnknownName unknown;
  gpointer data;
  guint found;
} Search;

static void add_names(GPtrArray *names, const SettingRow *row) {
  for (guint i = 0; i < G_N_ELEMENTS(row->names) && row->names[i] != NULL; i++)
    g_ptr_array_add(names, (gpointer)(guintptr)row->names[i]);
}

static GPtrArray *list_names(guint place) {
  GPtrArray *names = g_ptr_array_new();
  for (guint i = 0; i < places[place].n_tables; i++) {
    const SettingRows *table = &setting_tables[places[place].tables[i]];
    for (gsize row = 0; row < table->n_rows; row++)
      add_names(names, &table->rows[row]);
  }
  for (guint i = 0; i < G_N_ELEMENTS(single_rows); i++)
    if (single_rows[i].key == places[place].key && *places[place].subkey == '\0')
      add_names(names, single_rows[i].row);
  g_ptr_array_add(names, NULL);
  return names;
}

/* The key itself, or every key that EACH stands for. */
static gboolean is_at(guint place, const char *subkey) {
  const char *pattern = places[place].subkey;
  gsize fixed = strcspn(pattern, EACH);
  if (pattern[fixed] == '\0')
    return path_compare_names(pattern, subkey) == 0;
  return g_ascii_strncasecmp(pattern, subkey, fixed) == 0 && subkey[fixed] != '\0' &&
         strchr(subkey + fixed, '\\') == NULL;
}

GPtrArray *settings_names_list(SettingsKey key, const char *subkey) {
  for (guint i = 0; i < G_N_ELEMENTS(places); i++)
    if (places[i].key == key && is_at(i, subkey))
      return list_names(i);
  GPtrArray *none = g_ptr_array_new();
  g_ptr_array_add(none, NULL);
  return none;
}

static gboolean is_known(const char *name, const char *const *names) {
  for (; *names != NULL; names++)
    if (path_compare_names(name, *names) == 0)
      return TRUE;
  return *name == '\0'; /* a key's default value is nobody's setting, and no slip either */
}

static void check_key(Search *search, guint place, const char *subkey) {
  SettingsKey key = places[place].key;
  g_auto(GStrv) values = search->source->list_values(key, subkey, search->source->data);
  if (values == NULL || *values == NULL)
    return;
  g_autoptr(GPtrArray) listed = list_names(place);
  const char *const *names = (const char *const *)listed->pdata;
  for (char **name = values; *name != NULL && search->found < MAX_UNKNOWN_NAMES; name++) {
    if (is_known(*name, names))
      continue;
    search->found++;
    search->unknown(key, subkey, *name, nearest_find(*name, names), search->data);
  }
}

static void check_each(Search *search, guint place) {
  const SettingsSource *source = search->source;
  const char *pattern = places[place].subkey;
  gsize fixed = strlen(pattern) - strlen(EACH);
  g_autofree char *above = g_strndup(pattern, fixed > 0 ? fixed - 1 : 0);
  g_auto(GStrv) keys = source->list_keys(places[place].key, above, source->data);
  for (char **key = keys; key != NULL && *key != NULL; key++) {
    g_autofree char *subkey = g_strdup_printf("%.*s%s", (int)fixed, pattern, *key);
    check_key(search, place, subkey);
  }
}

void settings_names_check(const SettingsSource *source, UnknownName unknown, gpointer data) {
  Search search = {source, unknown, data, 0};
  for (guint i = 0; i < G_N_ELEMENTS(places); i++)
    if (g_str_has_suffix(places[i].subkey, EACH))
      check_each(&search, i);
    else
      check_key(&search, i, places[i].subkey);
}

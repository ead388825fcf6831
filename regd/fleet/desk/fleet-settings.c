/* SPDX-License-Identifier: MIT */
/* See fleet-settings.h. */
#include "regd/fleet/desk/fleet-settings.h"

#include <stddef.h>
#include <string.h>

#include "client/base/path.h"
#include "regd/fleet/base/record.h"
#include "regd/fleet/local/mounts.h"
#include "regd/fleet/local/state.h"

#define FLEET_NAME_BYTES 63U

static const struct {
  const char *name;
  gsize offset;
  const char *fallback; /* NULL: none */
} texts[] = {
    {"Fleet", offsetof(FleetSettings, fleet), NULL},
    {"CA File", offsetof(FleetSettings, ca_file), NULL},
    {"Certificate", offsetof(FleetSettings, certificate), NULL},
    {"Private Key", offsetof(FleetSettings, private_key), NULL},
    {"User", offsetof(FleetSettings, user), NULL},
    {"Password", offsetof(FleetSettings, password), NULL},
    {"Host Name", offsetof(FleetSettings, host_name), NULL},
    {"Agent User", offsetof(FleetSettings, agent_user), "regd-fleet"},
};

static const struct {
  const char *name;
  gsize offset;
  guint32 fallback, minimum, maximum;
} numbers[] = {
    {"Enabled", offsetof(FleetSettings, enabled), 0, 0, 1},
    {"Read Only", offsetof(FleetSettings, read_only), 0, 0, 1},
    {"Stale After", offsetof(FleetSettings, stale_after), 30, 3, 3600},
    {"Request Timeout", offsetof(FleetSettings, request_timeout), 1000, 50, 60000},
    {"Commit Timeout", offsetof(FleetSettings, commit_timeout), 10000, 100, 600000},
    {"Report Interval", offsetof(FleetSettings, report_interval), 10, 0, 3600},
    {"Resync Spread", offsetof(FleetSettings, resync_spread), 60, 0, 86400},
    {"Transaction Operations", offsetof(FleetSettings, transaction_operations), 100, 4, 100000},
    {"Request Bytes", offsetof(FleetSettings, request_bytes), 1048576, 65536, 134217728},
};

static RegistryValue *try_value(Reader *reader, const char *name, GError **error) {
  g_autoptr(Identity) daemon = identity_new(0, TRUE, NULL, 0, 0, "regd");
  gboolean cached = FALSE;
  return reader_get_value(reader, daemon, FLEET_SETTINGS_KEY, name, &cached, error);
}

/* @reader NULL: there are no settings. */
static RegistryValue *read_value(Reader *reader, const char *name) {
  return reader != NULL ? try_value(reader, name, NULL) : NULL;
}

/* Most hosts are in no fleet, and do not look for each value. */
static gboolean has_settings(Reader *reader) {
  g_autoptr(GError) error = NULL;
  g_autoptr(RegistryValue) value = try_value(reader, "Enabled", &error);
  return !g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND);
}

static char *read_text(Reader *reader, const char *name) {
  g_autoptr(RegistryValue) value = read_value(reader, name);
  gboolean is_text = value != NULL && registry_value_get_form(value) == REGISTRY_FORM_STRING;
  g_autofree char *text = is_text ? registry_value_dup_string(value) : NULL;
  return text != NULL && *text != '\0' ? g_steal_pointer(&text) : NULL;
}

static GStrv read_texts(Reader *reader, const char *name) {
  g_autoptr(RegistryValue) value = read_value(reader, name);
  return value != NULL && registry_value_get_form(value) == REGISTRY_FORM_STRINGS
             ? registry_value_dup_strings(value)
             : NULL;
}

/* A fleet's name is a part of a key of the cluster. */
static gboolean is_fleet_name(const char *name) {
  gsize length = strlen(name);
  return length > 0 && length <= FLEET_NAME_BYTES &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static void read_mounts(Reader *reader, FleetSettings *settings) {
  static const char *const fallback[] = {"HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies", NULL};
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) given = read_texts(reader, "Mount");
  gboolean has = given != NULL && given[0] != NULL;
  settings->mounts = fleet_mounts_parse(has ? (const char *const *)given : fallback, &error);
  if (settings->mounts != NULL)
    return;
  settings->mounts = g_new0(char *, 1);
  settings->problem = g_strdup_printf("the setting Mount: %s", error->message);
}

static void check(FleetSettings *settings) {
  if (settings->problem != NULL)
    return;
  if ((settings->user == NULL) != (settings->password == NULL)) {
    settings->problem = g_strdup("the settings User and Password go together: one is missing");
    return;
  }
  if (settings->fleet == NULL || !is_fleet_name(settings->fleet))
    settings->problem = g_strdup("the setting Fleet is no name: 1 to 63 of a-z, 0-9 and -");
  else if (!fleet_word_check(settings->host_name, NULL))
    settings->problem =
        g_strdup_printf("the setting Host Name is no name: at most %u bytes of text, without "
                        "control characters",
                        FLEET_LIMIT_WORD_BYTES);
  else if (settings->endpoints[0] == NULL)
    settings->problem = g_strdup("the setting Endpoints names no member of the cluster");
}

FleetSettings *fleet_settings_load(Reader *reader) {
  FleetSettings *settings = g_new0(FleetSettings, 1);
  if (!has_settings(reader))
    reader = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
    g_autoptr(RegistryValue) value = read_value(reader, numbers[i].name);
    guint32 number = 0;
    gboolean good = value != NULL && registry_value_get_uint32(value, &number) &&
                    number >= numbers[i].minimum && number <= numbers[i].maximum;
    G_STRUCT_MEMBER(guint32, settings, numbers[i].offset) = good ? number : numbers[i].fallback;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    char *text = read_text(reader, texts[i].name);
    G_STRUCT_MEMBER(char *, settings, texts[i].offset) =
        text != NULL ? text : g_strdup(texts[i].fallback);
  }
  if (settings->host_name == NULL)
    settings->host_name = g_strdup(g_get_host_name());
  settings->endpoints = read_texts(reader, "Endpoints");
  if (settings->endpoints == NULL)
    settings->endpoints = g_new0(char *, 1);
  read_mounts(reader, settings);
  check(settings);
  return settings;
}

void fleet_settings_free(FleetSettings *settings) {
  if (settings == NULL)
    return;
  if (settings->password != NULL)
    explicit_bzero(settings->password, strlen(settings->password));
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(G_STRUCT_MEMBER(char *, settings, texts[i].offset));
  g_strfreev(settings->mounts);
  g_strfreev(settings->endpoints);
  g_free(settings->problem);
  g_free(settings);
}

gboolean fleet_settings_equal(const FleetSettings *a, const FleetSettings *b) {
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (G_STRUCT_MEMBER(guint32, a, numbers[i].offset) !=
        G_STRUCT_MEMBER(guint32, b, numbers[i].offset))
      return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    if (g_strcmp0(G_STRUCT_MEMBER(char *, a, texts[i].offset),
                  G_STRUCT_MEMBER(char *, b, texts[i].offset)) != 0)
      return FALSE;
  return g_strv_equal((const char *const *)a->mounts, (const char *const *)b->mounts) &&
         g_strv_equal((const char *const *)a->endpoints, (const char *const *)b->endpoints) &&
         g_strcmp0(a->problem, b->problem) == 0;
}

/* Wherever links lead to them, they are in a key of that name. */
gboolean fleet_settings_may_have_changed(const Effective *effective) {
  const char *last = NULL;
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    if (entry->reroutes)
      return TRUE;
    if (entry->key != last && path_compare_names(path_get_leaf(entry->key), "Fleet") == 0)
      return TRUE;
    last = entry->key;
  }
  return FALSE;
}

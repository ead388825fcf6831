/* SPDX-License-Identifier: MIT */
/* `Trusted Networks` and `Proxy Networks`: what stands, and whom it trusts. */
#include <string.h>

#include "mailauth/settings/settings-read.h"

typedef struct {
  const char *name;
  const char *set; /* items with blanks between; NULL: no value; "=": one of another type */
  const char *stands;
  const char *inside, *outside;
  gboolean is_wrong;
} Row;

static const Row rows[] = {
    {"Trusted Networks", NULL, "127.0.0.0/8 ::1", "127.9.9.9", "192.0.2.1", FALSE},
    {"Trusted Networks", "192.0.2.0/24", "192.0.2.0/24", "192.0.2.1", "127.0.0.1", FALSE},
    {"Trusted Networks", "", "", NULL, "127.0.0.1", FALSE},
    {"Trusted Networks", "10.0.0.0/33", "", NULL, "127.0.0.1", TRUE},
    {"Trusted Networks", "x 10.0.0.0/8", "10.0.0.0/8", "10.1.1.1", "127.0.0.1", TRUE},
    {"Trusted Networks", "=", "", NULL, "127.0.0.1", TRUE},
    {"Proxy Networks", NULL, "", NULL, "127.0.0.1", FALSE},
    {"Proxy Networks", "10.0.0.7 ::1", "10.0.0.7 ::1", "::1", "10.0.0.8", FALSE},
    {"Proxy Networks", "10.0.0.7/x", "", NULL, "10.0.0.7", TRUE},
    {"Proxy Networks", "=", "", NULL, "10.0.0.7", TRUE},
};

typedef struct {
  const Row *row;
  RegistryValue *value;
} World;

static RegistryViewState get_state(G_GNUC_UNUSED SettingsKey key, G_GNUC_UNUSED gpointer data) {
  return REGISTRY_VIEW_READY;
}

static const RegistryValue *get(SettingsKey key, G_GNUC_UNUSED const char *subkey, const char *name,
                                gpointer data) {
  const World *world = data;
  return key == SETTINGS_SERVICE && g_str_equal(name, world->row->name) ? world->value : NULL;
}

static gboolean has_key(G_GNUC_UNUSED SettingsKey key, G_GNUC_UNUSED const char *subkey,
                        G_GNUC_UNUSED gpointer data) {
  return FALSE;
}

static char **list(G_GNUC_UNUSED SettingsKey key, G_GNUC_UNUSED const char *subkey,
                   G_GNUC_UNUSED gpointer data) {
  return g_new0(char *, 1);
}

static RegistryValue *new_value(const char *set) {
  g_auto(GStrv) items = g_strsplit(set != NULL ? set : "", " ", -1);
  if (set == NULL)
    return NULL;
  return g_str_equal(set, "=") ? registry_value_new_uint32(REGISTRY_DWORD, 1, NULL)
                               : registry_value_new_strings((const char *const *)items, NULL);
}

static void test_row(gconstpointer data) {
  const Row *row = data;
  World world = {row, new_value(row->set)};
  const SettingsSource source = {get_state, get, has_key, list, list, &world};
  g_autoptr(Settings) settings = settings_new(&source);
  gboolean is_trust = g_str_equal(row->name, "Trusted Networks");
  char **stands = is_trust ? settings->trusted_networks : settings->proxy_networks;
  g_autofree char *text = g_strjoinv(" ", stands);
  g_autoptr(Networks) networks = networks_new();
  const char *wrong = NULL;
  g_auto(GStrv) again = networks_add_all(networks, stands, &wrong);
  const Networks *read = is_trust ? settings->trusted : networks;
  g_assert_cmpstr(text, ==, row->stands);
  g_assert_null(wrong);
  g_assert_true(row->inside == NULL || networks_have_text(read, row->inside));
  g_assert_false(networks_have_text(read, row->outside));
  g_assert_cmpuint(settings->problems->len, ==, row->is_wrong);
  if (row->is_wrong)
    g_assert_nonnull(strstr(((SettingProblem *)settings->problems->pdata[0])->text, row->name));
  g_clear_pointer(&world.value, registry_value_unref);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = g_strdup_printf("/trust/%s/%u", rows[i].name, i);
    g_test_add_data_func(path, &rows[i], test_row);
  }
  return g_test_run();
}

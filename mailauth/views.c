/* The live views: see views.h. */
#include "mailauth/views.h"

struct Views {
  RegistryConnection *connection;
  RegistryView *settings[N_SETTINGS_KEYS];
  RegistryView *accounts;
  ViewsChanged changed;
  gpointer data;
  Settings *snapshot;
  /* What the snapshot was made from. */
  guint64 revisions[N_SETTINGS_KEYS];
  RegistryViewState states[N_SETTINGS_KEYS];
};

typedef struct {
  ViewsSynced synced;
  gpointer data;
} Sync;

static void on_settings_changed(G_GNUC_UNUSED RegistryView *view, gpointer data) {
  Views *views = data;
  g_clear_pointer(&views->snapshot, settings_unref);
  views->changed(views->data);
}

static void on_accounts_changed(G_GNUC_UNUSED RegistryView *view, gpointer data) {
  const Views *views = data;
  views->changed(views->data);
}

Views *views_new(RegistryConnection *connection, ViewsChanged changed, gpointer data) {
  Views *views = g_new0(Views, 1);
  views->connection = connection;
  views->changed = changed;
  views->data = data;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    views->settings[i] = registry_view_new(connection, settings_get_path((SettingsKey)i),
                                           on_settings_changed, views);
  views->accounts = registry_view_new(connection, ACCOUNTS_PATH, on_accounts_changed, views);
  return views;
}

void views_free(Views *views) {
  if (views == NULL)
    return;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    registry_view_free(views->settings[i]);
  registry_view_free(views->accounts);
  settings_unref(views->snapshot);
  g_free(views);
}

static RegistryViewState get_state(SettingsKey key, gpointer data) {
  return registry_view_get_state(((const Views *)data)->settings[key]);
}

static const RegistryValue *get(SettingsKey key, const char *subkey, const char *name,
                                gpointer data) {
  return registry_view_get(((const Views *)data)->settings[key], subkey, name);
}

static gboolean has_key(SettingsKey key, const char *subkey, gpointer data) {
  return registry_view_has_key(((const Views *)data)->settings[key], subkey);
}

static gboolean is_fresh(const Views *views) {
  if (views->snapshot == NULL)
    return FALSE;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    if (views->revisions[i] != registry_view_get_revision(views->settings[i]) ||
        views->states[i] != registry_view_get_state(views->settings[i]))
      return FALSE;
  return TRUE;
}

Settings *views_get_settings(Views *views) {
  const SettingsSource source = {get_state, get, has_key, views};
  if (is_fresh(views))
    return settings_ref(views->snapshot);
  g_clear_pointer(&views->snapshot, settings_unref);
  for (guint i = 0; i < N_SETTINGS_KEYS; i++) {
    views->revisions[i] = registry_view_get_revision(views->settings[i]);
    views->states[i] = registry_view_get_state(views->settings[i]);
  }
  views->snapshot = settings_new(&source);
  return settings_ref(views->snapshot);
}

const RegistryView *views_get_accounts(const Views *views) {
  return views->accounts;
}

static void on_synced(G_GNUC_UNUSED RegistryConnection *connection, gboolean current,
                      gpointer data) {
  g_autofree Sync *sync = data;
  sync->synced(current, sync->data);
}

void views_sync(Views *views, ViewsSynced synced, gpointer data) {
  Sync *sync = g_new0(Sync, 1);
  *sync = (Sync){synced, data};
  registry_connection_sync(views->connection, on_synced, sync);
}

guint64 views_get_revision(const Views *views) {
  guint64 revision = registry_view_get_revision(views->accounts);
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    revision = MAX(revision, registry_view_get_revision(views->settings[i]));
  return revision;
}

gboolean views_are_live(const Views *views) {
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    if (!registry_view_is_live(views->settings[i]))
      return FALSE;
  return TRUE;
}

gboolean views_are_known(const Views *views) {
  if (registry_view_get_state(views->accounts) == REGISTRY_VIEW_WAITING)
    return FALSE;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    if (registry_view_get_state(views->settings[i]) == REGISTRY_VIEW_WAITING)
      return FALSE;
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* The live views: see live-settings.h. */
#include "mailauth/settings/live-settings.h"

#include <string.h>

#include "mailauth/settings/settings-read.h"

struct Views {
  RegistryConnection *connection;
  RegistryView *settings[N_SETTINGS_KEYS];
  RegistryView *accounts;
  ViewsChanged changed;
  AccountTouched touched; /* may be NULL */
  gpointer data;
  Settings *snapshot;
  /* What the snapshot was made from. */
  guint64 revisions[N_SETTINGS_KEYS];
  RegistryViewState states[N_SETTINGS_KEYS];
  GArray *waiting; /* of Sync: for the next round trip; NULL: nobody */
  GSource *next;   /* that begins it, while some wait */
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

static void on_accounts_touched(G_GNUC_UNUSED RegistryView *view, const char *subkey,
                                gpointer data) {
  const Views *views = data;
  g_autofree char *account = subkey != NULL ? g_strndup(subkey, strcspn(subkey, "\\")) : NULL;
  views->touched(account, views->data);
}

void views_set_account_touched(Views *views, AccountTouched touched) {
  views->touched = touched;
  registry_view_set_touched(views->accounts, on_accounts_touched);
}

static void stop_source(GSource **source) {
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_clear_pointer(source, g_source_unref);
}

void views_free(Views *views) {
  if (views == NULL)
    return;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    registry_view_free(views->settings[i]);
  registry_view_free(views->accounts);
  settings_unref(views->snapshot);
  stop_source(&views->next);
  g_clear_pointer(&views->waiting, g_array_unref);
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

static char **list_keys(SettingsKey key, const char *subkey, gpointer data) {
  return registry_view_list_keys(((const Views *)data)->settings[key], subkey);
}

static char **list_values(SettingsKey key, const char *subkey, gpointer data) {
  return registry_view_list_values(((const Views *)data)->settings[key], subkey);
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
  const SettingsSource source = {get_state, get, has_key, list_keys, list_values, views};
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

/* ---- the round trip ---- */

static void on_synced(G_GNUC_UNUSED RegistryConnection *connection, gboolean current,
                      gpointer data) {
  g_autoptr(GArray) batch = data;
  for (guint i = 0; i < batch->len; i++) {
    const Sync *sync = &g_array_index(batch, Sync, i);
    sync->synced(current, sync->data);
  }
}

static void begin_round_trip(Views *views) {
  stop_source(&views->next);
  registry_connection_sync(views->connection, on_synced, g_steal_pointer(&views->waiting));
}

static gboolean on_next(gpointer data) {
  begin_round_trip(data);
  return G_SOURCE_REMOVE;
}

static void begin_later(Views *views, guint delay) {
  gint64 time = g_get_monotonic_time() + (gint64)delay * 1000;
  if (views->next != NULL) {
    g_source_set_ready_time(views->next, MIN(time, g_source_get_ready_time(views->next)));
    return;
  }
  views->next = g_timeout_source_new(delay);
  g_source_set_callback(views->next, on_next, views, NULL);
  g_source_attach(views->next, NULL);
}

/* It may begin later than it was asked for, never before: what was answered
 * until then is in the view after it. */
void views_sync(Views *views, guint delay, ViewsSynced synced, gpointer data) {
  const Sync sync = {synced, data};
  if (views->waiting == NULL)
    views->waiting = g_array_new(FALSE, FALSE, sizeof(Sync));
  g_array_append_val(views->waiting, sync);
  if (delay == 0)
    begin_round_trip(views);
  else
    begin_later(views, delay);
}

void views_sync_now(Views *views) {
  if (views->next != NULL)
    begin_round_trip(views);
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

gboolean views_are_answering(const Views *views) {
  return registry_connection_is_answering(views->connection);
}

gboolean views_are_known(const Views *views) {
  if (registry_view_get_state(views->accounts) == REGISTRY_VIEW_WAITING)
    return FALSE;
  for (guint i = 0; i < N_SETTINGS_KEYS; i++)
    if (registry_view_get_state(views->settings[i]) == REGISTRY_VIEW_WAITING)
      return FALSE;
  return TRUE;
}

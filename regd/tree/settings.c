/* SPDX-License-Identifier: MIT */
/* See settings.h. */
#include "regd/tree/settings.h"

#include <stddef.h>

#include "client/base/protocol.h"
#include "regd/tree/place.h"

static const struct {
  const char *name;
  gsize offset;
  guint32 fallback;
  guint32 minimum, maximum;
} numbers[] = {
    {"Maximum Value Size", offsetof(LiveSettings, maximum_value_size), LIMIT_VALUE_SIZE_DEFAULT, 1,
     LIMIT_VALUE_SIZE_MAXIMUM},
    {"History Revisions", offsetof(LiveSettings, history_revisions),
     LIMIT_HISTORY_REVISIONS_DEFAULT, 1, G_MAXUINT32},
    {"History Days", offsetof(LiveSettings, history_days), 0, 0, G_MAXUINT32},
    {"History Bytes Per User", offsetof(LiveSettings, history_bytes_per_user),
     LIMIT_USER_HISTORY_BYTES_DEFAULT, LIMIT_USER_HISTORY_BYTES_LEAST, G_MAXUINT32},
    {"Watches Per User", offsetof(LiveSettings, watches_per_user), LIMIT_WATCHES_DEFAULT, 1,
     G_MAXUINT32},
    {"Calls Per User", offsetof(LiveSettings, calls_per_user), LIMIT_CALLS_DEFAULT, 1, G_MAXUINT32},
    {"Call Bytes Per User", offsetof(LiveSettings, call_bytes_per_user), LIMIT_CALL_BYTES_DEFAULT,
     1, G_MAXUINT32},
    {"Stored Bytes Per User", offsetof(LiveSettings, stored_bytes_per_user),
     LIMIT_STORED_BYTES_DEFAULT, 1, G_MAXUINT32},
    {"Locks Per User", offsetof(LiveSettings, locks_per_user), LIMIT_LOCKS_DEFAULT, 1, G_MAXUINT32},
    {"Steps Per Change", offsetof(LiveSettings, steps_per_change), LIMIT_CHANGE_STEPS_DEFAULT,
     LIMIT_CHANGE_STEPS_LEAST, LIMIT_CHANGE_STEPS_ADMINISTRATOR},
    {"Read Seconds", offsetof(LiveSettings, read_seconds), LIMIT_READ_SECONDS_DEFAULT, 1,
     LIMIT_READ_SECONDS_MAXIMUM},
    {"Reads Per User", offsetof(LiveSettings, reads_per_user), LIMIT_READS_PER_USER_DEFAULT, 1,
     LIMIT_READINGS},
};

static gboolean load_number(Store *store, gint64 key, gsize index, LiveSettings *settings,
                            GError **error) {
  guint32 number = numbers[index].fallback;
  g_autoptr(ValueRow) row = NULL;
  g_autofree char *fold = path_fold(numbers[index].name);
  if (key != 0 && !store_find_value(store, key, fold, &row, error))
    return FALSE;
  guint32 stored = 0;
  if (row != NULL && registry_value_get_uint32(row->value, &stored) &&
      stored >= numbers[index].minimum && stored <= numbers[index].maximum)
    number = stored;
  G_STRUCT_MEMBER(guint32, settings, numbers[index].offset) = number;
  return TRUE;
}

gboolean settings_load(Store *store, LiveSettings *settings, GError **error) {
  g_autoptr(Identity) daemon = identity_new(0, TRUE, NULL, 0, 0, "regd");
  GError *failure = NULL;
  g_autoptr(Place) place = resolve(store, daemon, SETTINGS_KEY, RESOLVE_FOLLOW, &failure);
  /* If links above the settings are broken, the defaults hold. */
  if (place == NULL && failure->code != REGISTRY_ERROR_LINK_LOOP) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  g_clear_error(&failure);
  gint64 key = place != NULL && place_exists(place) ? place->key->id : 0;
  settings->origin = key != 0 ? g_str_hash(place->path) : 0;
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
    if (!load_number(store, key, i, settings, error))
      return FALSE;
  return TRUE;
}

/* Links on the way to the settings may be changed, but the way does not leave
 * HKEY_LOCAL_MACHINE\\SYSTEM without a change in it. */
static gboolean may_change(const LiveSettings *settings, const EffectiveEntry *entry,
                           const EffectiveEntry *last) {
  if (last != NULL && last->key == entry->key && last->kind == entry->kind)
    return FALSE; /* it has been asked already */
  if (entry->kind == CHANGE_VALUE_SET || entry->kind == CHANGE_VALUE_DELETED)
    return g_str_hash(entry->key) == settings->origin;
  return path_is_at_or_below(entry->key, "HKEY_LOCAL_MACHINE\\SYSTEM");
}

gboolean settings_may_have_changed(const LiveSettings *settings, const Effective *effective) {
  const EffectiveEntry *last = NULL;
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = g_ptr_array_index(effective->entries, i);
    if (entry->reroutes || may_change(settings, entry, last))
      return TRUE;
    last = entry;
  }
  return FALSE;
}

/* SPDX-License-Identifier: MIT */
/* See mount-setting.h. */
#include "regd/fleet/local/mount-setting.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/fleet/local/mounts.h"
#include "regd/fleet/local/state.h"
#include "regd/tree/place.h"

#define NAME "Mount"

/* Told apart by its name first: a change may have a million differences. */
static gboolean is_setting(Edit *edit, const Difference *difference) {
  if (difference->kind != CHANGE_VALUE_SET || difference->new_value == NULL ||
      strlen(difference->name) != strlen(NAME) || path_compare_names(difference->name, NAME) != 0 ||
      path_compare_names(path_get_leaf(difference->path), path_get_leaf(FLEET_SETTINGS_KEY)) != 0)
    return FALSE;
  g_autoptr(Identity) daemon = identity_new(0, TRUE, NULL, 0, 0, "regd");
  g_autoptr(Place) place = resolve(edit->store, daemon, FLEET_SETTINGS_KEY, RESOLVE_FOLLOW, NULL);
  return place != NULL && place_exists(place) && place->key->id == difference->key;
}

/* An empty list is the default; another type is the schema's to refuse. */
static gboolean check(const RegistryValue *value, GError **error) {
  if (registry_value_get_form(value) != REGISTRY_FORM_STRINGS)
    return TRUE;
  g_auto(GStrv) given = registry_value_dup_strings(value);
  if (given == NULL || given[0] == NULL)
    return TRUE;
  g_autoptr(GError) problem = NULL;
  g_auto(GStrv) mounts = fleet_mounts_parse((const char *const *)given, &problem);
  return mounts != NULL || error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the setting %s: %s",
                                     NAME, problem->message);
}

gboolean mount_setting_check(Edit *edit, GError **error) {
  if (edit->undone != 0) /* a trial ends, whatever was there before it */
    return TRUE;
  for (guint i = 0; i < edit->differences->len; i++) {
    const Difference *difference = g_ptr_array_index(edit->differences, i);
    if (is_setting(edit, difference) && !check(difference->new_value, error))
      return FALSE;
  }
  return TRUE;
}

/* SPDX-License-Identifier: MIT */
/* See secrets.h. */
#include "regd/fleet/local/secrets.h"

#include "client/base/error.h"
#include "regd/fleet/seal/key-reader.h"
#include "regd/tree/place.h"
#include "regd/write/fleet-hook.h"

void fleet_secrets_clear(FleetSecrets *secrets) {
  g_clear_pointer(&secrets->keyring, fleet_keyring_free);
  g_clear_error(&secrets->problem);
}

/* The setting as it is in the tree that is being changed; "" if there is none. NULL: error. */
static char *read_setting(Store *store, GError **error) {
  g_autoptr(Identity) daemon = identity_new(0, TRUE, NULL, 0, 0, "regd");
  g_autofree char *fold = path_fold("Key File");
  g_autoptr(ValueRow) row = NULL;
  g_autoptr(Place) place = resolve(store, daemon, FLEET_SETTINGS_KEY, RESOLVE_FOLLOW, error);
  if (place == NULL ||
      (place_exists(place) && !store_find_value(store, place->key->id, fold, &row, error)))
    return NULL;
  if (row == NULL || registry_value_get_form(row->value) != REGISTRY_FORM_STRING)
    return g_strdup("");
  return registry_value_dup_string(row->value);
}

static FleetKeyring *load(const Edit *edit, GError **error) {
  g_autofree char *file = read_setting(edit->store, error);
  if (file == NULL)
    return NULL;
  if (*file != '\0')
    return fleet_key_reader_load(edit->fleet->key_reader, file, error);
  error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
            "it needs the setting Key File, which this host does not have");
  return NULL;
}

static const FleetKeyring *need(FleetSecrets *secrets, GError **error) {
  if (secrets->keyring == NULL && secrets->problem == NULL)
    secrets->keyring = load(secrets->edit, &secrets->problem);
  if (secrets->keyring == NULL && error != NULL)
    *error = g_error_copy(secrets->problem);
  return secrets->keyring;
}

static FleetSealPlace get_place(const FleetSecrets *secrets, const char *key) {
  return (FleetSealPlace){.uuid = secrets->state->uuid, .layer = FLEET_LAYER, .key = key};
}

GBytes *fleet_secrets_seal(FleetSecrets *secrets, const char *key, const RegistryValue *value,
                           GError **error) {
  const FleetKeyring *keyring = need(secrets, error);
  const FleetSealPlace place = get_place(secrets, key);
  return keyring != NULL ? fleet_seal(keyring, &place, value, error) : NULL;
}

RegistryValue *fleet_secrets_open(FleetSecrets *secrets, const char *key, const FleetValue *value,
                                  GError **error) {
  const FleetKeyring *keyring = need(secrets, error);
  const FleetSealPlace place = get_place(secrets, key);
  return keyring != NULL ? fleet_seal_open(keyring, &place, value->type, value->sealed, error)
                         : NULL;
}

/* SPDX-License-Identifier: MIT */
/* Secret values on their way to the fleet's records and back: sealed and opened with the keys of
 * the setting Key File, which is read when the first of them is met. */
#ifndef REGD_FLEET_LOCAL_SECRETS_H
#define REGD_FLEET_LOCAL_SECRETS_H

#include "regd/edit/edit.h"
#include "regd/fleet/base/record.h"
#include "regd/fleet/local/state.h"
#include "regd/fleet/seal/seal.h"

/* For one change. What it names is borrowed. */
typedef struct {
  Edit *edit;
  const FleetState *state;
  FleetKeyring *keyring; /* NULL: not read yet, or not to be had */
  GError *problem;       /* why it is not to be had */
} FleetSecrets;
void fleet_secrets_clear(FleetSecrets *secrets);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetSecrets, fleet_secrets_clear)

/* @key: of the record, below the layer. ACCESS_DENIED: there is no Key File, or it can't be used.
 */
GBytes *fleet_secrets_seal(FleetSecrets *secrets, const char *key, const RegistryValue *value,
                           GError **error);
/* Opens what @value holds sealed. The same, or INVALID_VALUE as by fleet_seal_open(). */
RegistryValue *fleet_secrets_open(FleetSecrets *secrets, const char *key, const FleetValue *value,
                                  GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Secret values as they stand in the cluster: AES-256-GCM. What is sealed is bound to the fleet, to
 * its key in the cluster and to its type: moved elsewhere, it can't be opened. Pure but for the
 * nonces, which are random. */
#ifndef REGD_FLEET_SEAL_SEAL_H
#define REGD_FLEET_SEAL_SEAL_H

#include "client/registry.h"
#include "regd/fleet/seal/keyring.h"

/* Where a value stands. Borrowed. */
typedef struct {
  GBytes *uuid;      /* of the fleet */
  const char *layer; /* of the fleet */
  const char *key;   /* below the layer */
} FleetSealPlace;

/* Seals with the first key. NULL: the system gives no random numbers. */
GBytes *fleet_seal(const FleetKeyring *keyring, const FleetSealPlace *place,
                   const RegistryValue *value, GError **error);
/* @sealed is a stranger's, of the type that its record names. INVALID_VALUE: no key of @keyring
 * has sealed it, or it was sealed for another place or type, or has been changed. */
RegistryValue *fleet_seal_open(const FleetKeyring *keyring, const FleetSealPlace *place,
                               guint32 type, GBytes *sealed, GError **error);

#endif

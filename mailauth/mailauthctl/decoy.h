/* SPDX-License-Identifier: MIT */
/* The `Decoy Key` of the accounts, by which names that no account has are given false
 * answers: without one in the registry they would change whenever mailauthd starts. */
#ifndef MAILAUTH_MAILAUTHCTL_DECOY_H
#define MAILAUTH_MAILAUTHCTL_DECOY_H

#include "mailauth/mailauthctl/ctl.h"

/* Adds a new key to @transaction if the accounts have none; *@made: whether it did. A caller
 * that may not read the key leaves it as it is. */
gboolean decoy_add(Ctl *ctl, RegistryTransaction *transaction, gboolean *made, GError **error);

#endif

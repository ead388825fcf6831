/* SPDX-License-Identifier: MIT */
/* Native accounts: the keys of HKLM\SAM\Domains\Account\Users, from a live view. */
#ifndef MAILAUTH_PACKAGE_SAM_H
#define MAILAUTH_PACKAGE_SAM_H

#include "client/threads/workers.h"
#include "mailauth/package/package.h"

/* An account's value, which mailauthctl keeps. */
#define SCRAM_KEYS_VALUE "SCRAM-SHA-256"

/* Borrows both, for as long as it lives. */
Package *sam_new(const RegistryView *accounts, Workers *prover);

/* Whether the accounts can be asked: OUTCOME_OK, or what comes of a login if they can't,
 * with *@detail (owned) saying why. */
Outcome sam_get_state(const RegistryView *accounts, char **detail);
/* The same, and whether anything that proves a password can be seen if there are
 * accounts: without a right of its own the server's user sees only their names. Goes
 * through the accounts. */
Outcome sam_examine(const RegistryView *accounts, char **detail);
/* Which accounts have a hash that no password can open (hash_is_accepted()), those that
 * are locked by `!` or `*` aside: a line that names MAX_LISTED_ACCOUNTS of them, owned;
 * NULL: none. Goes through the accounts. */
char *sam_find_unusable(const RegistryView *accounts);

#endif

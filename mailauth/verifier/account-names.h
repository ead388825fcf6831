/* SPDX-License-Identifier: MIT */
/* Values below the native accounts whose names no schema knows: probably mistyped. */
#ifndef MAILAUTH_VERIFIER_ACCOUNT_NAMES_H
#define MAILAUTH_VERIFIER_ACCOUNT_NAMES_H

#include "client/registry.h"

/* @subkey: below the accounts' key; "" for itself. @nearest: what was probably meant, or NULL. */
typedef void (*UnknownAccountName)(const char *subkey, const char *name, const char *nearest,
                                   gpointer data);

/* Calls @unknown for each, MAX_UNKNOWN_NAMES at most. */
void account_names_check(const RegistryView *accounts, UnknownAccountName unknown, gpointer data);

/* The kinds of keys, and the names that one of a kind may have; NULL-terminated, static. */
typedef enum {
  ACCOUNT_NAMES_ALL,
  ACCOUNT_NAMES_ONE,
  ACCOUNT_NAMES_APP,
  N_ACCOUNT_NAMES
} AccountNames;
const char *const *account_names_list(AccountNames kind);

#endif

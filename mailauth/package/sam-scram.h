/* SPDX-License-Identifier: MIT */
/* The native accounts as SCRAM-SHA-256 has them: the value of that name beside an
 * account's hash, and what a client is told of accounts that have none, or do not exist. */
#ifndef MAILAUTH_PACKAGE_SAM_SCRAM_H
#define MAILAUTH_PACKAGE_SAM_SCRAM_H

#include "client/registry.h"
#include "mailauth/base/outcome.h"
#include "mailauth/protocol/scram-keys.h"

typedef struct SamScram SamScram;

/* Borrows the view for as long as it lives. */
SamScram *sam_scram_new(const RegistryView *accounts);
void sam_scram_free(SamScram *scram);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SamScram, sam_scram_free)

/* An account has been written to; NULL: any may have been. */
void sam_scram_touch(SamScram *scram, const char *account);

/* Whether any account has keys, and false ones can be made for the others. */
gboolean sam_scram_is_there(SamScram *scram);

/* What an exchange goes by: the keys of @account (in lower case; NULL: a name
 * that none can have, then @name is what the client gave), or false ones. OK, or
 * what comes of the login whatever is proved, with *@detail (owned) for
 * administrators, or NULL. */
Outcome sam_scram_find(SamScram *scram, const char *account, const char *name, ScramKeys *keys,
                       char **detail);

#endif

/* SPDX-License-Identifier: MIT */
/* The embedded membership: a broker of type `sqlite`, its file as membership.h describes
 * it. Each login opens the file again, so that a change by `mailauthctl member`, or
 * another file in its place, counts at once. */
#ifndef MAILAUTH_PACKAGE_SQLITE_H
#define MAILAUTH_PACKAGE_SQLITE_H

#include "client/threads/workers.h"
#include "mailauth/package/package.h"

/* Borrows both: @lookups for what waits for a disk or a lock, @prover for hashes. */
Package *sqlite_new(const RegistryView *accounts, Workers *lookups, Workers *prover);

/* Why the file at @path can't be read, or which of its members have a hash that no password can
 * open (unusable_end()). Owned; NULL: nothing is wrong, or it is locked now. Goes through the
 * members. */
char *sqlite_find_problem(const char *path);

#endif

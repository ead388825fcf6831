/* SPDX-License-Identifier: MIT */
/* The embedded membership: a broker of type `sqlite`, its file as membership.h
 * describes it. The file is opened anew for each login, so that what
 * `mailauthctl member` changes, and another file in its place, count at once. */
#ifndef MAILAUTH_PACKAGE_SQLITE_H
#define MAILAUTH_PACKAGE_SQLITE_H

#include "client/threads/workers.h"
#include "mailauth/package/package.h"

/* Borrows both: @lookups for what waits for a disk or a lock, @prover for hashes. */
Package *sqlite_new(Workers *lookups, Workers *prover);

#endif

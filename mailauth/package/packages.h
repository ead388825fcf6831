/* SPDX-License-Identifier: MIT */
/* The packages that this server has, by the names that `Native Source` and a
 * broker's `Type` give them. */
#ifndef MAILAUTH_PACKAGE_PACKAGES_H
#define MAILAUTH_PACKAGE_PACKAGES_H

#include "client/registry.h"
#include "client/threads/workers.h"
#include "mailauth/connector/dialer.h"
#include "mailauth/package/package.h"
#include "mailauth/pam/pam-pool.h"

typedef struct Packages Packages;

/* All borrowed, and needed until packages_free(). */
Packages *packages_new(const RegistryView *accounts, Workers *lookups, Workers *prover,
                       PamPool *pam, Dialer *dialer);
/* What the packages have under way by themselves is waited for and not answered. */
void packages_free(Packages *packages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Packages, packages_free)

/* One more, which is freed with them. MAX_PACKAGES at most. */
#define MAX_PACKAGES 8U
void packages_add(Packages *packages, Package *package);

/* The settings of now, for all of them. */
void packages_take_settings(const Packages *packages, const Settings *settings);
/* What is known to be wrong with the one that @settings choose: owned, NULL for nothing. */
char *packages_dup_problem(const Packages *packages, const Settings *settings);
/* A native account has been written to; NULL: any may have been. */
void packages_touch(const Packages *packages, const char *account);
/* Borrowed; NULL if there is none of that name. */
Package *packages_find(const Packages *packages, const char *name);

#endif

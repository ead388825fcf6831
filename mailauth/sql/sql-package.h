/* SPDX-License-Identifier: MIT */
/* Logins by an SQL database: the row of the user is asked for, and the hash in it is proved here,
 * where all are. */
#ifndef MAILAUTH_SQL_SQL_PACKAGE_H
#define MAILAUTH_SQL_SQL_PACKAGE_H

#include "mailauth/package/packages.h"
#include "mailauth/query/sql-kind.h"
#include "mailauth/sql/sql-servants.h"

/* The package of one kind. @accounts: which keep the key of false answers. All borrowed, and needed
 * until it is freed. */
Package *sql_package_new(SqlKind kind, SqlServants *servants, const RegistryView *accounts,
                         Workers *prover);

/* One of each kind, for @packages. */
void sql_package_add_all(Packages *packages, SqlServants *servants, const RegistryView *accounts,
                         Workers *prover);

#endif

/* SPDX-License-Identifier: MIT */
/* The file of an embedded membership, as mailauthctl keeps it and the verifier
 * reads it: an SQLite 3 database with one table.
 *
 *   members   name      TEXT     the user, in lower case; the primary key
 *             password  TEXT     a hash (mailauth/hashes/hash.h)
 *             disabled  INTEGER  1 where the user may not log in, else 0
 *
 * `PRAGMA user_version` is MEMBERSHIP_VERSION. */
#ifndef MAILAUTH_PACKAGE_MEMBERSHIP_H
#define MAILAUTH_PACKAGE_MEMBERSHIP_H

#define MEMBERSHIP_VERSION 1
#define MEMBERSHIP_TABLE                                                                           \
  "CREATE TABLE IF NOT EXISTS members ("                                                           \
  "name TEXT NOT NULL PRIMARY KEY, "                                                               \
  "password TEXT NOT NULL, "                                                                       \
  "disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1))) WITHOUT ROWID, STRICT"

#endif

/* SPDX-License-Identifier: MIT */
/* What the sql role knows of a kind of database: how a connection is made, asked and closed. Each
 * kind has one, in a file of its own that alone sees the client library. */
#ifndef MAILAUTH_SQL_SQL_DRIVER_H
#define MAILAUTH_SQL_SQL_DRIVER_H

#include "mailauth/query/connection-words.h"
#include "mailauth/query/sql-query.h"
#include "mailauth/sql/sql-answer.h"

/* What is said if a database wants a password, and none is known. */
#define SQL_NEEDS_PASSWORD                                                                         \
  "no connection: it asks for a password, and `Connection Password` is not set, or may not be "    \
  "read ('mailauthctl repair' gives the right)"

/* What a process does all its life. */
typedef struct {
  const ConnectionWords *words;
  const char *password;    /* "" for none */
  const char *authorities; /* the file of the system's certificate authorities; NULL: none */
  const SqlQuery *query;
} SqlPlan;

typedef struct {
  /* Connects, by @deadline (of g_get_monotonic_time()) as far as the library can be kept to it:
   * what blocks longer is ended from outside. NULL: @answer says why. */
  gpointer (*open)(const SqlPlan *plan, gint64 deadline, SqlAnswer *answer);
  /* Asks with @values for the query's parameters, each NUL-terminated. FALSE: the connection is of
   * no more use; @answer is filled in all the same. */
  gboolean (*ask)(gpointer connection, const SqlPlan *plan, const char *const *values,
                  gint64 deadline, SqlAnswer *answer);
  void (*close)(gpointer connection);
} SqlDriver;

extern const SqlDriver sql_driver_postgresql;
extern const SqlDriver sql_driver_mysql;

#endif

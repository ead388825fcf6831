/* SPDX-License-Identifier: MIT */
/* A broker's `Query`: from text with %u, %n and %d to a statement with parameters, as a kind of
 * database writes them. What stands for them is bound later and never becomes part of the
 * text. It knows of SQL only where quotes and comments begin and end. Pure. */
#ifndef MAILAUTH_QUERY_SQL_QUERY_H
#define MAILAUTH_QUERY_SQL_QUERY_H

#include "mailauth/base/limits.h"
#include "mailauth/query/sql-kind.h"

typedef enum {
  SQL_PARAMETER_USER,   /* %u: the whole name */
  SQL_PARAMETER_NAME,   /* %n: before the last @; the whole name if it has none */
  SQL_PARAMETER_DOMAIN, /* %d: after it; empty if it has none */
  N_SQL_PARAMETERS
} SqlParameter;

typedef struct {
  char *text;                                  /* the statement */
  SqlParameter parameters[MAX_SQL_PARAMETERS]; /* in the order of their places */
  gsize places[MAX_SQL_PARAMETERS];            /* where they begin in the text, in bytes */
  guint n_parameters;
} SqlQuery;

/* INVALID_VALUE: it can't be used; the message says why and what would be right. */
SqlQuery *sql_query_new(const char *text, SqlKind kind, GError **error);
/* NULL is fine. */
void sql_query_free(SqlQuery *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SqlQuery, sql_query_free)

/* What is bound for @parameter when @user is asked about. Owned. */
char *sql_parameter_dup_value(SqlParameter parameter, const char *user);

/* Whether @values, one for each parameter, are all ASCII. What is not may be text that a database
 * has no characters for. */
gboolean sql_query_binds_ascii(const SqlQuery *query, const char *const *values);

#endif

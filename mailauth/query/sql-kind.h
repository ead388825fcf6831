/* SPDX-License-Identifier: MIT */
/* The kinds of SQL databases, by the `Type` of a broker. Pure. */
#ifndef MAILAUTH_QUERY_SQL_KIND_H
#define MAILAUTH_QUERY_SQL_KIND_H

#include <glib.h>

/* Their numbers are part of the messages between the roles. */
typedef enum { SQL_POSTGRESQL, SQL_MYSQL, N_SQL_KINDS } SqlKind;

/* "postgresql" or "mysql"; static. */
const char *sql_kind_get_name(SqlKind kind);
/* N_SQL_KINDS: @type is no SQL database's. */
SqlKind sql_kind_find(const char *type);
/* Where its servers listen unless they are set otherwise. */
guint16 sql_kind_get_port(SqlKind kind);

#endif

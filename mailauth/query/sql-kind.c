/* SPDX-License-Identifier: MIT */
/* See sql-kind.h. */
#include "mailauth/query/sql-kind.h"

static const struct {
  const char *name;
  guint16 port;
} facts[N_SQL_KINDS] = {
    [SQL_POSTGRESQL] = {"postgresql", 5432},
    [SQL_MYSQL] = {"mysql", 3306},
};

const char *sql_kind_get_name(SqlKind kind) {
  return facts[kind].name;
}

SqlKind sql_kind_find(const char *type) {
  guint kind = 0;
  while (kind < N_SQL_KINDS && !g_str_equal(facts[kind].name, type))
    kind++;
  return (SqlKind)kind;
}

guint16 sql_kind_get_port(SqlKind kind) {
  return facts[kind].port;
}

/* SPDX-License-Identifier: MIT */
/* In place of postgresql.c in a build without libpq. */
#include "mailauth/sql/sql-driver.h"

static gpointer open_connection(G_GNUC_UNUSED const SqlPlan *plan, G_GNUC_UNUSED gint64 deadline,
                                SqlAnswer *answer) {
  sql_answer_fail(answer, SQL_FAILED, "this server was built without PostgreSQL");
  return NULL;
}

const SqlDriver sql_driver_postgresql = {open_connection, NULL, NULL};

/* SPDX-License-Identifier: MIT */
/* In place of mysql.c in a build without libmariadb. */
#include "mailauth/sql/sql-driver.h"

static gpointer open_connection(G_GNUC_UNUSED const SqlPlan *plan, G_GNUC_UNUSED gint64 deadline,
                                SqlAnswer *answer) {
  sql_answer_fail(answer, SQL_FAILED, "this server was built without MySQL");
  return NULL;
}

const SqlDriver sql_driver_mysql = {open_connection, NULL, NULL};

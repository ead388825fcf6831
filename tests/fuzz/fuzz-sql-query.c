/* SPDX-License-Identifier: MIT */
/* A `Query` of any bytes (byte 0: the kind of database): what is taken names the user, has a sign
 * in its text for each parameter, and no more parameters than the limit. */
#include <string.h>

#include "mailauth/query/sql-query.h"
#include "tests/fuzz/fuzz.h"

/* The database's own sign for a parameter, which a text may have only in quotes. */
static guint count_signs(const char *text, SqlKind kind) {
  guint count = 0;
  for (const char *at = text; *at != '\0'; at++)
    count += kind == SQL_MYSQL ? *at == '?' : *at == '$' && g_ascii_isdigit(at[1]);
  return count;
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size) {
  if (size == 0)
    return 0;
  SqlKind kind = data[0] % N_SQL_KINDS;
  g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(SqlQuery) query = sql_query_new(text, kind, &error);
  g_assert_true((query == NULL) == (error != NULL));
  if (query == NULL)
    return 0;
  g_assert_cmpuint(query->n_parameters, >, 0);
  g_assert_cmpuint(query->n_parameters, <=, MAX_SQL_PARAMETERS);
  g_assert_cmpuint(count_signs(query->text, kind), >=, query->n_parameters);
  for (guint i = 0; i < query->n_parameters; i++) {
    g_autofree char *value = sql_parameter_dup_value(query->parameters[i], text);
    g_assert_cmpuint(strlen(value), <=, strlen(text));
  }
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* sql-query.c: a `Query` becomes a statement with parameters, or a problem that says why. */
#include "mailauth/query/sql-query.h"

#include <string.h>

typedef struct {
  const char *title;
  SqlKind kind;
  const char *text;
  const char *statement;  /* NULL: it is refused */
  const char *parameters; /* a letter each; if it is refused, a part of the message */
} Row;

#define P SQL_POSTGRESQL
#define M SQL_MYSQL

static const Row rows[] = {
    {"one", P, "SELECT password FROM u WHERE name = %u", "SELECT password FROM u WHERE name = $1",
     "u"},
    {"one", M, "SELECT password FROM u WHERE name = %u", "SELECT password FROM u WHERE name = ?",
     "u"},
    {"parts", P, "SELECT p FROM u WHERE n=%n AND d=%d OR n=%u",
     "SELECT p FROM u WHERE n=$1 AND d=$2 OR n=$3", "ndu"},
    {"parts", M, "SELECT p FROM u WHERE n=%n AND d=%d", "SELECT p FROM u WHERE n=? AND d=?", "nd"},
    {"each place is its own", P, "%u%u", "$1$2", "uu"},
    {"percent", P, "SELECT 5 %% 2, %u", "SELECT 5 % 2, $1", "u"},
    {"percent in quotes", P, "n LIKE 'a%%' AND n = %u", "n LIKE 'a%' AND n = $1", "u"},
    {"a name in quotes", P, "SELECT \"a%%b\" WHERE n=%u", "SELECT \"a%b\" WHERE n=$1", "u"},
    {"doubled quote", P, "'it''s' = %u", "'it''s' = $1", "u"},
    {"backslash ends nothing", P, "'\\' = %u", "'\\' = $1", "u"},
    {"escape string", P, "E'\\'' = %u", "E'\\'' = $1", "u"},
    {"doubled quote in one", P, "E'it''s \\' %% ' = %u", "E'it''s \\' % ' = $1", "u"},
    {"only quotes", P, " = %u", " = $1", "u"},
    {"a name that ends in e", P, "name'\\' = %u", "name'\\' = $1", "u"},
    {"backslash", M, "'\\'' = %u", "'\\'' = ?", "u"},
    {"backticks", M, "`a%%` = %u", "`a%` = ?", "u"},
    {"dollars", P, "$$ it's %% $$ = %u", "$$ it's % $$ = $1", "u"},
    {"dollars with a tag", P, "$a$ $b$ %% $a$ = %u", "$a$ $b$ % $a$ = $1", "u"},
    {"a dollar in a name", P, "a$b = %u", "a$b = $1", "u"},
    {"line comment", P, "%u -- 100% of '\n= 1", "$1  \n= 1", "u"},
    {"block comment", P, "%u /* ' % /* */ ' */ = 1", "$1   = 1", "u"},
    {"block comment", P, "%u /*! x */", "$1  ", "u"},
    {"block comment", M, "%u /* ' % /* */ = 1", "?   = 1", "u"},
    {"hash comment", M, "%u # it's\n= 1", "?  \n= 1", "u"},
    {"minus minus", M, "1--1 = %u", "1--1 = ?", "u"},
    {"a question mark", P, "a ? %u", "a ? $1", "u"},
    {"a dollar and a digit", M, "a$1 = %u", "a$1 = ?", "u"},
    {"semicolon", P, "SELECT %u ; -- end\n", "SELECT $1 ", "u"},
    {"UTF-8", P, "\xc3\xa5 = %u", "\xc3\xa5 = $1", "u"},
    {"nothing", P, "", NULL, "not set"},
    {"no user", P, "SELECT password FROM u", NULL, "neither %u nor %n"},
    {"only a domain", P, "SELECT %d", NULL, "neither %u nor %n"},
    {"only in a comment", P, "SELECT 1 -- %u", NULL, "neither %u nor %n"},
    {"quotes", P, "n = '%u'", NULL, "stands in quotes"},
    {"quotes", M, "n = \"%u\"", NULL, "stands in quotes"},
    {"pattern", P, "n LIKE '%'||%u", NULL, "stands in quotes"},
    {"dollar quotes", P, "n = $x$%u$x$", NULL, "stands in quotes"},
    {"unknown", P, "n = %s", NULL, "none of %u, %n and %d"},
    {"upper case", P, "n = %U", NULL, "none of %u, %n and %d"},
    {"at the end", P, "%u %", NULL, "none of %u, %n and %d"},
    {"modifier", P, "n = %Lu", NULL, "none of %u, %n and %d"},
    {"own parameter", P, "n = $1 AND %u", NULL, "takes for a parameter"},
    {"own parameter", M, "n = ? AND %u", NULL, "takes for a parameter"},
    {"two statements", P, "SELECT %u; DROP TABLE u", NULL, "more than one statement"},
    {"comment that is run", M, "n = %u /*! AND active */", NULL, "would run"},
    {"comment that MariaDB runs", M, "n = %u /*M!100100 AND active */", NULL, "would run"},
    {"quotes", P, "n = E'a''\\' %u'", NULL, "stands in quotes"},
    {"no end of doubled quotes", P, "%u 'abc''", NULL, "quote in it has no end"},
    {"no end of quotes", P, "%u 'abc", NULL, "quote in it has no end"},
    {"no end of a comment", P, "%u /* /* */", NULL, "comment in it has no end"},
    {"no end of dollars", P, "%u $a$ $b$", NULL, "quote in it has no end"},
};

static void test_rows(void) {
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const Row *row = &rows[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(SqlQuery) query = sql_query_new(row->text, row->kind, &error);
    g_test_message("%s: %s", row->title, row->text);
    if (row->statement == NULL) {
      g_assert_null(query);
      g_assert_nonnull(strstr(error->message, row->parameters));
      continue;
    }
    g_assert_no_error(error);
    g_assert_cmpstr(query->text, ==, row->statement);
    g_assert_cmpuint(query->n_parameters, ==, strlen(row->parameters));
    for (guint at = 0; at < query->n_parameters; at++)
      g_assert_cmpint("und"[query->parameters[at]], ==, row->parameters[at]);
  }
}

static void test_limits(void) {
  g_autoptr(GString) most = g_string_new(NULL);
  for (guint i = 0; i < MAX_SQL_PARAMETERS; i++)
    g_string_append(most, "%u ");
  g_autoptr(SqlQuery) query = sql_query_new(most->str, P, NULL);
  g_assert_cmpuint(query->n_parameters, ==, MAX_SQL_PARAMETERS);
  g_string_append(most, "%u");
  g_assert_null(sql_query_new(most->str, P, NULL));
  g_autofree char *spaces = g_strnfill(MAX_SQL_QUERY - 1, ' ');
  g_autofree char *fitting = g_strdup_printf("%.*s%%u", MAX_SQL_QUERY - 2, spaces);
  g_autoptr(SqlQuery) longest = sql_query_new(fitting, P, NULL);
  g_assert_nonnull(longest);
  g_autofree char *longer = g_strconcat(spaces, "%u", NULL);
  g_assert_null(sql_query_new(longer, P, NULL));
}

static void test_values(void) {
  static const struct {
    const char *user, *name, *domain;
  } users[] = {{"ann", "ann", ""},
               {"ann@example.org", "ann", "example.org"},
               {"a@b@example.org", "a@b", "example.org"},
               {"ann@", "ann", ""},
               {"%u'--", "%u'--", ""}};
  for (guint i = 0; i < G_N_ELEMENTS(users); i++) {
    g_autofree char *user = sql_parameter_dup_value(SQL_PARAMETER_USER, users[i].user);
    g_autofree char *name = sql_parameter_dup_value(SQL_PARAMETER_NAME, users[i].user);
    g_autofree char *domain = sql_parameter_dup_value(SQL_PARAMETER_DOMAIN, users[i].user);
    g_assert_cmpstr(user, ==, users[i].user);
    g_assert_cmpstr(name, ==, users[i].name);
    g_assert_cmpstr(domain, ==, users[i].domain);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sql-query/rows", test_rows);
  g_test_add_func("/sql-query/limits", test_limits);
  g_test_add_func("/sql-query/values", test_values);
  return g_test_run();
}

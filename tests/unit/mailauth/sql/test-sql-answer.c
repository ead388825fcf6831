/* SPDX-License-Identifier: MIT */
/* sql-answer.c: what the role makes of a database's answer, and what the verifier takes of it. */
#include "mailauth/sql/sql-answer.h"

#include <string.h>

#include "mailauth/base/limits.h"

/* ---- what comes of the columns ---- */

typedef struct {
  const char *columns; /* their names, with spaces in between */
  const char *problem; /* NULL: they can be used */
} ColumnsRow;

static const ColumnsRow columns_rows[] = {
    {"password", NULL},
    {"id PASSWORD x", NULL},
    {"password user mail_directory disabled", NULL},
    {"x x password", NULL},
    {"name disabled", "no column 'password'"},
    {"", "no column 'password'"},
    {"password Password", "two columns called 'password'"},
    {"password user user", "two columns called 'user'"},
};

static gboolean add_columns(SqlAnswer *answer, const char *columns) {
  g_auto(GStrv) names = g_strsplit(columns, " ", -1);
  for (guint i = 0; names[i] != NULL; i++)
    if (!sql_answer_add_column(answer, names[i], i))
      return FALSE;
  return sql_answer_end_columns(answer);
}

static void test_columns(void) {
  for (guint i = 0; i < G_N_ELEMENTS(columns_rows); i++) {
    g_auto(SqlAnswer) answer = {0};
    gboolean usable = add_columns(&answer, columns_rows[i].columns);
    g_assert_cmpint(usable, ==, columns_rows[i].problem == NULL);
    if (usable)
      continue;
    g_assert_cmpint(answer.status, ==, SQL_FAILED);
    g_assert_nonnull(strstr(answer.problem, columns_rows[i].problem));
  }
}

static void test_places(void) {
  g_auto(SqlAnswer) answer = {0};
  g_assert_true(add_columns(&answer, "id user x password"));
  g_assert_cmpint(sql_answer_find_column(&answer, 0), ==, N_SQL_COLUMNS);
  g_assert_cmpint(sql_answer_find_column(&answer, 1), ==, SQL_USER);
  g_assert_cmpint(sql_answer_find_column(&answer, 3), ==, SQL_PASSWORD);
  g_assert_cmpint(sql_answer_find_column(&answer, 4), ==, N_SQL_COLUMNS);
}

/* ---- values ---- */

static void test_values(void) {
  static const struct {
    SqlColumn column;
    gsize size;
    char filler;
    gboolean usable;
  } rows[] = {
      {SQL_PASSWORD, MAX_HASH, 'x', TRUE},
      {SQL_PASSWORD, MAX_HASH + 1, 'x', FALSE},
      {SQL_PASSWORD, 100000, ' ', TRUE},
      {SQL_PASSWORD, 2, '\0', FALSE},
      {SQL_PASSWORD, 2, '\xff', TRUE},
      {SQL_USER, MAX_USER, 'x', TRUE},
      {SQL_USER, MAX_USER + 1, 'x', FALSE},
      {SQL_USER, 2, '\xff', FALSE},
      {SQL_MAIL_DIRECTORY, MAX_SQL_VALUE, 'x', TRUE},
      {SQL_MAIL_DIRECTORY, 2, '\0', FALSE},
      {SQL_DISABLED, 1, '\0', TRUE},
      {SQL_DISABLED, MAX_SQL_FLAG + 1, '0', FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(SqlAnswer) answer = {0};
    g_autofree char *bytes = g_strnfill(rows[i].size, rows[i].filler);
    gboolean usable = sql_answer_set(&answer, rows[i].column, bytes, rows[i].size);
    g_assert_cmpint(usable, ==, rows[i].usable);
    g_assert_cmpint(answer.problem == NULL, ==, rows[i].usable);
  }
}

/* As it comes out at the other end. */
static void pass_on(const SqlAnswer *from, SqlAnswer *to) {
  guint64 number = 0;
  g_autoptr(GVariant) body = g_variant_ref_sink(sql_answer_pack(from, 7));
  g_assert_true(sql_answer_unpack(body, &number, to));
  g_assert_cmpuint(number, ==, 7);
}

static void test_row_is_passed_on(void) {
  g_auto(SqlAnswer) from = {0};
  g_auto(SqlAnswer) to = {0};
  g_assert_true(add_columns(&from, "password user mail_directory"));
  g_assert_true(sql_answer_set(&from, SQL_PASSWORD, "$5$x  ", 6));
  g_assert_true(sql_answer_set(&from, SQL_USER, NULL, 0));
  g_assert_true(sql_answer_set(&from, SQL_MAIL_DIRECTORY, "", 0));
  from.status = SQL_ROW;
  pass_on(&from, &to);
  g_assert_cmpint(to.status, ==, SQL_ROW);
  g_assert_cmpstr(sql_answer_get(&to, SQL_PASSWORD), ==, "$5$x");
  g_assert_null(sql_answer_get(&to, SQL_USER));
  g_assert_cmpstr(sql_answer_get(&to, SQL_MAIL_DIRECTORY), ==, "");
  g_assert_null(sql_answer_get(&to, SQL_DISABLED));
}

static void test_problem_is_passed_on(void) {
  g_auto(SqlAnswer) from = {0};
  g_auto(SqlAnswer) to = {0};
  g_assert_true(add_columns(&from, "password"));
  sql_answer_set(&from, SQL_PASSWORD, "secret", 6);
  sql_answer_fail(&from, SQL_UNREACHABLE, "no\n\tconnection: \x1b[2J%s\n", "\xff");
  pass_on(&from, &to);
  g_assert_cmpint(to.status, ==, SQL_UNREACHABLE);
  g_assert_null(sql_answer_get(&to, SQL_PASSWORD));
  g_assert_true(g_str_has_prefix(to.problem, "no  connection: \\x1b[2J"));
  g_autofree char *words = g_strnfill(10 * MAX_SQL_TEXT, 'w');
  sql_answer_fail(&from, SQL_FAILED, "%s", words);
  g_assert_cmpuint(strlen(from.problem), <=, MAX_SQL_TEXT);
}

/* ---- what no role may say ---- */

static const struct {
  const char *body;
  gboolean taken;
} bodies[] = {
    {"(1, 0, '', [(0, false, [0x24, 0x35])])", TRUE},
    {"(1, 0, '', [(0, true, [])])", TRUE},
    {"(1, 1, '', [])", TRUE},
    {"(1, 2, 'away', [])", TRUE},
    {"(1, 3, '', [])", TRUE},
    {"(1, 4, '', [])", FALSE},
    {"(1, 0, '', [])", FALSE},
    {"(1, 0, '', [(1, false, [0x24])])", FALSE},
    {"(1, 1, '', [(0, false, [0x24])])", FALSE},
    {"(1, 2, 'away', [(0, false, [0x24])])", FALSE},
    {"(1, 0, '', [(4, false, [0x24])])", FALSE},
    {"(1, 0, '', [(0, true, [0x24])])", FALSE},
    {"(1, 0, '', [(0, false, [0x24, 0])])", FALSE},
    {"(1, 0, '', [(0, false, [0x24]), (1, false, [0xff])])", FALSE},
    {"(1, 0, '', [(0, false, [0x24]), (0, false, [0x24])])", FALSE},
};

static void test_bodies(void) {
  for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
    g_auto(SqlAnswer) answer = {0};
    guint64 number = 0;
    g_autoptr(GVariant) body =
        g_variant_parse(G_VARIANT_TYPE("(tysa(ybay))"), bodies[i].body, NULL, NULL, NULL);
    g_assert_nonnull(body);
    g_assert_cmpint(sql_answer_unpack(body, &number, &answer), ==, bodies[i].taken);
  }
}

static void test_disabled(void) {
  static const struct {
    const char *text;
    gsize size;
    gboolean disabled;
  } rows[] = {{NULL, 0, FALSE},    {"", 0, FALSE},   {"0", 1, FALSE},          {"f", 1, FALSE},
              {"FALSE", 5, FALSE}, {"no", 2, FALSE}, {"N", 1, FALSE},          {"off", 3, FALSE},
              {"\0", 1, FALSE},    {"\1", 1, TRUE},  {"1", 1, TRUE},           {"t", 1, TRUE},
              {"Y", 1, TRUE},      {"-1", 2, TRUE},  {"2026-01-01", 10, TRUE}, {"00", 2, TRUE},
              {"\0\1", 2, TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_auto(SqlAnswer) answer = {0};
    answer.values[SQL_DISABLED].is_there = TRUE;
    g_assert_true(sql_answer_set(&answer, SQL_DISABLED, rows[i].text, rows[i].size));
    g_assert_cmpint(sql_answer_is_disabled(&answer), ==, rows[i].disabled);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sql-answer/columns", test_columns);
  g_test_add_func("/sql-answer/places", test_places);
  g_test_add_func("/sql-answer/values", test_values);
  g_test_add_func("/sql-answer/row", test_row_is_passed_on);
  g_test_add_func("/sql-answer/problem", test_problem_is_passed_on);
  g_test_add_func("/sql-answer/bodies", test_bodies);
  g_test_add_func("/sql-answer/disabled", test_disabled);
  return g_test_run();
}

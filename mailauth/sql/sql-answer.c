/* SPDX-License-Identifier: MIT */
/* See sql-answer.h. */
#include "mailauth/sql/sql-answer.h"

#include <string.h>

#include "client/base/escape.h"
#include "mailauth/base/limits.h"
#include "mailauth/ipc/messages.h"

static const struct {
  const char *name;
  gsize most; /* bytes */
} columns[N_SQL_COLUMNS] = {
    [SQL_PASSWORD] = {"password", MAX_HASH},
    [SQL_USER] = {"user", MAX_USER},
    [SQL_MAIL_DIRECTORY] = {"mail_directory", MAX_SQL_VALUE},
    [SQL_DISABLED] = {"disabled", MAX_SQL_FLAG},
};

void sql_answer_clear(SqlAnswer *answer) {
  g_free(answer->problem);
  for (guint i = 0; i < N_SQL_COLUMNS; i++)
    secret_clear(&answer->values[i].text);
  *answer = (SqlAnswer){0};
}

gboolean sql_answer_fail(SqlAnswer *answer, SqlStatus status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  sql_answer_clear(answer);
  answer->status = status;
  for (char *at = text; *at != '\0'; at++)
    if (g_ascii_isspace(*at))
      *at = ' ';
  answer->problem = escape_dup(g_strchomp(text), -1, MAX_SQL_TEXT);
  return FALSE;
}

/* ---- the role's side ---- */

gboolean sql_answer_add_column(SqlAnswer *answer, const char *name, guint place) {
  for (guint i = 0; name != NULL && i < N_SQL_COLUMNS; i++) {
    SqlValue *value = &answer->values[i];
    if (g_ascii_strcasecmp(columns[i].name, name) != 0)
      continue;
    if (value->is_there)
      return sql_answer_fail(answer, SQL_FAILED, "the answer has two columns called '%s'",
                             columns[i].name);
    value->is_there = TRUE;
    value->place = place;
  }
  return TRUE;
}

gboolean sql_answer_end_columns(SqlAnswer *answer) {
  return answer->values[SQL_PASSWORD].is_there ||
         sql_answer_fail(answer, SQL_FAILED,
                         "the answer has no column 'password' (`Query` names it by AS password)");
}

SqlColumn sql_answer_find_column(const SqlAnswer *answer, guint place) {
  guint column = 0;
  while (column < N_SQL_COLUMNS &&
         !(answer->values[column].is_there && answer->values[column].place == place))
    column++;
  return (SqlColumn)column;
}

static gboolean is_text(SqlColumn column, const char *bytes, gsize size) {
  if (column == SQL_DISABLED)
    return TRUE;
  return memchr(bytes, '\0', size) == NULL &&
         (column == SQL_PASSWORD || g_utf8_validate(bytes, (gssize)size, NULL));
}

gboolean sql_answer_set(SqlAnswer *answer, SqlColumn column, const void *bytes, gsize size) {
  SqlValue *value = &answer->values[column];
  const char *text = bytes;
  value->is_null = bytes == NULL;
  if (bytes == NULL)
    return TRUE;
  while (size > 0 && text[size - 1] == ' ')
    size--;
  if (size > columns[column].most)
    return sql_answer_fail(answer, SQL_FAILED, "its '%s' is longer than %" G_GSIZE_FORMAT " bytes",
                           columns[column].name, columns[column].most);
  if (!is_text(column, text, size))
    return sql_answer_fail(answer, SQL_FAILED, "its '%s' is not text", columns[column].name);
  secret_append(&value->text, text, size);
  return TRUE;
}

GVariant *sql_answer_pack(const SqlAnswer *answer, guint64 number) {
  GVariantBuilder values;
  g_variant_builder_init(&values, G_VARIANT_TYPE("a(ybay)"));
  for (guint i = 0; i < N_SQL_COLUMNS && answer->status == SQL_ROW; i++) {
    const SqlValue *value = &answer->values[i];
    if (value->is_there)
      g_variant_builder_add(&values, "(yb@ay)", (guint8)i, value->is_null,
                            message_secret_new(secret_get_text(&value->text), value->text.size));
  }
  return g_variant_new("(tysa(ybay))", number, (guint8)answer->status,
                       answer->problem != NULL ? answer->problem : "", &values);
}

/* ---- the verifier's side ---- */

static gboolean take_value(SqlAnswer *answer, GVariant *row) {
  guint8 column = 0;
  gboolean is_null = FALSE;
  gsize size = 0;
  g_autoptr(GVariant) text = NULL;
  g_variant_get(row, "(yb@ay)", &column, &is_null, &text);
  if (column >= N_SQL_COLUMNS || answer->values[column].is_there)
    return FALSE;
  const char *bytes = g_variant_get_fixed_array(text, &size, 1);
  answer->values[column].is_there = TRUE;
  if (is_null)
    return size == 0 && sql_answer_set(answer, (SqlColumn)column, NULL, 0);
  return sql_answer_set(answer, (SqlColumn)column, size > 0 ? bytes : "", size);
}

static gboolean take_values(SqlAnswer *answer, GVariant *values) {
  for (gsize i = 0; i < g_variant_n_children(values); i++) {
    g_autoptr(GVariant) row = g_variant_get_child_value(values, i);
    if (!take_value(answer, row))
      return FALSE;
  }
  return answer->values[SQL_PASSWORD].is_there == (answer->status == SQL_ROW);
}

gboolean sql_answer_unpack(GVariant *body, guint64 *number, SqlAnswer *answer) {
  guint8 status = 0;
  const char *problem = NULL;
  g_autoptr(GVariant) values = NULL;
  g_variant_get(body, "(ty&s@a(ybay))", number, &status, &problem, &values);
  if (status >= N_SQL_STATUSES)
    return FALSE;
  if (status != SQL_ROW && status != SQL_NO_ROW)
    sql_answer_fail(answer, (SqlStatus)status, "%s", problem);
  answer->status = (SqlStatus)status;
  return take_values(answer, values);
}

const char *sql_answer_get(const SqlAnswer *answer, SqlColumn column) {
  const SqlValue *value = &answer->values[column];
  return value->is_there && !value->is_null ? secret_get_text(&value->text) : NULL;
}

/* A bit of MySQL's is a byte, and not a digit. */
static gboolean is_zero(const Secret *text) {
  for (gsize i = 0; i < text->size; i++)
    if (text->bytes[i] != '\0')
      return FALSE;
  return TRUE;
}

gboolean sql_answer_is_disabled(const SqlAnswer *answer) {
  static const char *const no[] = {"0", "f", "false", "n", "no", "off"};
  const char *text = sql_answer_get(answer, SQL_DISABLED);
  if (text == NULL || is_zero(&answer->values[SQL_DISABLED].text))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(no); i++)
    if (g_ascii_strcasecmp(text, no[i]) == 0)
      return FALSE;
  return TRUE;
}

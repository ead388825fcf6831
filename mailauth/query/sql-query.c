/* SPDX-License-Identifier: MIT */
/* See sql-query.h. */
#include "mailauth/query/sql-query.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/name.h"

static const char parameter_letters[N_SQL_PARAMETERS] = {
    [SQL_PARAMETER_USER] = 'u', [SQL_PARAMETER_NAME] = 'n', [SQL_PARAMETER_DOMAIN] = 'd'};

/* What is not code: quoted, or a comment. */
typedef enum { SPAN_CODE, SPAN_QUOTED, SPAN_COMMENT } SpanKind;

typedef struct {
  SpanKind kind;
  gsize size; /* 0: it has no end */
} Span;

typedef struct {
  SqlKind kind;
  const char *begin;
  const char *at;
  GString *out;
  SqlQuery *query;
} Translation;

/* ---- quotes and comments ---- */

/* From the opening quote to behind the closing one. A doubled quote is part of the text. */
static gsize measure_quoted(const char *text, gboolean has_backslashes) {
  const char quote = *text;
  const char *at = text + 1;
  while (*at != '\0' && (*at != quote || at[1] == quote))
    at += *at == quote || (*at == '\\' && has_backslashes && at[1] != '\0') ? 2 : 1;
  return *at == quote ? (gsize)(at + 1 - text) : 0;
}

static gboolean is_of_name(char character) {
  return g_ascii_isalnum(character) || character == '_' || (guint8)character >= 0x80;
}

/* E'...' of PostgreSQL; its plain strings take a backslash as it is. */
static gboolean has_backslashes(const Translation *translation) {
  const char *at = translation->at;
  const char *begin = translation->begin;
  if (translation->kind == SQL_MYSQL)
    return *at != '`';
  return *at == '\'' && at > begin && (at[-1] == 'e' || at[-1] == 'E') &&
         (at - 1 == begin || !is_of_name(at[-2]));
}

/* $tag$...$tag$ of PostgreSQL. */
static Span measure_dollars(const char *text, const char *begin) {
  const char *end = text + 1;
  while (is_of_name(*end))
    end++;
  if (*end != '$' || g_ascii_isdigit(text[1]) || (text > begin && is_of_name(text[-1])))
    return (Span){SPAN_CODE, 1};
  g_autofree char *tag = g_strndup(text, (gsize)(end + 1 - text));
  const char *close = strstr(end + 1, tag);
  return (Span){SPAN_QUOTED, close != NULL ? (gsize)(close - text) + strlen(tag) : 0};
}

static gsize measure_line(const char *text) {
  return strcspn(text, "\r\n");
}

/* PostgreSQL's may stand inside each other. */
static gsize measure_block(const char *text, gboolean nests) {
  guint depth = 0;
  const char *at = text;
  while (*at != '\0') {
    gboolean opens = g_str_has_prefix(at, "/*") && (depth == 0 || nests);
    gboolean closes = !opens && g_str_has_prefix(at, "*/");
    if (opens)
      depth++;
    at += opens || closes ? 2 : 1;
    if (closes && --depth == 0)
      return (gsize)(at - text);
  }
  return 0;
}

static gboolean is_line_comment(const Translation *translation) {
  const char *at = translation->at;
  gboolean dashes = g_str_has_prefix(at, "--");
  if (translation->kind == SQL_POSTGRESQL)
    return dashes;
  return *at == '#' || (dashes && (at[2] == '\0' || g_ascii_isspace(at[2])));
}

/* A comment by its form, which MySQL or MariaDB runs: left out, its condition would be lost. */
static gboolean is_run(const Translation *translation) {
  return translation->kind == SQL_MYSQL &&
         (g_str_has_prefix(translation->at, "/*!") || g_str_has_prefix(translation->at, "/*M!"));
}

static Span measure(const Translation *translation) {
  const char *at = translation->at;
  gboolean is_postgresql = translation->kind == SQL_POSTGRESQL;
  if (*at == '\'' || *at == '"' || (*at == '`' && !is_postgresql))
    return (Span){SPAN_QUOTED, measure_quoted(at, has_backslashes(translation))};
  if (*at == '$' && is_postgresql)
    return measure_dollars(at, translation->begin);
  if (g_str_has_prefix(at, "/*"))
    return (Span){SPAN_COMMENT, measure_block(at, is_postgresql)};
  if (is_line_comment(translation))
    return (Span){SPAN_COMMENT, measure_line(at)};
  return (Span){SPAN_CODE, 1};
}

/* ---- what the text is made of ---- */

/* A parameter can't be there: %% is a percent, and any other is a slip. */
static gboolean take_quoted(Translation *translation, gsize size, GError **error) {
  const char *end = translation->at + size;
  for (const char *at = translation->at; at < end; at++) {
    if (*at == '%' && at[1] != '%')
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                       "a %% stands in quotes, where a parameter can't be: write %%u without "
                       "quotes, and %%%% for a percent");
    g_string_append_c(translation->out, *at);
    if (*at == '%')
      at++;
  }
  translation->at = end;
  return TRUE;
}

static gboolean add_parameter(Translation *translation, SqlParameter parameter, GError **error) {
  SqlQuery *query = translation->query;
  if (query->n_parameters == MAX_SQL_PARAMETERS)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it has more than %d parameters",
                     MAX_SQL_PARAMETERS);
  query->places[query->n_parameters] = translation->out->len;
  query->parameters[query->n_parameters++] = parameter;
  /* Each place has a number of its own: the database may give each its own type. */
  if (translation->kind == SQL_POSTGRESQL)
    g_string_append_printf(translation->out, "$%u", query->n_parameters);
  else
    g_string_append_c(translation->out, '?');
  translation->at += 2;
  return TRUE;
}

static gboolean take_percent(Translation *translation, GError **error) {
  const char letter = translation->at[1];
  for (guint i = 0; i < N_SQL_PARAMETERS; i++)
    if (parameter_letters[i] == letter)
      return add_parameter(translation, (SqlParameter)i, error);
  if (letter == '%') {
    g_string_append_c(translation->out, '%');
    translation->at += 2;
    return TRUE;
  }
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "it has a %% that is none of %%u, %%n and %%d (%%%% stands for a percent)");
}

/* Only space, comments and further semicolons may follow. */
static gboolean take_semicolon(Translation *translation, GError **error) {
  translation->at++;
  while (*translation->at != '\0') {
    const Span span = measure(translation);
    gboolean is_empty =
        span.kind == SPAN_COMMENT || g_ascii_isspace(*translation->at) || *translation->at == ';';
    if (!is_empty || span.size == 0)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is more than one statement");
    translation->at += span.size;
  }
  return TRUE;
}

/* What the database would take for a parameter. */
static gboolean is_parameter(const Translation *translation) {
  const char *at = translation->at;
  if (translation->kind == SQL_MYSQL)
    return *at == '?';
  return *at == '$' && g_ascii_isdigit(at[1]) && (at == translation->begin || !is_of_name(at[-1]));
}

static gboolean take_code(Translation *translation, GError **error) {
  if (*translation->at == '%')
    return take_percent(translation, error);
  if (*translation->at == ';')
    return take_semicolon(translation, error);
  if (is_parameter(translation))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "it has a '%c' that the database takes for a parameter: write %%u, %%n or %%d",
                     *translation->at);
  g_string_append_c(translation->out, *translation->at++);
  return TRUE;
}

static gboolean take_span(Translation *translation, GError **error) {
  const Span span = measure(translation);
  if (span.size == 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "a %s in it has no end",
                     span.kind == SPAN_QUOTED ? "quote" : "comment");
  if (span.kind == SPAN_CODE)
    return take_code(translation, error);
  if (span.kind == SPAN_QUOTED)
    return take_quoted(translation, span.size, error);
  if (is_run(translation))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "it has a comment that the database would run: write what is in it without "
                     "/*! and */");
  /* It counts as a space. */
  g_string_append_c(translation->out, ' ');
  translation->at += span.size;
  return TRUE;
}

static gboolean names_user(const SqlQuery *query) {
  for (guint i = 0; i < query->n_parameters; i++)
    if (query->parameters[i] != SQL_PARAMETER_DOMAIN)
      return TRUE;
  return FALSE;
}

static gboolean translate(Translation *translation, GError **error) {
  while (*translation->at != '\0')
    if (!take_span(translation, error))
      return FALSE;
  /* Everybody would have the same row. */
  return names_user(translation->query) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "it has neither %%u nor %%n, which stand for the user");
}

SqlQuery *sql_query_new(const char *text, SqlKind kind, GError **error) {
  g_autoptr(SqlQuery) query = g_new0(SqlQuery, 1);
  g_autoptr(GString) out = g_string_new(NULL);
  Translation translation = {kind, text, text, out, query};
  if (*text == '\0') {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is not set");
    return NULL;
  }
  if (strlen(text) > MAX_SQL_QUERY) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is longer than %d bytes", MAX_SQL_QUERY);
    return NULL;
  }
  if (!translate(&translation, error))
    return NULL;
  query->text = g_strdup(out->str);
  return g_steal_pointer(&query);
}

gboolean sql_query_binds_ascii(const SqlQuery *query, const char *const *values) {
  for (guint i = 0; i < query->n_parameters; i++)
    if (!g_str_is_ascii(values[i]))
      return FALSE;
  return TRUE;
}

void sql_query_free(SqlQuery *query) {
  if (query == NULL)
    return;
  g_free(query->text);
  g_free(query);
}

char *sql_parameter_dup_value(SqlParameter parameter, const char *user) {
  return name_dup_part(parameter_letters[parameter], user);
}

/* SPDX-License-Identifier: MIT */
/* What a database says of a user, as the two ends of the sql role's channel pass it on: both check
 * it, since neither trusts the other, nor the database. Pure. */
#ifndef MAILAUTH_SQL_SQL_ANSWER_H
#define MAILAUTH_SQL_SQL_ANSWER_H

#include "mailauth/base/secret.h"

typedef enum {
  SQL_ROW,         /* one row, which has a password */
  SQL_NO_ROW,      /* no such user */
  SQL_UNREACHABLE, /* the database can't be reached, now */
  SQL_FAILED,      /* what it answers can't be used */
  N_SQL_STATUSES
} SqlStatus;

typedef enum { SQL_PASSWORD, SQL_USER, SQL_MAIL_DIRECTORY, SQL_DISABLED, N_SQL_COLUMNS } SqlColumn;

/* A value of one column; all zero: the answer has no such column. */
typedef struct {
  gboolean is_there;
  guint place; /* among the answer's columns */
  gboolean is_null;
  Secret text; /* has no NUL inside, but for SQL_DISABLED */
} SqlValue;

/* All zero: nothing has been said yet. */
typedef struct {
  SqlStatus status;
  char *problem; /* one line for administrators; NULL for none */
  SqlValue values[N_SQL_COLUMNS];
} SqlAnswer;

void sql_answer_clear(SqlAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SqlAnswer, sql_answer_clear)

/* Nothing is known but that: what was before is cleared. The text, which may hold a database's
 * words, is made one line of at most MAX_SQL_TEXT bytes. Returns FALSE. */
gboolean sql_answer_fail(SqlAnswer *answer, SqlStatus status, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* ---- the role's side ---- */

/* The answer has a column called @name (NULL: it has none) at @place. FALSE: it fails. */
gboolean sql_answer_add_column(SqlAnswer *answer, const char *name, guint place);
/* After the last one; whether or not there is a row. FALSE: it fails, as there is no password. */
gboolean sql_answer_end_columns(SqlAnswer *answer);
/* The column whose value stands at @place; N_SQL_COLUMNS: one that nobody asked for. */
SqlColumn sql_answer_find_column(const SqlAnswer *answer, guint place);
/* @bytes NULL: it is NULL. Spaces at its end are padding. FALSE: it fails, as the value can't be
 * used. */
gboolean sql_answer_set(SqlAnswer *answer, SqlColumn column, const void *bytes, gsize size);

/* A body for MESSAGE_SQL_ANSWER, floating. */
GVariant *sql_answer_pack(const SqlAnswer *answer, guint64 number);

/* ---- the verifier's side ---- */

/* FALSE: it can't be an answer, whatever a database says. @answer: all zero. */
gboolean sql_answer_unpack(GVariant *body, guint64 *number, SqlAnswer *answer);

/* NULL: there is none, or it is NULL. Borrowed. */
const char *sql_answer_get(const SqlAnswer *answer, SqlColumn column);
/* Whether SQL_DISABLED says so: not if it isn't there or is NULL, nor by 0, f, false, n, no, off
 * or nothing. */
gboolean sql_answer_is_disabled(const SqlAnswer *answer);

#endif

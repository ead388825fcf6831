/* SPDX-License-Identifier: MIT */
/* The processes that speak to SQL databases (sql-role.h), for all brokers: each database, with its
 * query, has a pool of its own, which goes when the settings change. Only for the loop's
 * thread. */
#ifndef MAILAUTH_SQL_SQL_SERVANTS_H
#define MAILAUTH_SQL_SQL_SERVANTS_H

#include "mailauth/settings/settings.h"
#include "mailauth/sql/sql-answer.h"

typedef struct SqlServants SqlServants;
typedef struct SqlPool SqlPool;

/* Has a process started, which sql_servants_take() or sql_servants_take_refusal() answers, now or
 * later. FALSE: there will be none. */
typedef gboolean (*SqlWant)(guint64 request, gpointer data);
/* Has the process that was started for @request killed: it hangs. NULL: nobody can. */
typedef void (*SqlEnd)(guint64 request, gpointer data);

SqlServants *sql_servants_new(SqlWant want, SqlEnd end, gpointer data);
/* Ends the processes; no question is answered any more. NULL is fine. */
void sql_servants_free(SqlServants *servants);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SqlServants, sql_servants_free)

/* @descriptor: of the channel to the process; taken. */
void sql_servants_take(SqlServants *servants, guint64 request, int descriptor);
void sql_servants_take_refusal(SqlServants *servants, guint64 request, const char *problem);

/* Processes that there are, and logins that wait for one. */
guint sql_servants_count(const SqlServants *servants);
guint sql_servants_count_waiting(const SqlServants *servants);

/* The pool of the broker that @settings choose, which is an SQL database's; made if it isn't there,
 * and *@is_new then. One of the same broker by other settings is out of date: it ends with what it
 * was asked before. Borrowed until the loop runs again. */
SqlPool *sql_servants_find(SqlServants *servants, const Settings *settings, gboolean *is_new);

/* What is wrong with the database that @settings choose, as far as is known: of the last question
 * that was answered. Borrowed; NULL: nothing. */
const char *sql_servants_get_problem(const SqlServants *servants, const Settings *settings);

/* Called exactly once, never from inside. @answer: valid during the call; its problem, if there is
 * one, names the database. */
typedef void (*SqlAnswered)(SqlAnswer *answer, gpointer data);

/* Copies @user. @timeout: ms, of what the broker's `Timeout` leaves. */
void sql_pool_ask(SqlPool *pool, const char *user, guint32 timeout, SqlAnswered answered,
                  gpointer data);

#endif

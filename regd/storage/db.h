/* SPDX-License-Identifier: MIT */
/* The only place that knows SQLite: connections, prepared statements, and what its result
 * codes mean as errors of the registry. Knows nothing of keys and values. A Db belongs to one
 * thread at a time. */
#ifndef REGD_STORAGE_DB_H
#define REGD_STORAGE_DB_H

#include "client/registry.h"

typedef struct Db Db;

typedef enum {
  DB_READ,  /* an existing database, never written through this connection */
  DB_WRITE, /* made with mode 0600 if it is missing; one process only */
  DB_ALONE, /* an existing file that no other process uses, without files beside it */
  DB_CHECK, /* as DB_READ; pages that are not what was written are read all the same */
} DbMode;

/* STORAGE_FAILURE or STORAGE_FULL, naming @file and what is wrong. */
Db *db_open(const char *file, DbMode mode, GError **error);
void db_close(Db *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Db, db_close)

/* Takes the lock that DB_WRITE holds: a descriptor to be closed, or -1 with @error, which says
 * so if a running regd holds it. */
int db_take_lock(const char *file, GError **error);
/* FALSE with *@error set cancels the work. */
typedef gboolean (*DbProgress)(gpointer data, GError **error);
/* Copies one consistent state, without deleted data, into @file, which is missing or empty.
 * @progress (may be NULL) is called now and then. */
gboolean db_copy_into(Db *db, const char *file, DbProgress progress, gpointer data, GError **error);
/* SQLite's own checks, for which it reads all that is not deleted; what they find is added to
 * @problems (of char *). @quick: not whether indexes and tables agree. FALSE: they could not be
 * made. */
gboolean db_check(Db *db, gboolean quick, GPtrArray *problems, GError **error);

/* Of a DB_CHECK: the pages met so far that are not what was written, one text for each (of char *,
 * at most DB_MOST_PAGES); borrowed. */
#define DB_MOST_PAGES 20
const GPtrArray *db_get_wrong_pages(const Db *db);
/* Whether each page has a checksum: FALSE of a database of an early step. */
gboolean db_has_checksums(Db *db);

/* Keeps beside the database that @revision has been committed, so that a database that has lost it
 * is noticed. Call after the commit, before it is acknowledged. */
void db_note_revision(Db *db, guint64 revision);
/* The newest that was kept; 0: none is known. */
#define DB_WITNESS_ENDING "-witness"
guint64 db_get_noted_revision(Db *db);

/* Counts up @counter, atomically, with the work of every statement of this connection
 * from now on: one for each 20,000 steps of SQLite's machine. */
void db_count_work(Db *db, gint *counter);
/* Counts from now on what this connection does, in steps: one for each row that is read or
 * written, and one for each LIMIT_STEP_BYTES of data. @go_on is asked every few steps, also
 * within a long statement; if it says no, the statement fails with its error, as does every one
 * after it until db_end_work(). */
void db_begin_work(Db *db, DbProgress go_on, gpointer data);
/* Nothing is asked any more, so that the change can be rolled back. */
void db_end_work(Db *db);
/* Steps since db_begin_work(). */
guint64 db_get_work(const Db *db);
/* Takes back what was counted since db_get_work() gave @work. */
void db_set_work(Db *db, guint64 work);
/* Counts @bytes of data. */
void db_add_work(Db *db, gsize bytes);
/* Counts work that no statement does. FALSE with @error: it is to end. */
gboolean db_spend(Db *db, guint64 steps, GError **error);
/* Asks within long statements too, on a connection without db_count_work(). */
void db_ask_often(Db *db);
/* Frees the memory of cached pages. */
void db_give_memory_back(Db *db);
/* Of a DB_WRITE: takes the write-ahead log into the database, where it has become
 * long. SQLite would do it at the end of a commit, whose maker would wait for it. */
void db_shorten_log(Db *db);
/* Runs statements that return no rows. */
gboolean db_execute(Db *db, const char *sql, GError **error);

/* A number that changes when another connection has committed. Begins what a
 * transaction that is open reads. */
gboolean db_get_version(Db *db, gint64 *version, GError **error);
/* From here on the connection writes nothing but its temporary tables. */
void db_guard_file(Db *db);
/* Rolls back what is open; nobody is asked. */
void db_roll_back(Db *db);
/* Whether a transaction is open: a failed write may have ended it (a full disk). */
gboolean db_in_transaction(Db *db);
/* Says that the database is damaged, how, and what restores it. Returns FALSE. The error's code is
 * STORAGE_FAILURE; its domain is DB_DAMAGE, so that those who know the key can name it. */
gboolean db_fail_damaged(Db *db, const char *what, GError **error);
#define DB_DAMAGE (g_quark_from_static_string("regd-damage"))
/* @error may be NULL. */
gboolean db_error_is_damage(const GError *error);
/* Whether damage has been met on this connection. */
gboolean db_is_damaged(const Db *db);

/* A prepared statement, kept with the connection and made ready again when the
 * pointer leaves its scope. @sql must be a string literal: it is known again by
 * its address. One statement can't be used while it is in use. NULL on failure. */
typedef struct sqlite3_stmt DbStatement;
DbStatement *db_prepare(Db *db, const char *sql, GError **error);
void db_statement_reset(DbStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DbStatement, db_statement_reset)

/* Parameters count from 1. Text and data must live until the statement is made
 * ready again. A NULL pointer binds NULL. A failure shows at the next step. */
void db_bind_int(DbStatement *statement, int parameter, gint64 number);
void db_bind_text(DbStatement *statement, int parameter, const char *text);
void db_bind_data(DbStatement *statement, int parameter, const void *data, gsize size);
void db_bind_null(DbStatement *statement, int parameter);

typedef enum { DB_ROW, DB_DONE, DB_FAILED } DbStep;
DbStep db_step(Db *db, DbStatement *statement, GError **error);
/* Steps a statement that returns no row, and makes it ready again. */
gboolean db_run(Db *db, DbStatement *statement, GError **error);

/* The id of the row that was inserted last into a table of rows with ids. */
gint64 db_get_inserted(Db *db);
/* Rows that the statement before has inserted, changed or deleted. */
gint64 db_count_changes(Db *db);

/* Columns count from 0. Borrowed until the next step. */
gint64 db_column_int(DbStatement *statement, int column);
const char *db_column_text(DbStatement *statement, int column);
const void *db_column_data(DbStatement *statement, int column, gsize *size);
gboolean db_column_is_null(DbStatement *statement, int column);

#endif

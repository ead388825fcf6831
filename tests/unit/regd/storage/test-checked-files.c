/* SPDX-License-Identifier: MIT */
/* What a crash leaves of a commit: the files are copied while the database is open, and the copy is
 * opened by SQLite only. */
#include <glib/gstdio.h>

#include "regd/storage/checked-files.h"

#define VALUES 8

static void run(sqlite3 *database, const char *sql) {
  g_assert_cmpint(sqlite3_exec(database, sql, NULL, NULL, NULL), ==, SQLITE_OK);
}

static sqlite3 *open_database(const char *file, const char *vfs) {
  sqlite3 *database = NULL;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  g_assert_cmpint(sqlite3_open_v2(file, &database, flags, vfs), ==, SQLITE_OK);
  return database;
}

/* A value takes a page of its own. */
static void set_value(sqlite3 *database, guint value, char letter) {
  g_autofree char *data = g_strnfill(3000, letter);
  g_autofree char *sql = g_strdup_printf("REPLACE INTO t VALUES(%u, '%s')", value, data);
  run(database, sql);
}

static void copy(const char *file, const char *to) {
  g_autofree char *bytes = NULL;
  gsize size = 0;
  g_assert_true(g_file_get_contents(file, &bytes, &size, NULL));
  g_assert_true(g_file_set_contents(to, bytes, (gssize)size, NULL));
}

static void remove_with_log(const char *file) {
  static const char *const endings[] = {"", "-wal", "-shm"};
  for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
    g_autofree char *name = g_strconcat(file, endings[i], NULL);
    (void)g_unlink(name);
  }
}

/* That the copy has @letters, the values' first ones. */
static void check_crash(const char *file, const char *letters) {
  g_autofree char *log = g_strconcat(file, "-wal", NULL);
  g_autofree char *crashed = g_strconcat(file, "-crashed", NULL);
  g_autofree char *crashed_log = g_strconcat(crashed, "-wal", NULL);
  sqlite3_stmt *statement = NULL;
  copy(file, crashed);
  copy(log, crashed_log);
  sqlite3 *database = open_database(crashed, NULL);
  g_assert_cmpint(sqlite3_prepare_v2(database, "SELECT group_concat(substr(b, 1, 1), '') FROM t",
                                     -1, &statement, NULL),
                  ==, SQLITE_OK);
  g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
  g_assert_cmpstr((const char *)sqlite3_column_text(statement, 0), ==, letters);
  sqlite3_finalize(statement);
  sqlite3_close(database);
  remove_with_log(crashed);
}

/* A change larger than SQLite's cache: a page is in the log, and is changed again. */
static void test_page_written_twice(void) {
  g_autofree char *directory = g_dir_make_tmp("checked-files-XXXXXX", NULL);
  g_autofree char *file = g_build_filename(directory, "db", NULL);
  sqlite3 *database = open_database(file, checked_files_get_vfs());
  char letters[VALUES + 1] = "aaaaaaaa";
  checked_files_begin(database);
  run(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                "CREATE TABLE t(i INTEGER PRIMARY KEY, b TEXT)");
  for (guint i = 0; i < VALUES; i++)
    set_value(database, i, 'a');
  for (guint i = 0; i + 1 < VALUES; i++) {
    run(database, "BEGIN");
    set_value(database, i, 'b');
    g_assert_cmpint(sqlite3_db_cacheflush(database), ==, SQLITE_OK);
    set_value(database, i, 'c');
    set_value(database, i + 1, 'd');
    run(database, "COMMIT");
    letters[i] = 'c';
    letters[i + 1] = 'd';
    check_crash(file, letters);
  }
  sqlite3_close(database);
  remove_with_log(file);
  g_assert_cmpint(g_rmdir(directory), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/checked-files/page-written-twice", test_page_written_twice);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT */
/* See db.h. */
#include "regd/storage/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/storage/checked-files.h"

/* Pages in the write-ahead log from which on it is taken in. */
#define LONG_LOG_PAGES 1000
/* Of SQLite's machine, between two looks whether to go on. */
#define PROGRESS_STEPS 20000
/* What so many steps of the machine count for in work. */
#define PROGRESS_WORK 64U
/* How much more often db_ask_often() asks. */
#define OFTEN 16
/* Work between two questions whether to go on. */
#define ASK_EVERY 64U

struct Db {
  sqlite3 *handle;
  char *file;
  int lock;               /* held by the one process that writes; -1: none */
  GHashTable *statements; /* SQL literal's address -> sqlite3_stmt */
  gboolean damaged;
  GPtrArray *wrong_pages; /* of a DB_CHECK; of char * */
  int log_pages;          /* in the write-ahead log, after the last commit */

  gint *counter;    /* of db_count_work(); NULL: nobody counts */
  DbProgress go_on; /* of db_begin_work(); NULL: nothing is asked */
  gpointer go_on_data;
  guint progress_work; /* of so many steps of the machine as are between two looks */
  guint64 work;        /* since db_begin_work() */
  guint64 ask_at;      /* the work at which @go_on is asked next */
  GError *refusal;     /* why @go_on ended the statement that ran */
};

/* What a result code means to those above. Extended codes are looked up first. */
static const struct {
  int code;
  RegistryError error;
  const char *meaning;
} result_meanings[] = {
    {SQLITE_FULL, REGISTRY_ERROR_STORAGE_FULL, "the disk is full"},
    {SQLITE_READONLY, REGISTRY_ERROR_STORAGE_FAILURE, "the database can't be written"},
    {SQLITE_CANTOPEN, REGISTRY_ERROR_STORAGE_FAILURE, "the database can't be opened"},
    {SQLITE_IOERR, REGISTRY_ERROR_STORAGE_FAILURE, "the disk failed"},
    {SQLITE_BUSY, REGISTRY_ERROR_STORAGE_FAILURE, "another process holds the database"},
    {SQLITE_TOOBIG, REGISTRY_ERROR_LIMIT_EXCEEDED, "too large for the database"},
};

gboolean db_fail_damaged(Db *db, const char *what, GError **error) {
  db->damaged = TRUE;
  error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
            "%s: the database is damaged (%s): stop regd, and regd --database=%s "
            "--restore=BACKUP puts a backup back",
            db->file, what, db->file);
  if (error != NULL)
    (*error)->domain = DB_DAMAGE;
  return FALSE;
}

gboolean db_error_is_damage(const GError *error) {
  return error != NULL && error->domain == DB_DAMAGE;
}

static gboolean fail(Db *db, int code, GError **error) {
  int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    return db_fail_damaged(db, sqlite3_errstr(code), error);
  if (code == SQLITE_IOERR_DATA) {
    g_autofree char *what = checked_files_describe(db->handle);
    return db_fail_damaged(db, what, error);
  }
  int reason = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
  if (primary == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT))
    primary = SQLITE_FULL;

  for (gsize i = 0; i < G_N_ELEMENTS(result_meanings); i++)
    if (result_meanings[i].code == primary)
      return error_set(
          error, result_meanings[i].error, "%s: %s (%s)", db->file, result_meanings[i].meaning,
          primary == SQLITE_CANTOPEN && reason != 0 ? g_strerror(reason) : sqlite3_errstr(code));
  return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE, "%s: %s", db->file,
                   db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
}

/* A file that root makes belongs to the owner of its directory: a database that root restores
 * must open for the daemon's user. */
static void give_to_directory_owner(const char *file, int descriptor) {
  struct stat directory;
  g_autofree char *name = g_path_get_dirname(file);
  if (geteuid() == 0 && stat(name, &directory) == 0 && directory.st_uid != 0 &&
      fchown(descriptor, directory.st_uid, directory.st_gid) != 0)
    return; /* the daemon will say that it can't open it */
}

/* Opens @file for writing; if it is missing, makes it for the process's user only. */
static int open_private_file(const char *file, GError **error) {
  int made = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made >= 0)
    give_to_directory_owner(file, made);
  else if (errno == EEXIST)
    made = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (made < 0)
    error_set(error, errno == ENOSPC ? REGISTRY_ERROR_STORAGE_FULL : REGISTRY_ERROR_STORAGE_FAILURE,
              "%s: it can't be opened: %s", file, g_strerror(errno));
  return made;
}

/* SQLite would make the file by the umask; the registry's must belong to its user only from
 * the first moment. The -wal and -shm files take their mode from it. */
static gboolean make_private_file(Db *db, GError **error) {
  int fd = open_private_file(db->file, error);
  if (fd < 0)
    return FALSE;
  close(fd);
  return TRUE;
}

/* SQLite lets two processes write in turn; the registry's writer keeps counters
 * in memory and must be the only one. The lock is on a file beside the database:
 * closing any descriptor of the database itself would drop SQLite's own locks. */
int db_take_lock(const char *file, GError **error) {
  g_autofree char *name = g_strconcat(file, "-lock", NULL);
  int lock = open_private_file(name, error);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0)
    return lock;
  close(lock);
  error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
            "%s: the database is in use by a running regd: ask that one, or stop it first", file);
  return -1;
}

static int on_logged(void *data, G_GNUC_UNUSED sqlite3 *handle, G_GNUC_UNUSED const char *name,
                     int pages) {
  Db *db = data;
  db->log_pages = pages;
  return SQLITE_OK;
}

static gboolean set_up(Db *db, DbMode mode, GError **error) {
  /* Another connection of this process may be finishing a checkpoint. */
  sqlite3_busy_timeout(db->handle, 5000);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  checked_files_begin(db->handle);
  if (mode == DB_CHECK)
    checked_files_collect(db->handle, db->wrong_pages, DB_MOST_PAGES);
  static const char *const set_ups[] = {
      [DB_READ] = "PRAGMA cache_size=-16384; PRAGMA query_only=ON",
      [DB_WRITE] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;"
                   "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768;"
                   "PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=0",
      [DB_ALONE] = ("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;"
                    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536"),
      [DB_CHECK] = "PRAGMA cache_size=-16384; PRAGMA query_only=ON",
  };
  if (!db_execute(db, set_ups[mode], error))
    return FALSE;
  if (mode == DB_WRITE)
    (void)sqlite3_wal_hook(db->handle, on_logged, db);
  return TRUE;
}

/* Only the one that serves makes it. The others write it too if they write the database, which
 * may be no more than to take its log in. FALSE: it can't be made. */
static gboolean attach_witness(Db *db, DbMode mode, GError **error) {
  if (!checked_files_can_attach(db->handle))
    return TRUE;
  g_autofree char *name = g_strconcat(db->file, DB_WITNESS_ENDING, NULL);
  int file = mode == DB_WRITE ? open_private_file(name, error)
                              : open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0)
    checked_files_attach(db->handle, file, mode == DB_WRITE);
  return file >= 0 || mode != DB_WRITE;
}

void db_note_revision(Db *db, guint64 revision) {
  Witness *witness = checked_files_get_witness(db->handle);
  if (witness != NULL)
    witness_note_revision(witness, revision);
}

guint64 db_get_noted_revision(Db *db) {
  Witness *witness = checked_files_get_witness(db->handle);
  return witness != NULL ? witness_get_revision(witness) : 0;
}

/* Before SQLite is used at all: otherwise it counts its memory under a lock at each
 * allocation, which nobody reads. */
static gpointer configure(G_GNUC_UNUSED gpointer data) {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return NULL;
}

Db *db_open(const char *file, DbMode mode, GError **error) {
  static GOnce once = G_ONCE_INIT;
  g_once(&once, configure, NULL);
  g_autoptr(Db) db = g_new0(Db, 1);
  db->file = g_strdup(file);
  db->statements =
      g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)(void (*)(void))sqlite3_finalize);
  db->lock = -1;
  db->wrong_pages = g_ptr_array_new_with_free_func(g_free);
  if (mode == DB_WRITE) {
    if (!make_private_file(db, error))
      return NULL;
    db->lock = db_take_lock(file, error);
    if (db->lock < 0)
      return NULL;
  }

  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(file, &db->handle, flags, checked_files_get_vfs());
  if (code != SQLITE_OK) {
    fail(db, code, error);
    return NULL;
  }
  /* Setting up may write: it ends what another process has left undone. A new database has its
   * own number only then. */
  gboolean done =
      attach_witness(db, mode, error) && set_up(db, mode, error) && attach_witness(db, mode, error);
  return done ? g_steal_pointer(&db) : NULL;
}

void db_close(Db *db) {
  if (db == NULL)
    return;
  g_hash_table_unref(db->statements);
  sqlite3_close(db->handle);
  g_ptr_array_unref(db->wrong_pages);
  if (db->lock >= 0)
    close(db->lock);
  g_free(db->file);
  g_free(db);
}

/* A failure does no harm: it is tried again next time, and until then the log is longer. */
void db_shorten_log(Db *db) {
  if (db->log_pages < LONG_LOG_PAGES)
    return;
  int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (code == SQLITE_IOERR_DATA || code == SQLITE_CORRUPT)
    db->damaged = TRUE;
}

/* ---- whole databases ---- */

typedef struct {
  DbProgress progress;
  gpointer data;
  GError *error;
} Watching;

static int on_progress(void *data) {
  Watching *watching = data;
  return watching->progress(watching->data, &watching->error) ? 0 : 1;
}

/* ---- work ---- */

/* FALSE with @error: the limit is reached, or it is to end. */
static gboolean may_go_on(Db *db, GError **error) {
  if (db->go_on == NULL || db->work < db->ask_at)
    return TRUE;
  db->ask_at = db->work + ASK_EVERY;
  return db->go_on(db->go_on_data, error);
}

static int on_work(void *data) {
  Db *db = data;
  if (db->counter != NULL)
    g_atomic_int_inc(db->counter);
  db->work += db->progress_work;
  g_clear_error(&db->refusal);
  return may_go_on(db, &db->refusal) ? 0 : 1;
}

void db_count_work(Db *db, gint *counter) {
  db->counter = counter;
  db->progress_work = PROGRESS_WORK;
  sqlite3_progress_handler(db->handle, PROGRESS_STEPS, on_work, db);
}

void db_ask_often(Db *db) {
  db->progress_work = PROGRESS_WORK / OFTEN;
  sqlite3_progress_handler(db->handle, PROGRESS_STEPS / OFTEN, on_work, db);
}

void db_begin_work(Db *db, DbProgress go_on, gpointer data) {
  db->go_on = go_on;
  db->go_on_data = data;
  db->work = db->ask_at = 0;
}

void db_end_work(Db *db) {
  db->go_on = NULL;
}

guint64 db_get_work(const Db *db) {
  return db->work;
}

void db_set_work(Db *db, guint64 work) {
  db->work = work;
  db->ask_at = MIN(db->ask_at, work + ASK_EVERY);
}

void db_add_work(Db *db, gsize bytes) {
  db->work += bytes / LIMIT_STEP_BYTES;
}

gboolean db_spend(Db *db, guint64 steps, GError **error) {
  db->work += steps;
  return may_go_on(db, error);
}

void db_give_memory_back(Db *db) {
  (void)sqlite3_db_release_memory(db->handle);
}

gboolean db_copy_into(Db *db, const char *file, DbProgress progress, gpointer data,
                      GError **error) {
  Watching watching = {progress, data, NULL};
  DbStatement *copy = db_prepare(db, "VACUUM INTO ?1", error);
  /* query_only refuses to write any file, also the copy. */
  if (copy == NULL || !db_execute(db, "PRAGMA query_only=OFF", error))
    return FALSE;
  db_bind_text(copy, 1, file);
  if (progress != NULL)
    sqlite3_progress_handler(db->handle, PROGRESS_STEPS, on_progress, &watching);
  gboolean copied = db_run(db, copy, watching.error == NULL ? error : NULL);
  sqlite3_progress_handler(db->handle, 0, NULL, NULL);
  if (watching.error == NULL)
    return copied;
  if (error != NULL)
    g_clear_error(error);
  g_propagate_error(error, watching.error);
  return FALSE;
}

/* One row may be several lines, the first of which names the file. */
static void add_findings(GPtrArray *problems, const char *text) {
  g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line != '\0' && !g_str_equal(*line, "ok") && !g_str_has_prefix(*line, "***"))
      g_ptr_array_add(problems, g_strdup(*line));
}

static gboolean run_check(Db *db, gboolean quick, GPtrArray *problems, GError **error) {
  g_autoptr(DbStatement) statement = quick ? db_prepare(db, "PRAGMA quick_check(100)", error)
                                           : db_prepare(db, "PRAGMA integrity_check(100)", error);
  if (statement == NULL)
    return FALSE;
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW)
    add_findings(problems, db_column_text(statement, 0));
  return step == DB_DONE;
}

/* SQLite lists pages that found no memory among the damaged ones, so what was found is looked
 * for again. */
gboolean db_check(Db *db, gboolean quick, GPtrArray *problems, GError **error) {
  g_autoptr(GPtrArray) first = g_ptr_array_new_with_free_func(g_free);
  return run_check(db, quick, first, error) &&
         (first->len == 0 || run_check(db, quick, problems, error));
}

const GPtrArray *db_get_wrong_pages(const Db *db) {
  return db->wrong_pages;
}

gboolean db_has_checksums(Db *db) {
  return checked_files_are_sealed(db->handle);
}

/* ---- statements ---- */

gboolean db_execute(Db *db, const char *sql, GError **error) {
  int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || fail(db, code, error);
}

static int guard_file(G_GNUC_UNUSED void *data, int action, G_GNUC_UNUSED const char *first,
                      G_GNUC_UNUSED const char *second, const char *database,
                      G_GNUC_UNUSED const char *trigger) {
  gboolean writes = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE;
  return writes && g_strcmp0(database, "temp") != 0 ? SQLITE_DENY : SQLITE_OK;
}

void db_guard_file(Db *db) {
  sqlite3_set_authorizer(db->handle, guard_file, NULL);
}

void db_roll_back(Db *db) {
  DbProgress go_on = g_steal_pointer(&db->go_on);
  (void)db_run(db, db_prepare(db, "ROLLBACK", NULL), NULL);
  db->go_on = go_on;
}

gboolean db_in_transaction(Db *db) {
  return !sqlite3_get_autocommit(db->handle);
}

gboolean db_is_damaged(const Db *db) {
  return db->damaged;
}

DbStatement *db_prepare(Db *db, const char *sql, GError **error) {
  DbStatement *statement = g_hash_table_lookup(db->statements, sql);
  if (statement != NULL)
    return statement;
  int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
  if (code != SQLITE_OK) {
    fail(db, code, error);
    return NULL;
  }
  g_hash_table_insert(db->statements, (gpointer)(guintptr)sql, statement);
  return statement;
}

gboolean db_get_version(Db *db, gint64 *version, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(db, "PRAGMA data_version", error);
  if (statement == NULL || db_step(db, statement, error) != DB_ROW)
    return FALSE;
  *version = db_column_int(statement, 0);
  return TRUE;
}

void db_statement_reset(DbStatement *statement) {
  if (statement != NULL)
    sqlite3_reset(statement);
}

void db_bind_int(DbStatement *statement, int parameter, gint64 number) {
  sqlite3_bind_int64(statement, parameter, number);
}

void db_bind_text(DbStatement *statement, int parameter, const char *text) {
  sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

void db_bind_data(DbStatement *statement, int parameter, const void *data, gsize size) {
  /* A NULL pointer would bind NULL: empty data is data. */
  sqlite3_bind_blob64(statement, parameter, size > 0 ? data : "", size, SQLITE_STATIC);
}

void db_bind_null(DbStatement *statement, int parameter) {
  sqlite3_bind_null(statement, parameter);
}

static DbStep fail_step(Db *db, int code, GError **error) {
  if (code == SQLITE_INTERRUPT && db->refusal != NULL)
    g_propagate_error(error, g_steal_pointer(&db->refusal));
  else
    fail(db, code, error);
  return DB_FAILED;
}

/* A lack of memory, or a disk that can't be read, ends the whole transaction, whichever statement
 * met it. What was to follow in it would be made durable one by one. */
static gboolean is_out_of_transaction(Db *db, DbStatement *statement) {
  static const char *const outside[] = {"BEGIN", "PRAGMA", "VACUUM"};
  if (!sqlite3_get_autocommit(db->handle) || sqlite3_stmt_readonly(statement))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(outside); i++)
    if (g_str_has_prefix(sqlite3_sql(statement), outside[i]))
      return FALSE;
  return TRUE;
}

DbStep db_step(Db *db, DbStatement *statement, GError **error) {
  if (is_out_of_transaction(db, statement)) {
    error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
              "%s: the change can't be written: its transaction has ended by a lack of memory or "
              "a failure of the disk",
              db->file);
    return DB_FAILED;
  }
  if (!db_spend(db, 1, error))
    return DB_FAILED;
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW)
    return DB_ROW;
  return code == SQLITE_DONE ? DB_DONE : fail_step(db, code, error);
}

gboolean db_run(Db *db, DbStatement *statement, GError **error) {
  if (statement == NULL)
    return FALSE;
  DbStep step = db_step(db, statement, error);
  sqlite3_reset(statement);
  return step != DB_FAILED;
}

gint64 db_get_inserted(Db *db) {
  return sqlite3_last_insert_rowid(db->handle);
}

gint64 db_count_changes(Db *db) {
  return sqlite3_changes64(db->handle);
}

gint64 db_column_int(DbStatement *statement, int column) {
  return sqlite3_column_int64(statement, column);
}

const char *db_column_text(DbStatement *statement, int column) {
  return (const char *)sqlite3_column_text(statement, column);
}

const void *db_column_data(DbStatement *statement, int column, gsize *size) {
  const void *data = sqlite3_column_blob(statement, column);
  *size = (gsize)sqlite3_column_bytes(statement, column);
  return data;
}

gboolean db_column_is_null(DbStatement *statement, int column) {
  return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

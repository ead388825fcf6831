/* SPDX-License-Identifier: MIT */
/* The embedded membership: see sqlite.h. Reads only. */
#include "mailauth/package/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "mailauth/package/membership.h"
#include "mailauth/package/proof.h"

/* How long a look-up waits for a writer, in ms. */
#define BUSY_MS 3000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite3_close_v2)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

typedef struct {
  Package package;
  Workers *lookups;
  Workers *prover;
} Sqlite;

typedef struct {
  Proof *proof;
  char *account; /* NULL for a name that no member can have */
  Settings *settings;
  Workers *prover;
} Lookup;

/* ---- on a worker thread ---- */

static void fail(Proof *proof, Outcome outcome, const char *database, const char *what) {
  proof->otherwise = outcome;
  proof->hash = g_strdup("");
  proof->detail = g_strdup_printf("%s: %s", database, what);
}

/* The codes that say that the file can't be got at, now; any other is the file's own fault. */
static Outcome classify(int code) {
  static const int unreachable[] = {SQLITE_CANTOPEN, SQLITE_PERM,   SQLITE_AUTH, SQLITE_IOERR,
                                    SQLITE_BUSY,     SQLITE_LOCKED, SQLITE_NOMEM};
  for (guint i = 0; i < G_N_ELEMENTS(unreachable); i++)
    if ((code & 0xff) == unreachable[i])
      return OUTCOME_BROKER_UNREACHABLE;
  return OUTCOME_BROKER_FAILED;
}

/* One row of @query, with @account as its parameter if it is not NULL. */
static int step(sqlite3 *database, const char *query, const char *account,
                sqlite3_stmt **statement) {
  int code = sqlite3_prepare_v2(database, query, -1, statement, NULL);
  if (code == SQLITE_OK && account != NULL)
    code = sqlite3_bind_text(*statement, 1, account, -1, SQLITE_STATIC);
  return code == SQLITE_OK ? sqlite3_step(*statement) : code;
}

static char *dup_any_hash(sqlite3 *database) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  if (step(database, "SELECT password FROM members LIMIT 1", NULL, &statement) != SQLITE_ROW)
    return NULL;
  return g_strdup((const char *)sqlite3_column_text(statement, 0));
}

static int read_member(sqlite3 *database, const char *account, Proof *proof) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  /* A name that can't be is looked for like any other, and not found: "". */
  int code = step(database, "SELECT password, disabled FROM members WHERE name = ?1",
                  account != NULL ? account : "", &statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    return code;
  g_autofree char *dummy = dup_any_hash(database);
  if (code == SQLITE_DONE) {
    proof_set_nobody(proof, dummy);
    return SQLITE_OK;
  }
  gboolean is_text = sqlite3_column_type(statement, 0) == SQLITE_TEXT;
  const char *hash = is_text ? (const char *)sqlite3_column_text(statement, 0) : NULL;
  gboolean enabled = sqlite3_column_type(statement, 1) == SQLITE_INTEGER &&
                     sqlite3_column_int64(statement, 1) == 0;
  proof_set_account(proof, hash, !enabled, dummy);
  return SQLITE_OK;
}

/* Where in the file's header the format is that it is written in, and the counter of
 * changes. */
#define OFFSET_WRITE_VERSION 18
#define OFFSET_CHANGES 24
#define HEADER_BYTES 28
#define VERSION_JOURNAL 1 /* not WAL, which does not count */

/* Which change of the file was the last, for the proof's memory: any may be of this
 * member. If it can't be told there is no memory. */
static void read_state(sqlite3 *database, Proof *proof) {
  guint8 header[HEADER_BYTES];
  const guint8 *changes = header + OFFSET_CHANGES;
  sqlite3_file *file = NULL;
  gboolean told =
      sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
      file->pMethods->xRead(file, header, sizeof header, 0) == SQLITE_OK &&
      header[OFFSET_WRITE_VERSION] == VERSION_JOURNAL;
  if (told)
    proof->state =
        g_strdup_printf("%02x%02x%02x%02x", changes[0], changes[1], changes[2], changes[3]);
  else
    proof->verified = NULL;
}

/* All in one transaction. */
static int read_all(sqlite3 *database, const char *account, Proof *proof) {
  int code = sqlite3_exec(database, "BEGIN", NULL, NULL, NULL);
  if (code == SQLITE_OK)
    code = read_member(database, account, proof);
  if (code == SQLITE_OK)
    read_state(database, proof);
  return code;
}

static int open_and_read(const char *path, int flags, const char *account, Proof *proof,
                         char **message) {
  g_autoptr(sqlite3) database = NULL;
  int code =
      sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(database, BUSY_MS);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    code = read_all(database, account, proof);
  }
  if (code != SQLITE_OK)
    *message = g_strdup(database != NULL ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  return code;
}

static void look_up(gpointer job) {
  Lookup *lookup = job;
  const char *path = lookup->settings->chosen.database;
  g_autofree char *message = NULL;
  struct stat status;
  if (stat(path, &status) != 0) {
    fail(lookup->proof, OUTCOME_BROKER_UNREACHABLE, path, g_strerror(errno));
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    /* A FIFO would hold the thread. */
    fail(lookup->proof, OUTCOME_BROKER_UNREACHABLE, path, "it is not a file");
    return;
  }
  int code = open_and_read(path, SQLITE_OPEN_READONLY, lookup->account, lookup->proof, &message);
  if ((code & 0xff) == SQLITE_READONLY) {
    /* A writer died half way: undoing its work takes the right to write. */
    g_free(g_steal_pointer(&message));
    code = open_and_read(path, SQLITE_OPEN_READWRITE, lookup->account, lookup->proof, &message);
  }
  if (code != SQLITE_OK)
    fail(lookup->proof, classify(code), path, message);
}

/* ---- on the loop ---- */

static void looked_up(gpointer job) {
  Lookup *lookup = job;
  proof_submit(lookup->proof, lookup->prover);
  settings_unref(lookup->settings);
  g_free(lookup->account);
  g_free(lookup);
}

static void prove(Package *package, const PackageRequest *request, OutcomeAnswer answer,
                  gpointer data) {
  Sqlite *sqlite = (Sqlite *)package;
  Lookup *lookup = g_new0(Lookup, 1);
  lookup->proof = proof_new(request, answer, data);
  lookup->account = g_strdup(request->account);
  lookup->settings = settings_ref(request->settings);
  lookup->prover = sqlite->prover;
  workers_submit(sqlite->lookups, look_up, looked_up, lookup, NULL);
}

static void sqlite_free(Package *package) {
  g_free(package);
}

Package *sqlite_new(Workers *lookups, Workers *prover) {
  Sqlite *sqlite = g_new0(Sqlite, 1);
  sqlite->package = (Package){"sqlite", prove, sqlite_free, TRUE};
  sqlite->lookups = lookups;
  sqlite->prover = prover;
  return &sqlite->package;
}

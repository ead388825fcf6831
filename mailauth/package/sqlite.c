/* SPDX-License-Identifier: MIT */
/* The embedded membership: see sqlite.h. Reads only. */
#include "mailauth/package/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "mailauth/base/stand-in.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/hashes/unusable.h"
#include "mailauth/package/membership.h"
#include "mailauth/package/proof.h"
#include "mailauth/package/survey.h"
#include "mailauth/protocol/scram-keys.h"

/* How long a look-up waits for a writer, in ms. */
#define BUSY_MS 3000

/* With every column that a login reads: a file without one is told by what goes through all. */
#define MEMBERS "SELECT name, password, disabled FROM members"
#define NO_FILE "it is not a file"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite3_close_v2)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* Without a counter of changes, members are counted anew after so long, in us. */
#define COUNTED_US (10 * G_USEC_PER_SEC)

/* Of which kinds the members' hashes are. Look-ups hold a reference each. */
typedef struct {
  GMutex lock; /* over all that follows */
  StandIns *stand_ins;
  char *file; /* that was counted, with its state */
  gint64 counted_at;
} Members;

typedef struct {
  Package package;
  const RegistryView *accounts; /* which keep the key of false answers */
  Workers *lookups;
  Workers *prover;
  Members *members;
  guint8 spare[SURVEY_KEY_BYTES];
} Sqlite;

typedef struct {
  Proof *proof;
  char *account; /* NULL for a name that no member can have */
  Settings *settings;
  Workers *prover;
  Members *members;
  guint64 inode; /* of the file */
  guint8 key[SURVEY_KEY_BYTES];
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

/* ---- what stands in for a member ---- */

static void members_clear(gpointer data) {
  Members *members = data;
  g_mutex_clear(&members->lock);
  stand_ins_free(members->stand_ins);
  g_free(members->file);
}

static void members_unref(Members *members) {
  g_atomic_rc_box_release_full(members, members_clear);
}

/* All of them: a kind that few have must not be left out. */
static int count(sqlite3 *database, StandIns *stand_ins) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  int code = step(database, MEMBERS, NULL, &statement);
  stand_ins_clear(stand_ins);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *hash = (const char *)sqlite3_column_text(statement, 1);
    g_autofree char *kind = hash != NULL ? hash_dup_kind(hash) : NULL;
    stand_ins_set(stand_ins, name != NULL ? name : "", kind, hash);
  }
  return code;
}

/* Counts once for each state of the file. */
static int count_if_changed(sqlite3 *database, Members *members, char *file, gboolean is_exact) {
  gint64 now = g_get_monotonic_time();
  gboolean is_same =
      g_strcmp0(file, members->file) == 0 && (is_exact || now - members->counted_at < COUNTED_US);
  if (is_same) {
    g_free(file);
    return SQLITE_DONE;
  }
  g_free(members->file);
  members->file = file;
  members->counted_at = now;
  int code = count(database, members->stand_ins);
  if (code != SQLITE_DONE)
    g_clear_pointer(&members->file, g_free);
  return code;
}

/* For every name, needed or not. *@dummy: owned; NULL if no member has a hash. */
static int find_dummy(sqlite3 *database, const Lookup *lookup, char **dummy) {
  Members *members = lookup->members;
  const char *state = lookup->proof->state;
  char *file = g_strdup_printf("%s %" G_GUINT64_FORMAT " %s", state != NULL ? state : "?",
                               lookup->inode, lookup->settings->chosen.database);
  g_mutex_lock(&members->lock);
  int code = count_if_changed(database, members, file, state != NULL);
  *dummy = g_strdup(stand_ins_choose(members->stand_ins, lookup->key, sizeof lookup->key,
                                     lookup->account != NULL ? lookup->account : ""));
  g_mutex_unlock(&members->lock);
  return code;
}

/* What only lasts a moment, or what a login would undo, is no problem. */
static char *describe(int code, const char *message) {
  static const int passing[] = {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_NOMEM};
  for (guint i = 0; i < G_N_ELEMENTS(passing); i++)
    if ((code & 0xff) == passing[i])
      return NULL;
  return g_strdup(message);
}

char *sqlite_find_problem(const char *path) {
  Unusable unusable = {0};
  struct stat status;
  g_autoptr(sqlite3) database = NULL;
  g_autoptr(sqlite3_stmt) statement = NULL;
  if (stat(path, &status) != 0)
    return g_strdup(g_strerror(errno));
  if (!S_ISREG(status.st_mode))
    return g_strdup(NO_FILE);
  int code = sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL);
  if (code == SQLITE_OK)
    code = step(database, MEMBERS, NULL, &statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    if (name != NULL)
      unusable_note(&unusable, name, (const char *)sqlite3_column_text(statement, 1));
  }
  char *names = unusable_end(&unusable, "mailauthctl member --broker=ID passwd NAME");
  return names != NULL || code == SQLITE_DONE ? names : describe(code, sqlite3_errmsg(database));
}

static int read_member(sqlite3 *database, const Lookup *lookup) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  g_autofree char *dummy = NULL;
  Proof *proof = lookup->proof;
  /* A name that can't be is looked for like any other, and not found: "". */
  int code = step(database, "SELECT password, disabled FROM members WHERE name = ?1",
                  lookup->account != NULL ? lookup->account : "", &statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    return code;
  read_state(database, proof);
  int counted = find_dummy(database, lookup, &dummy);
  if (counted != SQLITE_DONE)
    return counted;
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

/* All in one transaction. */
static int read_all(sqlite3 *database, const Lookup *lookup) {
  int code = sqlite3_exec(database, "BEGIN", NULL, NULL, NULL);
  return code == SQLITE_OK ? read_member(database, lookup) : code;
}

static int open_and_read(const char *path, int flags, const Lookup *lookup, char **message) {
  g_autoptr(sqlite3) database = NULL;
  int code =
      sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(database, BUSY_MS);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    code = read_all(database, lookup);
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
    fail(lookup->proof, OUTCOME_BROKER_UNREACHABLE, path, NO_FILE);
    return;
  }
  lookup->inode = status.st_ino;
  int code = open_and_read(path, SQLITE_OPEN_READONLY, lookup, &message);
  if ((code & 0xff) == SQLITE_READONLY) {
    /* A writer died half way: undoing its work takes the right to write. */
    g_free(g_steal_pointer(&message));
    code = open_and_read(path, SQLITE_OPEN_READWRITE, lookup, &message);
  }
  if (code != SQLITE_OK)
    fail(lookup->proof, classify(code), path, message);
}

/* ---- on the loop ---- */

static void looked_up(gpointer job) {
  Lookup *lookup = job;
  proof_submit(lookup->proof, lookup->prover);
  settings_unref(lookup->settings);
  members_unref(lookup->members);
  explicit_bzero(lookup->key, sizeof lookup->key);
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
  lookup->members = g_atomic_rc_box_acquire(sqlite->members);
  const guint8 *kept = survey_get_kept_key(sqlite->accounts);
  memcpy(lookup->key, kept != NULL ? kept : sqlite->spare, sizeof lookup->key);
  workers_submit(sqlite->lookups, look_up, looked_up, lookup, NULL);
}

static void sqlite_free(Package *package) {
  Sqlite *sqlite = (Sqlite *)package;
  members_unref(sqlite->members);
  explicit_bzero(sqlite->spare, sizeof sqlite->spare);
  g_free(sqlite);
}

Package *sqlite_new(const RegistryView *accounts, Workers *lookups, Workers *prover) {
  Sqlite *sqlite = g_new0(Sqlite, 1);
  sqlite->package =
      (Package){.name = "sqlite", .prove = prove, .free = sqlite_free, .has_hashes = TRUE};
  sqlite->accounts = accounts;
  sqlite->members = g_atomic_rc_box_new0(Members);
  g_mutex_init(&sqlite->members->lock);
  sqlite->members->stand_ins = stand_ins_new();
  scram_keys_make_decoy(sqlite->spare);
  sqlite->lookups = lookups;
  sqlite->prover = prover;
  return &sqlite->package;
}

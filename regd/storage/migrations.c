/* SPDX-License-Identifier: MIT */
/* See migrations.h. */
#include "regd/storage/migrations.h"

#include "client/base/error.h"

/* "regd" in ASCII, in the file's header: what `file` shows and what keeps some
 * other program's database from being taken for a registry. */
#define APPLICATION_ID 0x72656764

/* history: what each revision made of each key and its values, before and after,
 * with the access lists that decided then and whether a value was secret then. A
 * row is a run of differences of one key, in the bytes that encoding.h describes: a
 * row a value would cost a large import more than storing the values does. The
 * first row that is left of a revision says when, by whom and with what it was
 * made.
 * scopes: history is counted for each root and each user (see retention.h);
 * a revision has an ordinal in every scope that it touched. A row is `count`
 * revisions, one after the other, and names the last; how many of them have been
 * deleted from history is kept with the first row, which stays as the mark of that.
 * `bytes` is about what history holds of them, `total` the same of all rows of the scope up to
 * this one, deleted rows too.
 * trials: revisions that are undone unless they are confirmed in time; `held` is what they
 * freed of their maker's bytes, which stays charged until they end, and `steps` what they took. */
static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('revision', 0), ('horizon', 0), ('position', 0);"
    "CREATE TABLE acls(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE keys("
    "  id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, live INTEGER NOT NULL,"
    "  fold TEXT NOT NULL, name TEXT NOT NULL, class TEXT, link TEXT,"
    "  link_by_administrator INTEGER NOT NULL, volatile INTEGER NOT NULL, acl INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, children_revision INTEGER NOT NULL,"
    "  last_write INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX keys_by_name ON keys(parent, live, fold);"
    "CREATE INDEX volatile_keys ON keys(id) WHERE volatile;"
    "CREATE TABLE stored("
    "  key INTEGER NOT NULL, fold TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,"
    "  data BLOB NOT NULL, position INTEGER NOT NULL, revision INTEGER NOT NULL,"
    "  PRIMARY KEY(key, fold)) WITHOUT ROWID;"
    "CREATE TABLE usage(uid INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);"
    "CREATE TABLE revisions("
    "  revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, uid INTEGER NOT NULL,"
    "  pid INTEGER NOT NULL, program TEXT NOT NULL, comment TEXT);"
    "CREATE TABLE history("
    "  revision INTEGER NOT NULL, sequence INTEGER NOT NULL, kind INTEGER NOT NULL,"
    "  key INTEGER NOT NULL, name TEXT, old_type INTEGER, old_data BLOB, old_position INTEGER,"
    "  new_type INTEGER, new_data BLOB, acl_before INTEGER NOT NULL, acl_after INTEGER NOT NULL,"
    "  secret INTEGER NOT NULL, reroutes INTEGER NOT NULL, purged INTEGER NOT NULL,"
    "  PRIMARY KEY(revision, sequence)) WITHOUT ROWID;"
    "CREATE INDEX history_by_key ON history(key);"
    "CREATE TABLE scopes("
    "  scope INTEGER NOT NULL, ordinal INTEGER NOT NULL, revision INTEGER NOT NULL,"
    "  time INTEGER NOT NULL, pruned INTEGER NOT NULL, PRIMARY KEY(scope, ordinal))"
    "  WITHOUT ROWID;"
    "CREATE TABLE trials("
    "  revision INTEGER PRIMARY KEY, uid INTEGER NOT NULL, deadline INTEGER NOT NULL);",

    /* History begins anew: no release had the tables of the first step. The settings of that
     * step are kept, its history is not. */
    "DROP TABLE revisions; DROP TABLE history; DROP TABLE scopes;"
    "CREATE TABLE history("
    "  revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key INTEGER NOT NULL,"
    "  run BLOB NOT NULL, time INTEGER, uid INTEGER, pid INTEGER, program TEXT, comment TEXT,"
    "  PRIMARY KEY(revision, sequence)) WITHOUT ROWID;"
    "CREATE INDEX history_by_key ON history(key);"
    "CREATE TABLE scopes("
    "  scope INTEGER NOT NULL, ordinal INTEGER NOT NULL, count INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, time INTEGER NOT NULL, pruned INTEGER NOT NULL,"
    "  PRIMARY KEY(scope, ordinal)) WITHOUT ROWID;"
    "UPDATE meta SET number = (SELECT number FROM meta WHERE name = 'revision')"
    "  WHERE name = 'horizon';"
    "DELETE FROM keys WHERE NOT live; DELETE FROM trials;",

    /* Each page has a checksum, so a version of regd that writes none must not open it. What is
     * older is copied before (see regd/upkeep/upgrade.h). */
    "",

    /* Bytes of history are counted, and what a trial holds back; what users have stored is
     * counted anew, because classes and access lists count now, too. The first table has the
     * scope of each key as retention.c numbers them. */
    "ALTER TABLE scopes ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scopes ADD COLUMN total INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE trials ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
    "CREATE TEMP TABLE scope_of(key INTEGER PRIMARY KEY, scope INTEGER NOT NULL);"
    "WITH RECURSIVE below(id, scope) AS ("
    "  SELECT id, id FROM keys WHERE parent = 0"
    "  UNION ALL SELECT k.id, CASE WHEN k.parent = 2"
    "   AND k.name = CAST(CAST(k.name AS INTEGER) AS TEXT)"
    "   AND CAST(k.name AS INTEGER) BETWEEN 0 AND 4294967294"
    "   THEN 4294967296 + CAST(k.name AS INTEGER) ELSE b.scope END"
    "   FROM below b JOIN keys k ON k.parent = b.id)"
    " INSERT INTO scope_of SELECT id, scope FROM below;"
    "CREATE TEMP TABLE held(scope INTEGER, revision INTEGER, bytes INTEGER);"
    "INSERT INTO held SELECT s.scope, (SELECT min(revision) FROM scopes WHERE scope = s.scope"
    "   AND revision >= h.revision),"
    "   sum(48 + length(h.run) + coalesce(length(h.program) + 64, 0) + coalesce(length(h.comment), "
    "0))"
    "  FROM history h JOIN scope_of s ON s.key = h.key GROUP BY s.scope, h.revision;"
    "CREATE INDEX temp.held_by_scope ON held(scope, revision);"
    "UPDATE scopes SET bytes = coalesce((SELECT sum(bytes) FROM held"
    "  WHERE held.scope = scopes.scope AND held.revision = scopes.revision), 0);"
    "UPDATE scopes SET total = summed.total FROM (SELECT scope, ordinal,"
    "  sum(bytes) OVER (PARTITION BY scope ORDER BY ordinal) AS total FROM scopes) AS summed"
    "  WHERE summed.scope = scopes.scope AND summed.ordinal = scopes.ordinal;"
    "DELETE FROM usage;"
    "INSERT INTO usage SELECT s.scope - 4294967296, sum(64 + length(CAST(k.name AS BLOB))"
    "  + coalesce(length(CAST(k.link AS BLOB)), 0) + coalesce(length(CAST(k.class AS BLOB)), 0)"
    "  + coalesce((SELECT length(CAST(text AS BLOB)) FROM acls WHERE id = k.acl), 0)"
    "  + (SELECT coalesce(sum(length(data) + length(CAST(name AS BLOB))), 0) FROM stored"
    "     WHERE key = k.id))"
    "  FROM scope_of s JOIN keys k ON k.id = s.key AND k.live WHERE s.scope >= 4294967296"
    "  GROUP BY s.scope;"
    "DROP TABLE temp.held; DROP TABLE temp.scope_of;",

    /* stored.secret: whether a schema called the value secret when it was written; NULL: that was
     * before this step, and history tells.
     * trials.groups: those of the user, by number with spaces between, after the word
     * "administrator" if they were one; NULL: unknown. */
    "ALTER TABLE stored ADD COLUMN secret INTEGER; ALTER TABLE trials ADD COLUMN groups TEXT;",

    "ALTER TABLE trials ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;",

    /* locks: what can't be changed. `path` and `fold` are folded; `whole`: the key and all below
     * it. There need not be such a key or value. */
    "CREATE TABLE locks("
    "  path TEXT NOT NULL, whole INTEGER NOT NULL, fold TEXT NOT NULL, key TEXT NOT NULL,"
    "  name TEXT NOT NULL, reason TEXT NOT NULL, uid INTEGER NOT NULL, time INTEGER NOT NULL,"
    "  PRIMARY KEY(path, whole, fold)) WITHOUT ROWID;",

    /* declared: what an owner says is to be there. `path` and `fold` are folded; `what`: 0 of the
     * key itself, 1 of a value; `type` and `data` are of the value, NULL: it is to be absent, or of
     * a key's link target, NULL: it is no link. */
    "CREATE TABLE declared("
    "  path TEXT NOT NULL, what INTEGER NOT NULL, fold TEXT NOT NULL, owner TEXT NOT NULL,"
    "  key TEXT NOT NULL, name TEXT NOT NULL, type INTEGER, data BLOB,"
    "  PRIMARY KEY(path, what, fold, owner)) WITHOUT ROWID;"
    "CREATE INDEX declared_by_owner ON declared(owner);",

    /* fleet: what this host has of a fleet's layer; no row: it is in none. `applied` is the newest
     * revision of the cluster that is in the tree, `head` the id of the newest commit, with its
     * number; `mounts` are canonical paths, one a line.
     * fleet_problems: records of the fleet that can't be used, by their keys in the cluster.
     * history: who made a commit of the fleet, and where and when it was made. */
    "CREATE TABLE fleet("
    "  layer TEXT PRIMARY KEY, fleet TEXT NOT NULL, uuid BLOB NOT NULL, mounts TEXT NOT NULL,"
    "  applied INTEGER NOT NULL, head BLOB, number INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE fleet_problems("
    "  layer TEXT NOT NULL, record TEXT NOT NULL, problem TEXT NOT NULL, revision INTEGER NOT NULL,"
    "  PRIMARY KEY(layer, record)) WITHOUT ROWID;"
    "ALTER TABLE history ADD COLUMN origin TEXT;"
    "ALTER TABLE history ADD COLUMN fleet_revision INTEGER;"
    "ALTER TABLE history ADD COLUMN fleet_time INTEGER;",

    /* The cluster's revision of a trial of the fleet; 0: it is this host's own. */
    "ALTER TABLE trials ADD COLUMN fleet INTEGER NOT NULL DEFAULT 0;",

    /* fleet_records: what each record that this host holds adds to the fleet's digest. A member
     * reads everything once more, to fill it. */
    "CREATE TABLE fleet_records("
    "  layer TEXT NOT NULL, record TEXT NOT NULL, part BLOB NOT NULL,"
    "  PRIMARY KEY(layer, record)) WITHOUT ROWID;"
    "ALTER TABLE fleet ADD COLUMN digest BLOB;"
    "UPDATE fleet SET applied = 0, head = NULL, number = 0;",

    /* declared.closed: the list that decided at the key when it was deleted, or when one above it
     * was; 0: the key is there, or the list above it decided. */
    "ALTER TABLE declared ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;",

    /* The numbers of the commits that are on trial in the fleet, whether this host has them or not,
     * with a space between. */
    "ALTER TABLE fleet ADD COLUMN open TEXT NOT NULL DEFAULT '';",
};
#define CHECKSUM_STEP 3

/* @sql gives one number. */
static gboolean read_number(Db *db, const char *sql, gint64 *number, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(db, sql, error);
  if (statement == NULL || db_step(db, statement, error) != DB_ROW)
    return FALSE;
  *number = db_column_int(statement, 0);
  return TRUE;
}

/* Of a file whose header does not say that it is ours. */
static gboolean recognise(Db *db, const char *file, gint64 step, GError **error) {
  gint64 ours = 0, tables = 0;
  if (!read_number(db,
                   "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                   " AND name IN ('meta', 'acls', 'keys', 'stored')",
                   &ours, error) ||
      !read_number(db, "SELECT count(*) FROM sqlite_schema", &tables, error))
    return FALSE;
  if (ours == 4)
    return db_fail_damaged(db, "its header has another application id or version", error);
  if (tables == 0 && step == 0)
    return db_get_noted_revision(db) == 0 || /* it is new */
           db_fail_damaged(db, "it is empty, but was not: its log is gone", error);
  return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                   "%s: this is some other program's database: name another file with --database",
                   file);
}

static gboolean read_step(Db *db, const char *file, gint64 *step, GError **error) {
  gint64 application = 0;
  if (!read_number(db, "PRAGMA application_id", &application, error) ||
      !read_number(db, "PRAGMA user_version", step, error))
    return FALSE;
  if (application != APPLICATION_ID || *step <= 0)
    return recognise(db, file, *step, error);
  if (*step > (gint64)G_N_ELEMENTS(steps))
    return error_set(
        error, REGISTRY_ERROR_STORAGE_FAILURE,
        "%s: made by a later version of regd (its tables are at step %" G_GINT64_FORMAT
        ", this one knows %zu): install that version, or put a backup of this one back "
        "with regd --restore=BACKUP",
        file, *step, G_N_ELEMENTS(steps));
  return *step < CHECKSUM_STEP || db_has_checksums(db) ||
         db_fail_damaged(db, "its pages have no checksums", error);
}

gboolean migrations_need_copy(Db *db, const char *file, gboolean *need, GError **error) {
  gint64 step = 0;
  if (!read_step(db, file, &step, error))
    return FALSE;
  *need = !db_has_checksums(db);
  return TRUE;
}

static gboolean run_step(Db *db, gsize step, GError **error) {
  g_autofree char *mark = g_strdup_printf(
      "PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT", APPLICATION_ID, step + 1);
  if (db_execute(db, "BEGIN IMMEDIATE", error) && db_execute(db, steps[step], error) &&
      db_execute(db, mark, error))
    return TRUE;
  if (db_in_transaction(db))
    db_execute(db, "ROLLBACK", NULL);
  return FALSE;
}

gboolean migrations_run(Db *db, const char *file, GError **error) {
  gint64 step = 0;
  if (!read_step(db, file, &step, error))
    return FALSE;
  for (gsize next = (gsize)step; next < G_N_ELEMENTS(steps); next++)
    if (!run_step(db, next, error))
      return FALSE;
  return TRUE;
}

gboolean migrations_check(Db *db, const char *file, GError **error) {
  gint64 step = 0;
  if (!read_step(db, file, &step, error))
    return FALSE;
  return step == (gint64)G_N_ELEMENTS(steps) ||
         error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                   "%s: its tables are at step %" G_GINT64_FORMAT " of %zu: start regd on it once",
                   file, step, G_N_ELEMENTS(steps));
}

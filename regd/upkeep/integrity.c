/* SPDX-License-Identifier: MIT */
/* See integrity.h. The invariants are a table of queries that find what breaks
 * them, and a few passes over rows for what SQL can't tell. */
#include "regd/upkeep/integrity.h"

#include <string.h>
#include <sys/stat.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/declare/declared.h"
#include "regd/declare/lock.h"
#include "regd/history/encoding.h"
#include "regd/history/record.h"

/* Of a database that is checked at each start, in bytes. */
#define QUICK_CHECK_BYTES (32LL * 1024 * 1024)

/* The first ones are cheap, and looked at at the start too. */
#define CHEAP_INVARIANTS 3

/* Each query gives one text for each breach. */
static const struct {
  const char *problem;
  const char *sql;
} invariants[] = {
    {"a counter has a value that no registry reaches",
     "SELECT name || ' ' || number FROM meta WHERE typeof(number) <> 'integer'"
     " OR number NOT BETWEEN 0 AND " G_STRINGIFY(
         LIMIT_REVISION) " UNION ALL"
                         " SELECT 'revision ' || max(revision) FROM history"
                         " HAVING max(revision) > " G_STRINGIFY(LIMIT_REVISION)},
    {"a counter is missing", "SELECT column1 FROM (VALUES('revision'), ('horizon'), ('position'))"
                             " WHERE column1 NOT IN (SELECT name FROM meta)"},
    {"a root is missing or has another name",
     "SELECT column1 || ' ' || column2 FROM (VALUES(1, 'HKEY_LOCAL_MACHINE'), (2, 'HKEY_USERS'))"
     " LEFT JOIN keys ON id = column1 AND parent = 0 AND live AND name = column2"
     " WHERE id IS NULL LIMIT 20"},
    {"a key beside the roots has no parent",
     "SELECT id || ' ' || name FROM keys WHERE parent = 0 AND id > 2 LIMIT 20"},
    {"a key is an orphan",
     "SELECT k.id || ' ' || k.name FROM keys k LEFT JOIN keys p ON p.id = k.parent"
     " WHERE k.parent <> 0 AND (p.id IS NULL OR k.live AND NOT p.live) LIMIT 20"},
    {"a key can't be reached from a root",
     "WITH RECURSIVE reached(id) AS (SELECT id FROM keys WHERE parent = 0"
     " UNION SELECT k.id FROM keys k JOIN reached r ON k.parent = r.id)"
     " SELECT id || ' ' || name FROM keys WHERE id NOT IN (SELECT id FROM reached) LIMIT 20"},
    {"a key that stays is below one that is volatile",
     "SELECT k.id || ' ' || k.name FROM keys k JOIN keys p ON p.id = k.parent"
     " WHERE k.live AND p.volatile AND NOT k.volatile LIMIT 20"},
    {"a key has an access list that is not there",
     "SELECT id || ' ' || name FROM keys WHERE acl <> 0 AND acl NOT IN (SELECT id FROM acls)"
     " LIMIT 20"},
    {"a value's key is gone",
     "SELECT s.key || ' ' || s.name FROM stored s LEFT JOIN keys k ON k.id = s.key"
     " WHERE k.id IS NULL OR NOT k.live LIMIT 20"},
    {"a link has values", "SELECT s.key || ' ' || s.name FROM stored s JOIN keys k ON k.id = s.key"
                          " WHERE k.link IS NOT NULL LIMIT 20"},
    {"a value has no possible type or data",
     "SELECT key || ' ' || name FROM stored WHERE type NOT BETWEEN 0 AND 4294967295"
     " OR typeof(type) <> 'integer' OR typeof(data) <> 'blob' LIMIT 20"},
    {"history tells of a key that is not there",
     "SELECT revision || ' ' || sequence FROM history WHERE key NOT IN (SELECT id FROM keys)"
     " LIMIT 20"},
    {"history does not say who made a revision",
     "SELECT revision FROM history h WHERE (time IS NULL OR uid IS NULL OR pid IS NULL OR"
     " program IS NULL) AND sequence = (SELECT min(sequence) FROM history"
     " WHERE revision = h.revision) LIMIT 20"},
    {"a trial's revision is not in history",
     "SELECT revision FROM trials WHERE deadline >= 0 AND revision NOT IN"
     " (SELECT revision FROM history) LIMIT 20"},
    {"something is newer than the revision counter",
     "SELECT newest FROM (SELECT max((SELECT coalesce(max(revision), 0) FROM keys),"
     " (SELECT coalesce(max(revision), 0) FROM stored),"
     " (SELECT number FROM meta WHERE name = 'horizon')) AS newest)"
     " WHERE newest > max((SELECT coalesce(max(revision), 0) FROM history),"
     " (SELECT number FROM meta WHERE name = 'revision'))"},
    {"the bytes counted for a user are not what they have stored",
     "WITH RECURSIVE branch(id, uid) AS (SELECT id, CAST(name AS INTEGER) FROM keys"
     " WHERE parent = 2 AND live AND name = CAST(CAST(name AS INTEGER) AS TEXT)"
     " UNION ALL SELECT k.id, b.uid FROM branch b JOIN keys k ON k.parent = b.id AND k.live),"
     " parts(uid, bytes) AS (SELECT b.uid, sum(64 + length(CAST(k.name AS BLOB))"
     " + coalesce(length(CAST(k.link AS BLOB)), 0) + coalesce(length(CAST(k.class AS BLOB)), 0)"
     " + coalesce((SELECT length(CAST(text AS BLOB)) FROM acls WHERE id = k.acl), 0)"
     " + (SELECT coalesce(sum(length(data) + length(CAST(name AS BLOB))), 0) FROM stored"
     " WHERE key = k.id)) FROM branch b JOIN keys k ON k.id = b.id GROUP BY b.uid"
     " UNION ALL SELECT CAST(substr(path, 12) AS INTEGER),"
     " 64 + length(CAST(name AS BLOB)) + length(CAST(reason AS BLOB)) FROM locks"
     " WHERE path GLOB 'HKEY_USERS\\[0-9]*' AND substr(path, 12) || '\\' GLOB"
     " CAST(CAST(substr(path, 12) AS INTEGER) AS TEXT) || '\\*'"
     " UNION ALL SELECT CAST(substr(path, 12) AS INTEGER),"
     " 64 + length(CAST(name AS BLOB)) + length(CAST(owner AS BLOB))"
     " + coalesce(length(data), 0) FROM declared"
     " WHERE path GLOB 'HKEY_USERS\\[0-9]*' AND substr(path, 12) || '\\' GLOB"
     " CAST(CAST(substr(path, 12) AS INTEGER) AS TEXT) || '\\*'),"
     " held(uid, bytes) AS (SELECT uid, sum(bytes) FROM parts GROUP BY uid)"
     " SELECT u.uid || ': ' || u.bytes || ' for ' || coalesce(h.bytes, 0) FROM usage u"
     " LEFT JOIN held h ON h.uid = u.uid WHERE u.bytes <> coalesce(h.bytes, 0)"
     " + (SELECT coalesce(sum(held), 0) FROM trials WHERE uid = u.uid) LIMIT 20"},
};

static void add(GPtrArray *problems, const char *problem, const char *where) {
  g_ptr_array_add(problems, g_strdup_printf("%s: %s", problem, where != NULL ? where : "?"));
}

static gboolean check_invariant(Db *db, gsize index, GPtrArray *problems, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(db, invariants[index].sql, error);
  if (statement == NULL)
    return FALSE;
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW)
    add(problems, invariants[index].problem, db_column_text(statement, 0));
  return step == DB_DONE;
}

/* ---- what SQL can't tell ---- */

/* Why the row is wrong, or NULL. @lists: the ids of all access lists. */
typedef const char *(*RowCheck)(DbStatement *row, GHashTable *lists);

static gboolean is_folded(const char *name, const char *fold) {
  g_autofree char *folded = path_fold(name);
  return strcmp(folded, fold) == 0;
}

static const char *check_key(DbStatement *row, G_GNUC_UNUSED GHashTable *lists) {
  const char *name = db_column_text(row, 0);
  const char *fold = db_column_text(row, 1);
  const char *link = db_column_text(row, 2);
  if (name == NULL || fold == NULL || !g_utf8_validate(name, -1, NULL) ||
      !path_check_key_name(name, NULL))
    return "a key has a name that no key can have";
  if (!is_folded(name, fold))
    return "a key is found under another name than its own";
  g_autoptr(Path) target = link != NULL ? path_parse(link, NULL) : NULL;
  return link != NULL && target == NULL ? "a link's target is no path" : NULL;
}

static const char *check_value(DbStatement *row, G_GNUC_UNUSED GHashTable *lists) {
  const char *name = db_column_text(row, 0);
  const char *fold = db_column_text(row, 1);
  if (name == NULL || fold == NULL || !g_utf8_validate(name, -1, NULL) ||
      !path_check_value_name(name, NULL))
    return "a value has a name that no value can have";
  return is_folded(name, fold) ? NULL : "a value is found under another name than its own";
}

static const char *check_acl(DbStatement *row, G_GNUC_UNUSED GHashTable *lists) {
  const char *text = db_column_text(row, 0);
  g_autoptr(Acl) acl = text != NULL ? acl_decode(text, NULL) : NULL;
  return acl == NULL ? "an access list can't be read" : NULL;
}

/* Whether a canonical path and its folded form belong together. */
static gboolean is_folded_path(const char *key, const char *path) {
  g_autoptr(Path) parsed = key != NULL && path != NULL ? path_parse(key, NULL) : NULL;
  return parsed != NULL && is_folded(key, path);
}

static const char *check_declared(DbStatement *row, G_GNUC_UNUSED GHashTable *lists) {
  const char *name = db_column_text(row, 2);
  const char *fold = db_column_text(row, 3);
  const char *owner = db_column_text(row, 4);
  gboolean of_value = db_column_int(row, 5) != 0;
  if (!is_folded_path(db_column_text(row, 0), db_column_text(row, 1)) || name == NULL ||
      fold == NULL || !path_check_value_name(name, NULL) || !is_folded(name, fold) ||
      (!of_value && *name != '\0'))
    return "a declaration is of nothing that can be declared";
  return owner == NULL || !declared_check_owner(owner, NULL) ? "a declaration has no owner" : NULL;
}

static const char *check_lock(DbStatement *row, G_GNUC_UNUSED GHashTable *lists) {
  const char *name = db_column_text(row, 2);
  const char *fold = db_column_text(row, 3);
  const char *reason = db_column_text(row, 4);
  gboolean whole = db_column_int(row, 5) != 0;
  if (!is_folded_path(db_column_text(row, 0), db_column_text(row, 1)) || name == NULL ||
      fold == NULL || !path_check_value_name(name, NULL) || !is_folded(name, fold) ||
      (whole && *name != '\0'))
    return "a lock is of nothing that can be locked";
  return reason == NULL || !lock_check_reason("", reason, NULL) ? "a lock has no reason" : NULL;
}

/* What is kept of a key that is gone, or of its list that was, can be put back. */
static gboolean is_state_sound(const DifferenceRecord *entry) {
  if (entry->kind != CHANGE_KEY_DELETED && entry->kind != CHANGE_ACL_CHANGED)
    return entry->old_state == NULL;
  if (entry->old_state == NULL)
    return FALSE;
  g_autoptr(GBytes) state = g_bytes_new(entry->old_state, entry->old_state_size);
  g_autoptr(KeyRow) row = g_new0(KeyRow, 1);
  g_autoptr(Acl) own = NULL;
  if (entry->kind == CHANGE_ACL_CHANGED)
    return history_decode_acl(state, &own, NULL);
  return history_decode_key(state, row, &own, NULL) && path_check_key_name(row->name, NULL);
}

static gboolean is_list_there(GHashTable *lists, gint64 id) {
  return id == 0 || g_hash_table_contains(lists, &id);
}

static const char *check_run(DbStatement *row, GHashTable *lists) {
  gsize size = 0;
  const void *bytes = db_column_data(row, 0, &size);
  RunReader run;
  DifferenceRecord entry;
  RunStep step;
  run_reader_init(&run, bytes, size);
  while ((step = run_read(&run, &entry)) == RUN_ENTRY) {
    if (!is_list_there(lists, entry.before_acl) || !is_list_there(lists, entry.after_acl))
      return "history has an access list that is not there";
    if ((entry.name != NULL && !path_check_value_name(entry.name, NULL)) || !is_state_sound(&entry))
      return "history has a change that no key or value can have had";
  }
  return step == RUN_DAMAGED || size == 0 ? "a row of history can't be read" : NULL;
}

static const struct {
  const char *sql; /* the last column says where */
  int where;
  RowCheck check;
} passes[] = {
    {"SELECT name, fold, link, id || ' ' || name FROM keys", 3, check_key},
    {"SELECT name, fold, key || ' ' || name FROM stored", 2, check_value},
    {"SELECT text, id FROM acls", 1, check_acl},
    {"SELECT key, path, name, fold, owner, what, key || ' ' || name FROM declared", 6,
     check_declared},
    {"SELECT key, path, name, fold, reason, whole, key || ' ' || name FROM locks", 6, check_lock},
    {"SELECT run, revision || ' ' || sequence FROM history", 1, check_run},
};

static GHashTable *load_list_ids(Db *db, GError **error) {
  g_autoptr(GHashTable) ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr(DbStatement) statement = db_prepare(db, "SELECT id FROM acls", error);
  if (statement == NULL)
    return NULL;
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW) {
    gint64 id = db_column_int(statement, 0);
    g_hash_table_add(ids, g_memdup2(&id, sizeof id));
  }
  return step == DB_DONE ? g_steal_pointer(&ids) : NULL;
}

static gboolean run_pass(Db *db, gsize index, GHashTable *lists, GPtrArray *problems,
                         GError **error) {
  guint found = 0;
  g_autoptr(DbStatement) statement = db_prepare(db, passes[index].sql, error);
  if (statement == NULL)
    return FALSE;
  DbStep step = DB_DONE;
  while (found < CHECK_PROBLEMS && (step = db_step(db, statement, error)) == DB_ROW) {
    const char *problem = passes[index].check(statement, lists);
    if (problem == NULL)
      continue;
    add(problems, problem, db_column_text(statement, passes[index].where));
    found++;
  }
  return step != DB_FAILED;
}

/* What damaged tables say of each other means nothing. Wrong pages whose tables are sound (another
 * program has written them, say) are looked into all the same. */
static gboolean check_all(Store *store, GPtrArray *problems, GError **error) {
  Db *db = store_get_db(store);
  guint before = problems->len;
  if (!db_check(db, FALSE, problems, error))
    return FALSE;
  if (problems->len > before)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(invariants); i++)
    if (!check_invariant(db, i, problems, error))
      return FALSE;
  g_autoptr(GHashTable) lists = load_list_ids(db, error);
  for (gsize i = 0; lists != NULL && i < G_N_ELEMENTS(passes); i++)
    if (!run_pass(db, i, lists, problems, error))
      return FALSE;
  return lists != NULL;
}

gboolean check_store(Store *store, GPtrArray *problems, GError **error) {
  if (!store_begin_read(store, error))
    return FALSE;
  gboolean done = check_all(store, problems, error);
  store_end(store);
  return done;
}

/* Also if the rest could not be looked at. */
static void add_wrong_pages(Db *db, GPtrArray *problems) {
  const GPtrArray *pages = db_get_wrong_pages(db);
  for (guint i = 0; i < pages->len; i++)
    g_ptr_array_add(problems, g_strdup(pages->pdata[i]));
}

/* @noted: read before @store, which may go on meanwhile. */
static gboolean check_newest(Store *store, guint64 noted, const char *file, GPtrArray *problems,
                             GError **error) {
  guint64 revision = 0;
  if (!store_load_revision(store, &revision, error))
    return FALSE;
  if (noted > revision)
    g_ptr_array_add(problems,
                    g_strdup_printf("its newest revision is %" G_GUINT64_FORMAT
                                    ", but %" G_GUINT64_FORMAT " was acknowledged: the log %s-wal "
                                    "has lost its end, or an older copy stands in its place; regd "
                                    "--database=%s --restore=%s goes on with what is left",
                                    revision, noted, file, file, file));
  return TRUE;
}

gboolean check_file(const char *file, GPtrArray *problems, GError **error) {
  g_autoptr(Store) store = store_open(file, DB_CHECK, error);
  if (store == NULL)
    return FALSE;
  guint64 noted = db_get_noted_revision(store_get_db(store));
  gboolean done =
      check_store(store, problems, error) && check_newest(store, noted, file, problems, error);
  add_wrong_pages(store_get_db(store), problems);
  return done;
}

/* ---- at start ---- */

/* Through a connection of its own, which goes on past wrong pages: what else is wrong with the
 * tables shows only then. */
static gboolean check_quickly(const char *file, GPtrArray *problems, GPtrArray *wrong_pages,
                              GError **error) {
  g_autoptr(Db) db = db_open(file, DB_CHECK, error);
  if (db == NULL || !db_check(db, TRUE, problems, error))
    return FALSE;
  add_wrong_pages(db, wrong_pages);
  return TRUE;
}

/* A database without a revision has no roots yet. */
static gboolean check_cheap_invariants(Db *db, guint64 revision, GPtrArray *problems,
                                       GError **error) {
  for (gsize i = 0; revision > 0 && i < CHEAP_INVARIANTS; i++)
    if (!check_invariant(db, i, problems, error))
      return FALSE;
  return TRUE;
}

gboolean check_at_start(Store *store, const char *file, GPtrArray *problems, GError **error) {
  g_autoptr(GPtrArray) fatal = g_ptr_array_new_with_free_func(g_free);
  Db *db = store_get_db(store);
  guint64 revision = 0;
  struct stat status;
  if (stat(file, &status) != 0 || !store_load_revision(store, &revision, error) ||
      (status.st_size <= QUICK_CHECK_BYTES && !check_quickly(file, fatal, problems, error)) ||
      !check_cheap_invariants(db, revision, fatal, error) ||
      !check_newest(store, db_get_noted_revision(db), file, problems, error))
    return FALSE;
  /* What a wrong page has brought about tells less than that it is wrong. */
  return fatal->len == 0 ||
         db_fail_damaged(db, problems->len > 0 ? problems->pdata[0] : fatal->pdata[0], error);
}

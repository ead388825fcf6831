/* SPDX-License-Identifier: MIT */
/* See store.h: transactions, counters, keys and access lists. */
#include "regd/storage/store.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "regd/storage/migrations.h"
#include "regd/storage/store-private.h"

/* Paths kept in memory for history and deletions; emptied when full. A path has up to 400 kB. */
#define PATH_CACHE_SIZE 65536
#define PATH_CACHE_BYTES (16U * 1024U * 1024U)

Store *store_open(const char *file, DbMode mode, GError **error) {
  g_autoptr(Store) store = g_new0(Store, 1);
  store->acls =
      g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)acl_unref);
  store->paths = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                       (GDestroyNotify)g_ref_string_release);
  store->db = db_open(file, mode, error);
  if (store->db == NULL)
    return NULL;
  gboolean is_written = mode == DB_WRITE || mode == DB_ALONE;
  gboolean current = is_written ? migrations_run(store->db, file, error)
                                : migrations_check(store->db, file, error);
  return current ? g_steal_pointer(&store) : NULL;
}

void store_close(Store *store) {
  if (store == NULL)
    return;
  g_hash_table_unref(store->acls);
  g_hash_table_unref(store->paths);
  shadow_free(store->shadow);
  db_close(store->db);
  g_free(store);
}

Db *store_get_db(Store *store) {
  return store->db;
}

/* ---- transactions ---- */

static gboolean run(Store *store, const char *sql, GError **error) {
  return db_run(store->db, db_prepare(store->db, sql, error), error);
}

gboolean store_begin_read(Store *store, GError **error) {
  return run(store, "BEGIN", error);
}

gboolean store_begin_trying(Store *store, GError **error) {
  store->shadow = shadow_new(store->db, error);
  return store->shadow != NULL;
}

gboolean store_begin_write(Store *store, GError **error) {
  store->fresh = run(store, "BEGIN IMMEDIATE", error);
  return store->fresh;
}

gboolean store_commit(Store *store, GError **error) {
  return run(store, "COMMIT", error);
}

void store_end(Store *store) {
  if (db_in_transaction(store->db))
    db_roll_back(store->db);
}

/* A savepoint costs a copy of each page that is changed under it. The first change of a
 * transaction, usually the only one, does without. */
gboolean store_savepoint(Store *store, GError **error) {
  if (store->shadow != NULL)
    return TRUE;
  if (!db_in_transaction(store->db))
    return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE, "the transaction has ended");
  store->is_transaction = store->fresh;
  store->fresh = FALSE;
  return store->is_transaction || run(store, "SAVEPOINT change", error);
}

gboolean store_release(Store *store, GError **error) {
  return store->shadow != NULL || store->is_transaction || run(store, "RELEASE change", error);
}

/* If the transaction can't begin again, it has ended. */
static void take_back(Store *store) {
  run(store, "ROLLBACK", NULL);
  (void)store_begin_write(store, NULL);
}

/* A list that was made since has no row any more, and its id will be given out again. */
static void forget_changes(Store *store) {
  store_forget_paths(store);
  g_hash_table_remove_all(store->acls);
}

void store_rollback_to(Store *store) {
  forget_changes(store);
  if (store->shadow != NULL || !db_in_transaction(store->db))
    return; /* the failure ended the whole transaction */
  if (store->is_transaction) {
    take_back(store);
  } else {
    run(store, "ROLLBACK TO change", NULL);
    run(store, "RELEASE change", NULL);
  }
}

void store_abandon(Store *store) {
  forget_changes(store);
  store->saved_position = -1;
  store_end(store);
}

/* ---- counters ---- */

/* History's newest row has the newest revision, so a commit need not write the counter too.
 * The counter is stale until history is pruned. */
#define NEWEST_REVISION                                                                            \
  "SELECT max(number, coalesce((SELECT max(revision) FROM history), 0)) FROM meta WHERE name = "   \
  "?1"
#define COUNTER "SELECT number FROM meta WHERE name = ?1"

static gboolean load_number(Store *store, const char *sql, const char *name, guint64 *number,
                            GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store->db, sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, name);
  DbStep step = db_step(store->db, statement, error);
  if (step == DB_DONE)
    return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                     "the database has lost its counter \"%s\": restore a backup", name);
  if (step == DB_ROW)
    *number = (guint64)db_column_int(statement, 0);
  return step == DB_ROW;
}

static gboolean save_number(Store *store, const char *name, guint64 number, GError **error) {
  DbStatement *statement =
      db_prepare(store->db, "UPDATE meta SET number = ?2 WHERE name = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, name);
  db_bind_int(statement, 2, (gint64)number);
  return db_run(store->db, statement, error);
}

gboolean store_load_revision(Store *store, guint64 *revision, GError **error) {
  return load_number(store, NEWEST_REVISION, "revision", revision, error);
}

gboolean store_save_revision(Store *store, guint64 revision, GError **error) {
  return save_number(store, "revision", revision, error);
}

gboolean store_load_position(Store *store, GError **error) {
  guint64 position = 0;
  if (!load_number(store, COUNTER, "position", &position, error))
    return FALSE;
  store->saved_position = (gint64)position;
  store->next_position = MAX(store->next_position, (gint64)position + 1);
  return TRUE;
}

gboolean store_save_position(Store *store, GError **error) {
  gint64 last = store->next_position - 1;
  if (last == store->saved_position)
    return TRUE;
  store->saved_position = last;
  return save_number(store, "position", (guint64)last, error);
}

gboolean store_load_horizon(Store *store, guint64 *horizon, GError **error) {
  return load_number(store, COUNTER, "horizon", horizon, error);
}

/* ---- keys ---- */

#define KEY_COLUMNS                                                                                \
  "id, parent, live, name, class, link, link_by_administrator, volatile, acl, revision, "          \
  "children_revision, last_write"

static KeyRow *read_key_row(Store *store, DbStatement *statement) {
  KeyRow *row = g_new0(KeyRow, 1);
  row->id = db_column_int(statement, 0);
  row->parent = db_column_int(statement, 1);
  row->live = db_column_int(statement, 2) != 0;
  row->name = g_strdup(db_column_text(statement, 3));
  row->class_name = g_strdup(db_column_text(statement, 4));
  row->link = g_strdup(db_column_text(statement, 5));
  row->link_by_administrator = db_column_int(statement, 6) != 0;
  row->is_volatile = db_column_int(statement, 7) != 0;
  row->acl = db_column_int(statement, 8);
  row->revision = (guint64)db_column_int(statement, 9);
  row->children_revision = (guint64)db_column_int(statement, 10);
  row->last_write = db_column_int(statement, 11);
  db_add_work(store->db, strlen(row->name));
  return row;
}

void key_row_free(KeyRow *row) {
  if (row == NULL)
    return;
  g_free(row->name);
  g_free(row->class_name);
  g_free(row->link);
  g_free(row);
}

KeyRow *key_row_copy(const KeyRow *row) {
  KeyRow *copy = g_memdup2(row, sizeof *row);
  copy->name = g_strdup(row->name);
  copy->class_name = g_strdup(row->class_name);
  copy->link = g_strdup(row->link);
  return copy;
}

static gboolean step_to_key(Store *store, DbStatement *statement, KeyRow **row, GError **error) {
  DbStep step = db_step(store->db, statement, error);
  *row = step == DB_ROW ? read_key_row(store, statement) : NULL;
  return step != DB_FAILED;
}

static DbStatement *prepare_child(Store *store, gint64 parent, const char *fold, gboolean live,
                                  GError **error) {
  if (store->shadow != NULL && !shadow_get_child(store->shadow, parent, fold, error))
    return NULL;
  DbStatement *statement = db_prepare(
      store->db, "SELECT " KEY_COLUMNS " FROM keys WHERE parent = ?1 AND live = ?2 AND fold = ?3",
      error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, parent);
  db_bind_int(statement, 2, live);
  db_bind_text(statement, 3, fold);
  return statement;
}

gboolean store_find_child(Store *store, gint64 parent, const char *fold, KeyRow **row,
                          GError **error) {
  g_autoptr(DbStatement) statement = prepare_child(store, parent, fold, TRUE, error);
  return statement != NULL && step_to_key(store, statement, row, error);
}

gboolean store_find_dead_child(Store *store, gint64 parent, const char *fold, KeyRow **row,
                               GError **error) {
  g_autoptr(DbStatement) statement = prepare_child(store, parent, fold, FALSE, error);
  return statement != NULL && step_to_key(store, statement, row, error);
}

gboolean store_get_key(Store *store, gint64 id, KeyRow **row, GError **error) {
  if (store->shadow != NULL && !shadow_get_key(store->shadow, id, error))
    return FALSE;
  g_autoptr(DbStatement) statement =
      db_prepare(store->db, "SELECT " KEY_COLUMNS " FROM keys WHERE id = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, id);
  if (!step_to_key(store, statement, row, error))
    return FALSE;
  return *row != NULL || error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
                                   "the database has lost a key that it refers to (row "
                                   "%" G_GINT64_FORMAT "): restore a backup",
                                   id);
}

gboolean store_name_damage(Store *store, gint64 key, GError **error) {
  if (error == NULL || !db_error_is_damage(*error))
    return FALSE;
  GRefString *path = store_get_path(store, key, NULL);
  if (path == NULL)
    return FALSE;
  g_prefix_error(error, "%s: ", path);
  g_ref_string_release(path);
  return FALSE;
}

static GPtrArray *collect_keys(Store *store, DbStatement *statement, GError **error) {
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)key_row_free);
  DbStep step;
  while ((step = db_step(store->db, statement, error)) == DB_ROW)
    g_ptr_array_add(rows, read_key_row(store, statement));
  return step == DB_DONE ? g_steal_pointer(&rows) : NULL;
}

GPtrArray *store_list_children(Store *store, gint64 parent, const char *from_fold, GError **error) {
  return store_page_children(store, parent, from_fold, G_MAXUINT, error);
}

GPtrArray *store_page_children(Store *store, gint64 parent, const char *from_fold, guint most,
                               GError **error) {
  if (store->shadow != NULL && !shadow_get_children(store->shadow, parent, error))
    return NULL;
  g_autoptr(DbStatement) statement =
      db_prepare(store->db,
                 "SELECT " KEY_COLUMNS
                 " FROM keys WHERE parent = ?1 AND live = 1 AND fold >= ?2 ORDER BY fold LIMIT ?3",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, parent);
  db_bind_text(statement, 2, from_fold != NULL ? from_fold : "");
  db_bind_int(statement, 3, most);
  GPtrArray *rows = collect_keys(store, statement, error);
  if (rows == NULL)
    store_name_damage(store, parent, error);
  return rows;
}

GPtrArray *store_list_volatile(Store *store, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store->db,
      "SELECT " KEY_COLUMNS " FROM keys WHERE volatile AND live AND"
      " NOT coalesce((SELECT volatile FROM keys AS above WHERE above.id = keys.parent), 0)",
      error);
  return statement != NULL ? collect_keys(store, statement, error) : NULL;
}

gboolean store_query_number(Store *store, const char *sql, gint64 parameter, gint64 *number,
                            GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store->db, sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, parameter);
  DbStep step = db_step(store->db, statement, error);
  *number = step == DB_ROW ? db_column_int(statement, 0) : 0;
  return step != DB_FAILED;
}

gboolean store_count_children(Store *store, gint64 parent, guint32 *count, GError **error) {
  if (store->shadow != NULL && !shadow_get_children(store->shadow, parent, error))
    return FALSE;
  gint64 number = 0;
  gboolean done = store_query_number(
      store, "SELECT count(*) FROM keys WHERE parent = ?1 AND live = 1", parent, &number, error);
  *count = (guint32)number;
  return done;
}

gboolean store_has_children(Store *store, gint64 parent, gboolean *has, GError **error) {
  if (store->shadow != NULL && !shadow_get_children(store->shadow, parent, error))
    return FALSE;
  gint64 number = 0;
  gboolean done =
      store_query_number(store, "SELECT EXISTS(SELECT 1 FROM keys WHERE parent = ?1 AND live = 1)",
                         parent, &number, error);
  *has = number != 0;
  return done;
}

/* ---- paths ---- */

/* Adds the path of a row below @above (NULL: of a root) to the cache. */
static GRefString *keep_path(Store *store, gint64 id, const char *above, const char *name) {
  g_autofree char *path = above != NULL ? g_strconcat(above, "\\", name, NULL) : g_strdup(name);
  gsize length = strlen(path);
  db_add_work(store->db, length);
  if (g_hash_table_size(store->paths) >= PATH_CACHE_SIZE ||
      store->path_bytes + length > PATH_CACHE_BYTES)
    store_forget_paths(store);
  store->path_bytes += length;
  GRefString *made = g_ref_string_new(path);
  g_hash_table_insert(store->paths, g_memdup2(&id, sizeof id), g_ref_string_acquire(made));
  return made;
}

GRefString *store_get_path(Store *store, gint64 id, GError **error) {
  GRefString *known = g_hash_table_lookup(store->paths, &id);
  if (known != NULL)
    return g_ref_string_acquire(known);

  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(store, id, &row, error))
    return NULL;
  if (row->parent == 0)
    return keep_path(store, id, NULL, row->name);
  /* Recursion is as deep as the tree: at most LIMIT_DEPTH. */
  GRefString *above = store_get_path(store, row->parent, error);
  if (above == NULL)
    return NULL;
  GRefString *made = keep_path(store, id, above, row->name);
  g_ref_string_release(above);
  return made;
}

/* The path of a new key is needed at once. */
static void note_path(Store *store, const KeyRow *row) {
  GRefString *above = g_hash_table_lookup(store->paths, &row->parent);
  if (above == NULL)
    return;
  g_ref_string_acquire(above); /* the table may be emptied */
  g_ref_string_release(keep_path(store, row->id, above, row->name));
  g_ref_string_release(above);
}

void store_forget_paths(Store *store) {
  store->path_bytes = 0;
  g_hash_table_remove_all(store->paths);
}

void store_give_memory_back(Store *store) {
  store_forget_paths(store);
  db_give_memory_back(store->db);
}

/* ---- writing keys ---- */

static void bind_attributes(DbStatement *statement, const KeyRow *row) {
  db_bind_text(statement, 2, row->name);
  db_bind_text(statement, 3, row->class_name);
  db_bind_text(statement, 4, row->link);
  db_bind_int(statement, 5, row->link_by_administrator);
  db_bind_int(statement, 6, row->is_volatile);
  db_bind_int(statement, 7, row->acl);
  db_bind_int(statement, 8, (gint64)row->revision);
  db_bind_int(statement, 9, (gint64)row->children_revision);
  db_bind_int(statement, 10, row->last_write);
}

gboolean store_update_key(Store *store, const KeyRow *row, GError **error) {
  DbStatement *statement = db_prepare(
      store->db,
      "UPDATE keys SET live = 1, name = ?2, class = ?3, link = ?4, link_by_administrator = ?5,"
      " volatile = ?6, acl = ?7, revision = ?8, children_revision = ?9, last_write = ?10"
      " WHERE id = ?1",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, row->id);
  bind_attributes(statement, row);
  return db_run(store->db, statement, error);
}

gboolean store_insert_key(Store *store, KeyRow *row, const char *fold, GError **error) {
  g_autoptr(KeyRow) dead = NULL;
  if (!store_find_dead_child(store, row->parent, fold, &dead, error))
    return FALSE;
  row->live = TRUE;
  if (dead != NULL) {
    if (!g_str_equal(dead->name, row->name))
      store_forget_paths(store);
    row->id = dead->id;
    return store_update_key(store, row, error);
  }

  g_autoptr(DbStatement) statement = db_prepare(
      store->db,
      "INSERT INTO keys(id, name, class, link, link_by_administrator, volatile, acl, revision,"
      " children_revision, last_write, parent, live, fold)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12)",
      error);
  if (statement == NULL)
    return FALSE;
  if (row->id != 0)
    db_bind_int(statement, 1, row->id);
  else
    db_bind_null(statement, 1);
  bind_attributes(statement, row);
  db_bind_int(statement, 11, row->parent);
  db_bind_text(statement, 12, fold);
  if (db_step(store->db, statement, error) != DB_DONE)
    return FALSE;
  row->id = db_get_inserted(store->db);
  note_path(store, row);
  return TRUE;
}

gboolean store_bury_key(Store *store, gint64 id, guint64 revision, GError **error) {
  DbStatement *statement = db_prepare(
      store->db, "UPDATE keys SET live = 0, volatile = 0, acl = 0, revision = ?2 WHERE id = ?1",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, id);
  db_bind_int(statement, 2, (gint64)revision);
  return db_run(store->db, statement, error);
}

gboolean store_touch_key(Store *store, gint64 id, guint64 revision, gint64 now, GError **error) {
  DbStatement *statement =
      db_prepare(store->db, "UPDATE keys SET revision = ?2, last_write = ?3 WHERE id = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, id);
  db_bind_int(statement, 2, (gint64)revision);
  db_bind_int(statement, 3, now);
  return db_run(store->db, statement, error);
}

gboolean store_touch_children(Store *store, gint64 id, guint64 revision, GError **error) {
  DbStatement *statement =
      db_prepare(store->db, "UPDATE keys SET children_revision = ?2 WHERE id = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, id);
  db_bind_int(statement, 2, (gint64)revision);
  return db_run(store->db, statement, error);
}

/* ---- access lists ---- */

static gboolean find_acl(Store *store, const char *text, gint64 *id, GError **error) {
  if (store->shadow != NULL && !shadow_find_acl(store->shadow, text, error))
    return FALSE;
  g_autoptr(DbStatement) statement =
      db_prepare(store->db, "SELECT id FROM acls WHERE text = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, text);
  DbStep step = db_step(store->db, statement, error);
  *id = step == DB_ROW ? db_column_int(statement, 0) : 0;
  return step != DB_FAILED;
}

gboolean store_intern_acl(Store *store, Acl *acl, gint64 *id, GError **error) {
  *id = 0;
  if (acl == NULL)
    return TRUE;
  g_autofree char *text = acl_encode(acl);
  if (!find_acl(store, text, id, error) || *id != 0)
    return *id != 0;
  DbStatement *statement = db_prepare(store->db, "INSERT INTO acls(text) VALUES(?1)", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, text);
  return db_run(store->db, statement, error) && find_acl(store, text, id, error);
}

static Acl *read_acl(Store *store, gint64 id, GError **error) {
  if (store->shadow != NULL && !shadow_get_acl(store->shadow, id, error))
    return NULL;
  g_autoptr(DbStatement) statement =
      db_prepare(store->db, "SELECT text FROM acls WHERE id = ?1", error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, id);
  DbStep step = db_step(store->db, statement, error);
  if (step == DB_DONE)
    error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
              "the database has lost an access list: restore a backup");
  return step == DB_ROW ? acl_decode(db_column_text(statement, 0), error) : NULL;
}

gboolean store_load_acl(Store *store, gint64 id, Acl **acl, GError **error) {
  *acl = id != 0 ? g_hash_table_lookup(store->acls, &id) : NULL;
  if (id == 0 || *acl != NULL)
    return TRUE;
  *acl = read_acl(store, id, error);
  if (*acl == NULL)
    return FALSE;
  g_hash_table_insert(store->acls, g_memdup2(&id, sizeof id), *acl);
  return TRUE;
}

/* ---- usage ---- */

gboolean store_load_usage(Store *store, guint32 uid, gint64 *bytes, GError **error) {
  if (store->shadow != NULL && !shadow_get_usage(store->shadow, uid, error))
    return FALSE;
  return store_query_number(store, "SELECT bytes FROM usage WHERE uid = ?1", uid, bytes, error);
}

gboolean store_add_usage(Store *store, guint32 uid, gint64 delta, GError **error) {
  if (store->shadow != NULL && !shadow_get_usage(store->shadow, uid, error))
    return FALSE;
  DbStatement *statement = db_prepare(store->db,
                                      "INSERT INTO usage VALUES(?1, max(0, ?2))"
                                      " ON CONFLICT(uid) DO UPDATE SET bytes = max(0, bytes + ?2)",
                                      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, uid);
  db_bind_int(statement, 2, delta);
  return db_run(store->db, statement, error);
}

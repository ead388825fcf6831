/* SPDX-License-Identifier: MIT */
/* See shadow.h. SQLite looks a name without a schema up among the temporary tables first. Rows
 * of `keys` are never deleted by a change, so that getting one again does no harm; values are,
 * so that all of a key are got once. New keys and lists have ids behind those of the database,
 * because its last ones are got at the beginning. What is declared and locked is read by many ways,
 * and seldom written: views of those names show the database's rows but for those that are hidden,
 * and the ones that were made instead. */
#include "regd/storage/shadow.h"

#include <string.h>

struct Shadow {
  Db *db;
  gint64 last_key;    /* of the database; those behind it are new */
  GHashTable *listed; /* ids of keys whose live sub-keys are there */
  GHashTable *valued; /* ids of keys whose values are there */
};

static GHashTable *new_ids(void) {
  return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

void shadow_free(Shadow *shadow) {
  if (shadow == NULL)
    return;
  g_hash_table_unref(shadow->listed);
  g_hash_table_unref(shadow->valued);
  g_free(shadow);
}

/* ---- the tables ---- */

/* "CREATE TABLE keys(...)" and "CREATE UNIQUE INDEX name ON keys(...)" as they would be of the
 * temporary tables. */
static char *make_temporary(const char *sql) {
  static const char *const words[] = {" TABLE ", " INDEX "};
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    const char *word = strstr(sql, words[i]);
    if (word == NULL)
      continue;
    const char *rest = word + strlen(words[i]);
    return g_strdup_printf("%.*stemp.%s", (int)(rest - sql), sql, rest);
  }
  return g_strdup(sql);
}

static GStrv list_tables(Db *db, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(db,
                 "SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND"
                 " tbl_name IN ('keys', 'stored', 'acls', 'usage') ORDER BY type DESC",
                 error);
  if (statement == NULL)
    return NULL;
  g_autoptr(GStrvBuilder) tables = g_strv_builder_new();
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW) {
    g_autofree char *sql = make_temporary(db_column_text(statement, 0));
    g_strv_builder_add(tables, sql);
  }
  return step == DB_DONE ? g_strv_builder_end(tables) : NULL;
}

static gboolean make_tables(Db *db, GError **error) {
  g_auto(GStrv) tables = list_tables(db, error);
  if (tables == NULL)
    return FALSE;
  for (char **sql = tables; *sql != NULL; sql++)
    if (!db_execute(db, *sql, error))
      return FALSE;
  return db_execute(db,
                    "INSERT INTO temp.keys SELECT * FROM main.keys ORDER BY id DESC LIMIT 1;"
                    "INSERT INTO temp.acls SELECT * FROM main.acls ORDER BY id DESC LIMIT 1",
                    error);
}

typedef struct {
  const char *table, *columns;
  const char *key; /* which of them name a row */
} Overlay;

static const Overlay overlays[] = {
    {"declared", "path, what, fold, owner, key, name, type, data, closed",
     "path, what, fold, owner"},
    {"locks", "path, whole, fold, key, name, reason, uid, time", "path, whole, fold"},
};

/* The columns, with @of ("NEW.", "OLD.") before each. */
static char *qualify(const char *columns, const char *of) {
  g_auto(GStrv) names = g_strsplit(columns, ", ", -1);
  g_autofree char *separator = g_strconcat(", ", of, NULL);
  g_autofree char *rest = g_strjoinv(separator, names);
  return g_strconcat(of, rest, NULL);
}

static char *make_view(const Overlay *overlay) {
  const char *table = overlay->table;
  const char *columns = overlay->columns;
  const char *key = overlay->key;
  return g_strdup_printf("CREATE TABLE temp.%s_made(%s, PRIMARY KEY(%s)) WITHOUT ROWID;"
                         "CREATE TABLE temp.%s_hidden(%s, PRIMARY KEY(%s)) WITHOUT ROWID;"
                         "CREATE TEMP VIEW %s AS"
                         " SELECT %s FROM main.%s WHERE (%s) NOT IN (SELECT %s FROM temp.%s_hidden)"
                         " UNION ALL SELECT %s FROM temp.%s_made;",
                         table, columns, key, table, key, key, table, columns, table, key, key,
                         table, columns, table);
}

/* What writing to the view does. */
static char *make_triggers(const Overlay *overlay) {
  const char *table = overlay->table;
  g_autofree char *new_row = qualify(overlay->columns, "NEW.");
  g_autofree char *new_key = qualify(overlay->key, "NEW.");
  g_autofree char *old_key = qualify(overlay->key, "OLD.");
  return g_strdup_printf("CREATE TEMP TRIGGER %s_made_there INSTEAD OF INSERT ON %s BEGIN"
                         " INSERT OR REPLACE INTO %s_hidden VALUES(%s);"
                         " INSERT OR REPLACE INTO %s_made VALUES(%s); END;"
                         "CREATE TEMP TRIGGER %s_gone INSTEAD OF DELETE ON %s BEGIN"
                         " INSERT OR REPLACE INTO %s_hidden VALUES(%s);"
                         " DELETE FROM %s_made WHERE (%s) = (%s); END",
                         table, table, table, new_key, table, new_row, table, table, table, old_key,
                         table, overlay->key, old_key);
}

static gboolean make_views(Db *db, GError **error) {
  for (gsize i = 0; i < G_N_ELEMENTS(overlays); i++) {
    g_autofree char *view = make_view(&overlays[i]);
    g_autofree char *triggers = make_triggers(&overlays[i]);
    if (!db_execute(db, view, error) || !db_execute(db, triggers, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean find_last_key(Shadow *shadow, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(shadow->db, "SELECT max(id) FROM temp.keys", error);
  if (statement == NULL || db_step(shadow->db, statement, error) != DB_ROW)
    return FALSE;
  shadow->last_key = db_column_int(statement, 0);
  return TRUE;
}

Shadow *shadow_new(Db *db, GError **error) {
  g_autoptr(Shadow) shadow = g_new0(Shadow, 1);
  shadow->db = db;
  shadow->listed = new_ids();
  shadow->valued = new_ids();
  /* What is tried is never rolled back: the connection ends with it. */
  if (!db_execute(db,
                  "PRAGMA query_only=OFF; PRAGMA temp_store=MEMORY; PRAGMA temp.journal_mode=OFF;"
                  "BEGIN",
                  error) ||
      !make_tables(db, error) || !make_views(db, error) || !find_last_key(shadow, error))
    return NULL;
  db_guard_file(db);
  return g_steal_pointer(&shadow);
}

/* ---- rows ---- */

/* The work is the shadow's, not the change's. */
static gboolean run(Shadow *shadow, DbStatement *statement, GError **error) {
  guint64 before = db_get_work(shadow->db);
  gboolean done = db_run(shadow->db, statement, error);
  db_set_work(shadow->db, before);
  return done;
}

static gboolean get(Shadow *shadow, const char *sql, gint64 parameter, GError **error) {
  DbStatement *statement = db_prepare(shadow->db, sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, parameter);
  return run(shadow, statement, error);
}

/* FALSE if the key's own are there already. */
static gboolean is_wanted(const Shadow *shadow, GHashTable *there, gint64 key) {
  return key <= shadow->last_key && !g_hash_table_contains(there, &key);
}

static void note(GHashTable *there, gint64 key) {
  g_hash_table_add(there, g_memdup2(&key, sizeof key));
}

gboolean shadow_get_key(Shadow *shadow, gint64 id, GError **error) {
  return id > shadow->last_key ||
         get(shadow, "INSERT OR IGNORE INTO temp.keys SELECT * FROM main.keys WHERE id = ?1", id,
             error);
}

gboolean shadow_get_child(Shadow *shadow, gint64 parent, const char *fold, GError **error) {
  if (parent > shadow->last_key)
    return TRUE;
  DbStatement *statement = db_prepare(shadow->db,
                                      "INSERT OR IGNORE INTO temp.keys SELECT * FROM main.keys"
                                      " WHERE parent = ?1 AND live IN (0, 1) AND fold = ?2",
                                      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, parent);
  db_bind_text(statement, 2, fold);
  return run(shadow, statement, error);
}

gboolean shadow_get_children(Shadow *shadow, gint64 parent, GError **error) {
  if (!is_wanted(shadow, shadow->listed, parent))
    return TRUE;
  note(shadow->listed, parent);
  return get(shadow,
             "INSERT OR IGNORE INTO temp.keys SELECT * FROM main.keys"
             " WHERE parent = ?1 AND live = 1",
             parent, error);
}

gboolean shadow_get_values(Shadow *shadow, gint64 key, GError **error) {
  if (!is_wanted(shadow, shadow->valued, key))
    return TRUE;
  note(shadow->valued, key);
  return get(shadow, "INSERT INTO temp.stored SELECT * FROM main.stored WHERE key = ?1", key,
             error);
}

gboolean shadow_get_acl(Shadow *shadow, gint64 id, GError **error) {
  return get(shadow, "INSERT OR IGNORE INTO temp.acls SELECT * FROM main.acls WHERE id = ?1", id,
             error);
}

gboolean shadow_find_acl(Shadow *shadow, const char *text, GError **error) {
  DbStatement *statement = db_prepare(
      shadow->db, "INSERT OR IGNORE INTO temp.acls SELECT * FROM main.acls WHERE text = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, text);
  return run(shadow, statement, error);
}

gboolean shadow_get_usage(Shadow *shadow, gint64 uid, GError **error) {
  return get(shadow, "INSERT OR IGNORE INTO temp.usage SELECT * FROM main.usage WHERE uid = ?1",
             uid, error);
}

/* Reading history back (see history.h): replaying it to watchers, and telling
 * of it. Decides nothing of who may hear what. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history.h"

/* ---- replaying ---- */
/* The lists must outlive the store's cache: the Effective takes its own references. */
static gboolean replay_row(Store *store, DbStatement *statement, Effective *effective,
                           GError **error) {
  Acl *before = NULL;
  Acl *after = NULL;
  GRefString *path = store_get_path(store, db_column_int(statement, 2), error);
  if (path == NULL)
    return FALSE;
  const char *name = db_column_text(statement, 3);
  gboolean done = store_load_acl(store, db_column_int(statement, 4), &before, error) &&
                  store_load_acl(store, db_column_int(statement, 5), &after, error);
  if (done)
    effective_add(effective, (ChangeKind)db_column_int(statement, 1), path,
                  name != NULL ? name : "", before, after)
        ->reroutes = db_column_int(statement, 6) != 0;
  g_ref_string_release(path);
  return done;
}

static gboolean replay_rows(Store *store, DbStatement *statement, GPtrArray *effectives,
                            GError **error) {
  guint rows = 0;
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    guint64 revision = (guint64)db_column_int(statement, 0);
    Effective *last =
        effectives->len > 0 ? g_ptr_array_index(effectives, effectives->len - 1) : NULL;
    if (last == NULL || last->revision != revision) {
      last = effective_new(revision);
      g_ptr_array_add(effectives, last);
    }
    if (++rows > LIMIT_REPLAY_CHANGES)
      return error_set(error, REGISTRY_ERROR_HISTORY_GONE,
                       "more than %u changes have been made since: read again",
                       LIMIT_REPLAY_CHANGES);
    if (!replay_row(store, statement, last, error))
      return FALSE;
  }
  return step == DB_DONE;
}

GPtrArray *history_replay(Store *store, guint64 since, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, kind, key, name, acl_before, acl_after, reroutes FROM history"
                 " WHERE revision > ?1 ORDER BY revision, sequence",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GPtrArray) effectives = g_ptr_array_new_with_free_func((GDestroyNotify)effective_unref);
  return replay_rows(store, statement, effectives, error) ? g_steal_pointer(&effectives) : NULL;
}

/* ---- which keys are in a branch ---- */

struct HistoryBranch {
  Store *store;
  gint64 key;
  GHashTable *known; /* key id -> whether it is at or below `key`, plus 1 */
};

HistoryBranch *history_branch_new(Store *store, gint64 key) {
  HistoryBranch *branch = g_new0(HistoryBranch, 1);
  branch->store = store;
  branch->key = key;
  branch->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  return branch;
}

void history_branch_free(HistoryBranch *branch) {
  if (branch == NULL)
    return;
  g_hash_table_unref(branch->known);
  g_free(branch);
}

gboolean history_branch_holds(HistoryBranch *branch, gint64 key, gboolean *holds, GError **error) {
  if (key == branch->key || key == 0) {
    *holds = key == branch->key;
    return TRUE;
  }
  gpointer known = g_hash_table_lookup(branch->known, &key);
  if (known != NULL) {
    *holds = GPOINTER_TO_INT(known) == 2;
    return TRUE;
  }
  g_autoptr(KeyRow) row = NULL;
  if (!store_get_key(branch->store, key, &row, error) ||
      !history_branch_holds(branch, row->parent, holds, error))
    return FALSE;
  g_hash_table_insert(branch->known, g_memdup2(&key, sizeof key), GINT_TO_POINTER(*holds + 1));
  return TRUE;
}

static GArray *collect_numbers(Store *store, DbStatement *statement, GError **error) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    gint64 number = db_column_int(statement, 0);
    g_array_append_val(numbers, number);
  }
  return step == DB_DONE ? g_steal_pointer(&numbers) : NULL;
}

gboolean history_has_changed(Store *store, gint64 key, guint64 since, gboolean *changed,
                             GError **error) {
  *changed = FALSE;
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT DISTINCT key FROM history WHERE revision > ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GArray) keys = collect_numbers(store, statement, error);
  g_autoptr(HistoryBranch) branch = history_branch_new(store, key);
  for (guint i = 0; keys != NULL && i < keys->len && !*changed; i++)
    if (!history_branch_holds(branch, g_array_index(keys, gint64, i), changed, error))
      return FALSE;
  return keys != NULL;
}

/* ---- revisions ---- */

void revision_row_free(RevisionRow *row) {
  if (row == NULL)
    return;
  g_free(row->program);
  g_free(row->comment);
  g_free(row);
}

gboolean history_get_revision(Store *store, guint64 revision, RevisionRow **row, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT time, uid, pid, program, comment FROM revisions WHERE revision = ?1", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  *row = NULL;
  if (step != DB_ROW)
    return step == DB_DONE;
  *row = g_new0(RevisionRow, 1);
  (*row)->revision = revision;
  (*row)->time = db_column_int(statement, 0);
  (*row)->uid = (guint32)db_column_int(statement, 1);
  (*row)->pid = (guint32)db_column_int(statement, 2);
  (*row)->program = g_strdup(db_column_text(statement, 3));
  (*row)->comment = g_strdup(db_column_text(statement, 4));
  return TRUE;
}

/* A branch of so many keys is quicker searched by going back through all of history. */
#define SMALL_BRANCH 512

GArray *history_list_branch(Store *store, gint64 key, guint limit, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "WITH RECURSIVE branch(id) AS (VALUES(?1) UNION ALL"
      " SELECT keys.id FROM keys, branch WHERE keys.parent = branch.id AND keys.live IN (0, 1))"
      " SELECT id FROM branch LIMIT ?2",
      error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, limit);
  return collect_numbers(store, statement, error);
}

static gint newest_first(gconstpointer a, gconstpointer b) {
  gint64 first = *(const gint64 *)a;
  gint64 second = *(const gint64 *)b;
  return first > second ? -1 : first < second;
}

static gboolean add_revisions(Store *store, gint64 key, guint64 before, guint64 horizon,
                              guint limit, GArray *revisions, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT DISTINCT revision FROM history WHERE key = ?1 AND revision < ?2"
                 " AND revision > ?3"
                 " ORDER BY revision DESC LIMIT ?4",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)before);
  db_bind_int(statement, 3, (gint64)horizon);
  db_bind_int(statement, 4, limit);
  g_autoptr(GArray) found = collect_numbers(store, statement, error);
  if (found == NULL)
    return FALSE;
  g_array_append_vals(revisions, found->data, found->len);
  return TRUE;
}

static void keep_newest(GArray *revisions, guint limit) {
  g_array_sort(revisions, newest_first);
  guint kept = 0;
  for (guint i = 0; i < revisions->len && kept < limit; i++) {
    gint64 revision = g_array_index(revisions, gint64, i);
    if (kept == 0 || g_array_index(revisions, gint64, kept - 1) != revision)
      g_array_index(revisions, gint64, kept++) = revision;
  }
  g_array_set_size(revisions, kept);
}

static GArray *search_back(Store *store, gint64 key, guint64 before, guint64 horizon, guint limit,
                           GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, key FROM history WHERE revision < ?1 AND revision > ?2"
                 " ORDER BY revision DESC, sequence",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)before);
  db_bind_int(statement, 2, (gint64)horizon);
  g_autoptr(HistoryBranch) branch = history_branch_new(store, key);
  g_autoptr(GArray) revisions = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 last = -1;
  DbStep step = DB_DONE;
  while (revisions->len < limit &&
         (step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    gint64 revision = db_column_int(statement, 0);
    gboolean holds = FALSE;
    if (revision == last)
      continue;
    if (!history_branch_holds(branch, db_column_int(statement, 1), &holds, error))
      return NULL;
    if (!holds)
      continue;
    last = revision;
    g_array_append_val(revisions, revision);
  }
  return step != DB_FAILED ? g_steal_pointer(&revisions) : NULL;
}

GArray *history_list_revisions(Store *store, gint64 key, guint64 before, guint64 horizon,
                               guint limit, GError **error) {
  before = before == 0 ? G_MAXINT64 : MIN(before, (guint64)G_MAXINT64);
  g_autoptr(GArray) keys = history_list_branch(store, key, SMALL_BRANCH + 1, error);
  if (keys == NULL)
    return NULL;
  if (keys->len > SMALL_BRANCH)
    return search_back(store, key, before, horizon, limit, error);
  g_autoptr(GArray) revisions = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < keys->len; i++)
    if (!add_revisions(store, g_array_index(keys, gint64, i), before, horizon, limit, revisions,
                       error))
      return NULL;
  keep_newest(revisions, limit);
  return g_steal_pointer(&revisions);
}

/* ---- rows ---- */

#define ROW_COLUMNS                                                                                \
  "revision, kind, key, name, old_type, old_data, old_position, new_type, new_data, acl_before, "  \
  "acl_after, secret, reroutes, purged"

static RegistryValue *read_value(DbStatement *statement, int column) {
  if (db_column_is_null(statement, column))
    return NULL;
  gsize size = 0;
  const void *data = db_column_data(statement, column + 1, &size);
  return registry_value_new_bytes((guint32)db_column_int(statement, column), data, size);
}

static Difference *read_difference(DbStatement *statement) {
  Difference *difference = g_new0(Difference, 1);
  difference->kind = (ChangeKind)db_column_int(statement, 1);
  difference->key = db_column_int(statement, 2);
  difference->name = g_strdup(db_column_text(statement, 3));
  difference->old_value = read_value(statement, 4);
  if (difference->old_value == NULL && !db_column_is_null(statement, 5)) {
    gsize size = 0;
    const void *data = db_column_data(statement, 5, &size);
    difference->old_state = g_bytes_new(data, size);
  }
  difference->old_position = db_column_int(statement, 6);
  difference->new_value = read_value(statement, 7);
  difference->before_acl = db_column_int(statement, 9);
  difference->after_acl = db_column_int(statement, 10);
  difference->secret = db_column_int(statement, 11) != 0;
  difference->reroutes = db_column_int(statement, 12) != 0;
  difference->purged = db_column_int(statement, 13) != 0;
  return difference;
}

static gboolean visit_rows(Store *store, DbStatement *statement, HistoryVisit visit, gpointer data,
                           GError **error) {
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    g_autoptr(Difference) difference = read_difference(statement);
    GError *failure = NULL;
    if (visit(difference, (guint64)db_column_int(statement, 0), data, &failure))
      continue;
    if (failure != NULL)
      g_propagate_error(error, failure);
    return failure == NULL;
  }
  return step == DB_DONE;
}

gboolean history_visit_revision(Store *store, guint64 revision, HistoryVisit visit, gpointer data,
                                GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT " ROW_COLUMNS " FROM history WHERE revision = ?1 ORDER BY sequence", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  return visit_rows(store, statement, visit, data, error);
}

gboolean history_visit_back(Store *store, guint64 since, HistoryVisit visit, gpointer data,
                            GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT " ROW_COLUMNS
                 " FROM history WHERE revision > ?1 ORDER BY revision DESC, sequence DESC",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)since);
  return visit_rows(store, statement, visit, data, error);
}

gboolean history_visit_key(Store *store, gint64 key, guint64 since, HistoryVisit visit,
                           gpointer data, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT " ROW_COLUMNS " FROM history WHERE key = ?1 AND revision > ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)since);
  return visit_rows(store, statement, visit, data, error);
}

/* ---- forgetting ---- */

static gboolean purge_row(Store *store, gint64 revision, gint64 sequence, GError **error) {
  DbStatement *statement = db_prepare(
      store_get_db(store),
      "UPDATE history SET old_type = NULL, old_data = NULL, new_type = NULL, new_data = NULL,"
      " purged = 1 WHERE revision = ?1 AND sequence = ?2",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, revision);
  db_bind_int(statement, 2, sequence);
  return db_run(store_get_db(store), statement, error);
}

gboolean history_purge(Store *store, gint64 key, const char *name, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, sequence, name FROM history"
                 " WHERE key = ?1 AND name IS NOT NULL AND NOT reroutes",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    if (name != NULL && path_compare_names(db_column_text(statement, 2), name) != 0)
      continue;
    if (!purge_row(store, db_column_int(statement, 0), db_column_int(statement, 1), error))
      return FALSE;
  }
  return step == DB_DONE;
}

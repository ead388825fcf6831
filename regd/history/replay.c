/* SPDX-License-Identifier: MIT */
/* Reading history (see record.h): replaying it to watchers, and finding revisions. Does not decide
 * who may hear what. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history/encoding.h"
#include "regd/history/record.h"
#include "regd/history/rows.h"

/* ---- replaying ---- */

typedef struct {
  Store *store;
  const HistoryListener *listener;
  GPtrArray *effectives; /* of Effective; the last is the one being filled */
  guint held;            /* entries in all of them */
} Replay;

static void give_up(Replay *replay, Effective *effective) {
  replay->held -= effective->entries->len;
  g_ptr_array_set_size(effective->entries, 0);
  effective->too_many = TRUE;
}

/* The key of a row. */
typedef struct {
  gint64 id;
  GRefString *path;
  const char *fold; /* the folded path */
  gboolean on_way;  /* of the listener's */
} ReplayKey;

/* The lists must outlive the store's cache: the Effective takes its own references. */
static gboolean replay_entry(Replay *replay, const DifferenceRecord *entry, const ReplayKey *key,
                             Effective *effective, GError **error) {
  const HistoryListener *listener = replay->listener;
  Acl *before = NULL;
  Acl *after = NULL;
  if (!store_load_acl(replay->store, entry->before_acl, &before, error) ||
      !store_load_acl(replay->store, entry->after_acl, &after, error))
    return FALSE;
  GRefString *told = listener->get_path != NULL ? listener->get_path(key->id, listener->data, error)
                                                : g_ref_string_acquire(key->path);
  if (told == NULL)
    return FALSE;
  EffectiveEntry *added = effective_add(effective, entry->kind, told, entry->name, before, after);
  g_ref_string_release(told);
  added->reroutes = entry->reroutes;
  gboolean may = TRUE;
  if (listener->may_hear != NULL &&
      !listener->may_hear(added, key->id, listener->data, &may, error))
    return FALSE;
  if (!may) {
    g_ptr_array_set_size(effective->entries, (gint)effective->entries->len - 1);
    return TRUE;
  }
  replay->held++;
  if (effective->entries->len > LIMIT_SIGNAL_CHANGES || replay->held > LIMIT_REPLAY_CHANGES)
    give_up(replay, effective);
  return TRUE;
}

static gboolean replay_run(Replay *replay, RunReader *run, const ReplayKey *key, GError **error) {
  const HistoryListener *listener = replay->listener;
  Effective *effective = g_ptr_array_index(replay->effectives, replay->effectives->len - 1);
  DifferenceRecord entry;
  RunStep step = RUN_END;
  while (!effective->too_many && (step = run_read(run, &entry)) == RUN_ENTRY) {
    gboolean wanted =
        (key->on_way && entry.reroutes) ||
        effective_reaches(entry.kind, key->fold, listener->watched, listener->recursive);
    if (wanted && !replay_entry(replay, &entry, key, effective, error))
      return FALSE;
  }
  return effective->too_many || step == RUN_END || history_fail_damaged(replay->store, error);
}

/* Most rows do not concern the listener, and are not decoded. */
static gboolean replay_row(Replay *replay, DbStatement *statement, GError **error) {
  const HistoryListener *listener = replay->listener;
  gint64 id = db_column_int(statement, 1);
  GRefString *path = store_get_path(replay->store, id, error);
  if (path == NULL)
    return FALSE;
  g_autofree char *fold = path_fold(path);
  gboolean on_way = listener->way != NULL && g_hash_table_contains(listener->way, fold);
  gboolean near = effective_find_depth(fold, listener->watched) >= 0 ||
                  effective_find_depth(listener->watched, fold) >= 0;
  gboolean done = TRUE;
  if (on_way || near) {
    RunReader run;
    history_begin_run(replay->store, statement, 2, &run);
    done = replay_run(replay, &run, &(ReplayKey){id, path, fold, on_way}, error);
  }
  g_ref_string_release(path);
  return done;
}

static gboolean is_idle(const Effective *effective) {
  return effective->entries->len == 0 && !effective->too_many;
}

/* Afterwards the last one is that of @revision. */
static void begin_revision(GPtrArray *effectives, guint64 revision) {
  const Effective *last =
      effectives->len > 0 ? g_ptr_array_index(effectives, effectives->len - 1) : NULL;
  if (last != NULL && last->revision == revision)
    return;
  if (last != NULL && is_idle(last))
    g_ptr_array_set_size(effectives, (gint)effectives->len - 1);
  g_ptr_array_add(effectives, effective_new(revision));
}

/* The last of the revisions that are told one by one has been reached. */
static gboolean is_full(const GPtrArray *effectives) {
  return effectives->len > LIMIT_REPLAY_CHANGES &&
         !is_idle(g_ptr_array_index(effectives, effectives->len - 1));
}

/* What comes after the last one is not replayed, so that it stands for all of that. */
static gboolean replay_rows(Replay *replay, DbStatement *statement, GError **error) {
  GPtrArray *effectives = replay->effectives;
  DbStep step = DB_DONE;
  while (!is_full(effectives) &&
         (step = db_step(store_get_db(replay->store), statement, error)) == DB_ROW) {
    begin_revision(effectives, (guint64)db_column_int(statement, 0));
    if (!replay_row(replay, statement, error))
      return FALSE;
  }
  Effective *last = effectives->len > 0 ? g_ptr_array_index(effectives, effectives->len - 1) : NULL;
  if (last != NULL && is_full(effectives) && !last->too_many)
    give_up(replay, last);
  if (last != NULL && is_idle(last))
    g_ptr_array_set_size(effectives, (gint)effectives->len - 1);
  return step != DB_FAILED;
}

GPtrArray *history_replay(Store *store, guint64 since, const HistoryListener *listener,
                          GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT revision, key, run FROM history WHERE revision > ?1 ORDER BY revision, sequence",
      error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GPtrArray) effectives = g_ptr_array_new_with_free_func((GDestroyNotify)effective_free);
  Replay replay = {store, listener, effectives, 0};
  return replay_rows(&replay, statement, error) ? g_steal_pointer(&effectives) : NULL;
}

/* ---- what has changed in a branch ---- */

static GArray *collect_numbers(Store *store, DbStatement *statement, GError **error) {
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(gint64));
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    gint64 number = db_column_int(statement, 0);
    g_array_append_val(numbers, number);
  }
  return step == DB_DONE ? g_steal_pointer(&numbers) : NULL;
}

GArray *history_list_changed(Store *store, gint64 key, guint64 since, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT DISTINCT key FROM history WHERE revision > ?1", error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)since);
  g_autoptr(GArray) keys = collect_numbers(store, statement, error);
  g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(HistoryBranch) branch = history_branch_new(store, key);
  for (guint i = 0; keys != NULL && i < keys->len; i++) {
    gboolean holds = FALSE;
    if (!history_branch_holds(branch, g_array_index(keys, gint64, i), &holds, error))
      return NULL;
    if (holds)
      g_array_append_val(changed, g_array_index(keys, gint64, i));
  }
  return keys != NULL ? g_steal_pointer(&changed) : NULL;
}

/* ---- revisions ---- */

void revision_row_free(RevisionRow *row) {
  if (row == NULL)
    return;
  g_free(row->program);
  g_free(row->comment);
  g_free(row->origin);
  g_free(row);
}

gboolean history_get_revision(Store *store, guint64 revision, RevisionRow **row, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT time, uid, pid, program, comment, origin, fleet_revision, fleet_time"
                 " FROM history WHERE revision = ?1"
                 " ORDER BY sequence LIMIT 1",
                 error);
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
  (*row)->origin = g_strdup(db_column_text(statement, 5));
  (*row)->fleet_revision = (guint64)db_column_int(statement, 6);
  (*row)->fleet_time = db_column_int(statement, 7);
  return TRUE;
}

/* For a larger branch it is faster to go back through all of history. */
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

static gboolean add_revisions(Store *store, gint64 key, const HistoryRange *range,
                              GArray *revisions, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT DISTINCT revision FROM history WHERE key = ?1 AND revision < ?2"
                 " AND revision > ?3"
                 " ORDER BY revision DESC LIMIT ?4",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)range->before);
  db_bind_int(statement, 3, (gint64)range->horizon);
  db_bind_int(statement, 4, range->limit);
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

static GArray *search_back(Store *store, gint64 key, const HistoryRange *range, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, key FROM history WHERE revision < ?1 AND revision > ?2"
                 " ORDER BY revision DESC, sequence",
                 error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)range->before);
  db_bind_int(statement, 2, (gint64)range->horizon);
  g_autoptr(HistoryBranch) branch = history_branch_new(store, key);
  g_autoptr(GArray) revisions = g_array_new(FALSE, FALSE, sizeof(gint64));
  gint64 last = -1;
  DbStep step = DB_DONE;
  while (revisions->len < range->limit &&
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

GArray *history_list_revisions(Store *store, gint64 key, const HistoryRange *range,
                               GError **error) {
  HistoryRange bounded = *range;
  bounded.before = range->before == 0 ? G_MAXINT64 : MIN(range->before, (guint64)G_MAXINT64);
  g_autoptr(GArray) keys = history_list_branch(store, key, SMALL_BRANCH + 1, error);
  if (keys == NULL)
    return NULL;
  if (keys->len > SMALL_BRANCH)
    return search_back(store, key, &bounded, error);
  g_autoptr(GArray) revisions = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < keys->len; i++)
    if (!add_revisions(store, g_array_index(keys, gint64, i), &bounded, revisions, error))
      return NULL;
  keep_newest(revisions, range->limit);
  return g_steal_pointer(&revisions);
}

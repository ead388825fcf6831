/* SPDX-License-Identifier: MIT */
/* Reading history (see record.h): replaying it to watchers, and visiting it. Does not decide
 * who may hear what. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history/encoding.h"
#include "regd/history/record.h"

/* What is left of a row's run; column @column is its bytes. */
static void begin_run(Store *store, DbStatement *statement, int column, RunReader *run) {
  gsize size = 0;
  const void *bytes = db_column_data(statement, column, &size);
  db_add_work(store_get_db(store), size);
  run_reader_init(run, bytes, size);
}

static gboolean fail_damaged(Store *store, GError **error) {
  return db_fail_damaged(store_get_db(store), "a row of history can't be read", error);
}

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
  EffectiveEntry *added =
      effective_add(effective, entry->kind, key->path, entry->name, before, after);
  added->reroutes = entry->reroutes;
  if (listener->may_hear != NULL && !listener->may_hear(added, key->id, listener->data)) {
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
  return effective->too_many || step == RUN_END || fail_damaged(replay->store, error);
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
    begin_run(replay->store, statement, 2, &run);
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

static gboolean replay_rows(Replay *replay, DbStatement *statement, GError **error) {
  GPtrArray *effectives = replay->effectives;
  DbStep step = DB_DONE;
  /* So many signals exceed what may wait for one watcher (LIMIT_WATCHER_QUEUE_BYTES), which
   * then has to read again in any case. */
  while (effectives->len <= LIMIT_REPLAY_CHANGES &&
         (step = db_step(store_get_db(replay->store), statement, error)) == DB_ROW) {
    begin_revision(effectives, (guint64)db_column_int(statement, 0));
    if (!replay_row(replay, statement, error))
      return FALSE;
  }
  if (effectives->len > 0 && is_idle(g_ptr_array_index(effectives, effectives->len - 1)))
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
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT time, uid, pid, program, comment FROM history WHERE revision = ?1"
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
  return TRUE;
}

/* For a larger branch it is faster to go back through all of history. */
#define SMALL_BRANCH 512
/* So many rows of history are read faster than the keys of a branch are listed. */
#define SHORT_HISTORY 4096
/* A branch of more keys is not listed to find its rows of history. */
#define LISTED_BRANCH 50000

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

/* ---- rows ---- */

static RegistryValue *make_value(const RunValue *value) {
  return value->data != NULL ? registry_value_new_bytes(value->type, value->data, value->size)
                             : NULL;
}

static Difference *make_difference(gint64 key, const DifferenceRecord *entry) {
  Difference *difference = g_new0(Difference, 1);
  difference->kind = entry->kind;
  difference->key = key;
  difference->name = g_strdup(entry->name);
  difference->old_value = make_value(&entry->old_value);
  difference->old_position = entry->old_position;
  if (entry->old_state != NULL)
    difference->old_state = g_bytes_new(entry->old_state, entry->old_state_size);
  difference->new_value = make_value(&entry->new_value);
  difference->before_acl = entry->before_acl;
  difference->after_acl = entry->after_acl;
  difference->secret = entry->secret;
  difference->old_secret = entry->old_secret;
  difference->reroutes = entry->reroutes;
  difference->purged = entry->purged;
  difference->old_purged = entry->purged && entry->has_position;
  return difference;
}

typedef struct {
  Store *store;
  const HistoryVisitor *visitor;
  gboolean ended; /* by the visitor */
} Visit;

static gboolean visit_entry(Visit *visit, guint64 revision, gint64 key,
                            const DifferenceRecord *entry, GError **error) {
  if (!db_spend(store_get_db(visit->store), 1, error))
    return FALSE;
  g_autoptr(Difference) difference = make_difference(key, entry);
  GError *failure = NULL;
  if (visit->visitor->visit(difference, revision, visit->visitor->data, &failure))
    return TRUE;
  if (failure != NULL)
    g_propagate_error(error, failure);
  visit->ended = failure == NULL;
  return FALSE;
}

static gboolean visit_run(Visit *visit, guint64 revision, gint64 key, RunReader *run,
                          GError **error) {
  DifferenceRecord entry;
  RunStep step;
  while ((step = run_read(run, &entry)) == RUN_ENTRY)
    if (!visit_entry(visit, revision, key, &entry, error))
      return FALSE;
  return step == RUN_END || fail_damaged(visit->store, error);
}

static gboolean visit_run_back(Visit *visit, guint64 revision, gint64 key, RunReader *run,
                               GError **error) {
  g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(DifferenceRecord));
  DifferenceRecord entry;
  RunStep step;
  while ((step = run_read(run, &entry)) == RUN_ENTRY)
    g_array_append_val(entries, entry);
  if (step != RUN_END)
    return fail_damaged(visit->store, error);
  for (guint i = entries->len; i > 0; i--)
    if (!visit_entry(visit, revision, key, &g_array_index(entries, DifferenceRecord, i - 1), error))
      return FALSE;
  return TRUE;
}

typedef gboolean (*VisitRun)(Visit *visit, guint64 revision, gint64 key, RunReader *run,
                             GError **error);

/* Of rows with the columns revision, key and run. */
static gboolean visit_rows(Visit *visit, DbStatement *statement, VisitRun visit_one,
                           GError **error) {
  DbStep step;
  while ((step = db_step(store_get_db(visit->store), statement, error)) == DB_ROW) {
    RunReader run;
    begin_run(visit->store, statement, 2, &run);
    if (!visit_one(visit, (guint64)db_column_int(statement, 0), db_column_int(statement, 1), &run,
                   error))
      return visit->ended;
  }
  return step == DB_DONE;
}

gboolean history_visit_revision(Store *store, guint64 revision, const HistoryVisitor *visitor,
                                GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT revision, key, run FROM history WHERE revision = ?1 ORDER BY sequence", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  return visit_rows(&(Visit){store, visitor, FALSE}, statement, visit_run, error);
}

gboolean history_visit_back(Store *store, guint64 since, const HistoryVisitor *visitor,
                            GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, key, run FROM history WHERE revision > ?1"
                 " ORDER BY revision DESC, sequence DESC",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)since);
  return visit_rows(&(Visit){store, visitor, FALSE}, statement, visit_run_back, error);
}

static gboolean visit_key(Visit *visit, gint64 key, guint64 since, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(visit->store),
                 "SELECT revision, key, run FROM history WHERE key = ?1 AND revision > ?2"
                 " ORDER BY revision DESC, sequence DESC",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)since);
  return visit_rows(visit, statement, visit_run_back, error);
}

/* Whether there is too much since then to go through all of it. */
static gboolean is_long(Store *store, guint64 since, gboolean *is, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT 1 FROM history WHERE revision > ?1 LIMIT 1 OFFSET ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)since);
  db_bind_int(statement, 2, SHORT_HISTORY);
  DbStep step = db_step(store_get_db(store), statement, error);
  *is = step == DB_ROW;
  return step != DB_FAILED;
}

gboolean history_visit_branch(Store *store, const HistoryBranchRange *range,
                              const HistoryVisitor *visitor, GError **error) {
  gboolean is = FALSE;
  if (!is_long(store, range->since, &is, error))
    return FALSE;
  g_autoptr(GArray) keys =
      is ? history_list_branch(store, range->key, LISTED_BRANCH + 1, error) : NULL;
  if (is && keys == NULL)
    return FALSE;
  if (!is || keys->len > LISTED_BRANCH)
    return history_visit_back(store, range->since, visitor, error);
  Visit visit = {store, visitor, FALSE};
  g_array_append_vals(keys, range->above->data, range->above->len);
  for (guint i = 0; i < keys->len && !visit.ended; i++)
    if (!visit_key(&visit, g_array_index(keys, gint64, i), range->since, error))
      return FALSE;
  return TRUE;
}

gboolean history_visit_key(Store *store, gint64 key, guint64 since, const HistoryVisitor *visitor,
                           GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, key, run FROM history WHERE key = ?1 AND revision > ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)since);
  return visit_rows(&(Visit){store, visitor, FALSE}, statement, visit_run, error);
}

static gboolean find_secret(RunReader *run, const char *name, gboolean *secret) {
  DifferenceRecord entry;
  RunStep step;
  while ((step = run_read(run, &entry)) == RUN_ENTRY)
    if (entry.kind == CHANGE_VALUE_SET && path_compare_names(entry.name, name) == 0)
      *secret = entry.secret;
  return step == RUN_END;
}

gboolean history_was_secret(Store *store, gint64 key, guint64 revision, const char *name,
                            gboolean *secret, GError **error) {
  *secret = FALSE;
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT run FROM history WHERE revision = ?1 AND key = ?2 ORDER BY sequence", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  db_bind_int(statement, 2, key);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    RunReader run;
    begin_run(store, statement, 0, &run);
    if (!find_secret(&run, name, secret))
      return fail_damaged(store, error);
  }
  return step == DB_DONE;
}

/* ---- forgetting ---- */

static gboolean is_purged(const DifferenceRecord *entry, const char *name) {
  return entry->name != NULL && !entry->reroutes &&
         (name == NULL || path_compare_names(entry->name, name) == 0);
}

/* The run anew into @writer, without the data of @name (NULL: of any value). FALSE: it is
 * damaged. */
static gboolean purge_run(RunReader *run, const char *name, RunWriter *writer, gboolean *differs) {
  DifferenceRecord entry;
  RunStep step;
  *differs = FALSE;
  run_writer_begin(writer);
  while ((step = run_read(run, &entry)) == RUN_ENTRY) {
    if (is_purged(&entry, name)) {
      entry.old_value = entry.new_value = (RunValue){0};
      entry.purged = *differs = TRUE;
    }
    run_append(writer, &entry);
  }
  return step == RUN_END;
}

static gboolean replace_run(Store *store, gint64 revision, gint64 sequence, const RunWriter *run,
                            GError **error) {
  DbStatement *statement =
      db_prepare(store_get_db(store),
                 "UPDATE history SET run = ?3 WHERE revision = ?1 AND sequence = ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, revision);
  db_bind_int(statement, 2, sequence);
  db_bind_data(statement, 3, run->bytes->data, run->bytes->len);
  return db_run(store_get_db(store), statement, error);
}

gboolean history_purge(Store *store, gint64 key, const char *name, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT revision, sequence, run FROM history WHERE key = ?1", error);
  if (statement == NULL)
    return FALSE;
  g_auto(RunWriter) writer;
  run_writer_init(&writer);
  db_bind_int(statement, 1, key);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    RunReader run;
    gboolean differs = FALSE;
    begin_run(store, statement, 2, &run);
    if (!purge_run(&run, name, &writer, &differs))
      return fail_damaged(store, error);
    if (differs && !replace_run(store, db_column_int(statement, 0), db_column_int(statement, 1),
                                &writer, error))
      return FALSE;
  }
  return step == DB_DONE;
}

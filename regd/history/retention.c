/* SPDX-License-Identifier: MIT */
/* See retention.h.
 *
 * Each scope (the machine's root, HKEY_USERS itself, each user's branch) numbers the revisions
 * that touched it by ordinals 1, 2, 3, ... "History Revisions" counts ordinals, "History Days"
 * compares times, and "History Bytes Per User" bytes, all within a scope: a user who writes a
 * lot shortens only their own history.
 *
 * The table `scopes` does not have a row for each revision: a row stands for `count`
 * consecutive revisions, named by the last of them and its ordinal. A daemon that writes one
 * branch adds one row a transaction. Rows are sorted by ordinal, by time and by the sum of bytes
 * at once, so the ordinal of a date or of an amount is found by binary search (search_bound).
 *
 * The horizon is a revision that is computed from settings and time each time it is needed, so
 * a lower setting is effective at once. Pruning follows in small steps when nobody waits. It
 * deletes the oldest revision of a scope, but only those of its rows in `history` that lie in
 * this scope; `pruned` of the first remaining row counts how many revisions of it are deleted.
 * A revision on trial stops pruning, because undoing it needs its rows.
 *
 * History of a user that has too many bytes is pruned at each of that user's commits, by about
 * twice what the commit adds: when the queue is never empty, pruning would not keep up. */
#include "regd/history/retention.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history/record.h"
#include "regd/history/trials.h"
#include "regd/tree/place.h"

#define SCOPE_MACHINE ((gint64)1)
#define SCOPE_USERS ((gint64)2)
/* The scope of a user is this plus the uid. */
#define SCOPE_FIRST_USER ((gint64)1 << 32)

/* A revision on trial and all after it stay, though history has no room: up to so many times
 * what it may have. */
#define HISTORY_BEHIND_TRIAL 2

#define MICROSECONDS_A_DAY ((gint64)86400 * G_USEC_PER_SEC)

gint64 retention_get_scope(const char *path) {
  guint32 uid = 0;
  if (!g_str_has_prefix(path, path_root_get_name(PATH_ROOT_USERS)))
    return SCOPE_MACHINE;
  return resolve_get_branch(path, &uid) ? SCOPE_FIRST_USER + uid : SCOPE_USERS;
}

/* The first row of a query. */
typedef struct {
  int wanted; /* columns */
  gint64 columns[4];
  gboolean found; /* FALSE: there is no row, or its first column is NULL */
} Answer;

/* A query with up to three integer parameters. */
static gboolean query(Store *store, const char *sql, const gint64 parameters[3], Answer *answer,
                      GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store_get_db(store), sql, error);
  if (statement == NULL)
    return FALSE;
  for (int i = 0; i < 3; i++)
    db_bind_int(statement, i + 1, parameters[i]);
  DbStep step = db_step(store_get_db(store), statement, error);
  answer->found = step == DB_ROW && !db_column_is_null(statement, 0);
  for (int i = 0; answer->found && i < answer->wanted; i++)
    answer->columns[i] = db_column_int(statement, i);
  return step != DB_FAILED;
}

#define RUN_PARAMETERS 5
static gboolean run(Store *store, const char *sql, const gint64 parameters[RUN_PARAMETERS],
                    GError **error) {
  DbStatement *statement = db_prepare(store_get_db(store), sql, error);
  if (statement == NULL)
    return FALSE;
  for (int i = 0; i < RUN_PARAMETERS; i++)
    db_bind_int(statement, i + 1, parameters[i]);
  return db_run(store_get_db(store), statement, error);
}

/* ---- counting ---- */

/* Consecutive revisions that touched a scope. */
typedef struct {
  gint64 scope;
  guint64 last;
  guint count;
  gint64 time;
  gint64 bytes;
} Range;

/* A range of so many bytes takes no further revision: what exceeds the bytes that are kept goes
 * a range at a time. */
#define RANGE_BYTES ((gint64)256 * 1024)

struct RetentionCounts {
  GArray *ranges;
  GHashTable *newest; /* scope -> the place behind its newest range */
  GHashTable *added;  /* scope of a user -> gint64, bytes since retention_counts_settle() */
};

RetentionCounts *retention_counts_new(void) {
  RetentionCounts *counts = g_new0(RetentionCounts, 1);
  counts->ranges = g_array_new(FALSE, FALSE, sizeof(Range));
  counts->newest = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  counts->added = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  return counts;
}

void retention_counts_free(RetentionCounts *counts) {
  if (counts == NULL)
    return;
  g_array_unref(counts->ranges);
  g_hash_table_unref(counts->newest);
  g_hash_table_unref(counts->added);
  g_free(counts);
}

static void forget_ranges(RetentionCounts *counts) {
  g_array_set_size(counts->ranges, 0);
  g_hash_table_remove_all(counts->newest);
}

void retention_counts_clear(RetentionCounts *counts) {
  forget_ranges(counts);
  g_hash_table_remove_all(counts->added);
}

static void note_added(RetentionCounts *counts, gint64 scope, gint64 bytes) {
  if (scope < SCOPE_FIRST_USER)
    return;
  gint64 *added = g_hash_table_lookup(counts->added, &scope);
  if (added == NULL) {
    added = g_new0(gint64, 1);
    g_hash_table_insert(counts->added, g_memdup2(&scope, sizeof scope), added);
  }
  *added += bytes;
}

void retention_count(RetentionCounts *counts, gint64 scope, guint64 revision, gint64 now,
                     gint64 bytes) {
  guint behind = GPOINTER_TO_UINT(g_hash_table_lookup(counts->newest, &scope));
  Range *newest = behind > 0 ? &g_array_index(counts->ranges, Range, behind - 1) : NULL;
  note_added(counts, scope, bytes);
  if (newest != NULL && newest->last == revision) {
    newest->bytes += bytes;
    return;
  }
  if (newest != NULL && newest->last + 1 == revision && newest->bytes < RANGE_BYTES) {
    newest->last = revision;
    newest->count++;
    newest->bytes += bytes;
    return;
  }
  Range range = {scope, revision, 1, now, bytes};
  g_array_append_val(counts->ranges, range);
  g_hash_table_replace(counts->newest, g_memdup2(&scope, sizeof scope),
                       GUINT_TO_POINTER(counts->ranges->len));
}

static gboolean write_range(Store *store, const Range *range, GError **error) {
  return run(
      store,
      "INSERT INTO scopes(scope, ordinal, count, revision, time, pruned, bytes, total) VALUES(?1,"
      " coalesce((SELECT max(ordinal) FROM scopes WHERE scope = ?1), 0) + ?2, ?2, ?3, ?4, 0, ?5,"
      " coalesce((SELECT total FROM scopes WHERE scope = ?1 ORDER BY ordinal DESC LIMIT 1), 0)"
      " + ?5)",
      (gint64[]){range->scope, range->count, (gint64)range->last, range->time, range->bytes},
      error);
}

gboolean retention_counts_write(RetentionCounts *counts, Store *store, GError **error) {
  gboolean done = TRUE;
  for (guint i = 0; done && i < counts->ranges->len; i++)
    done = write_range(store, &g_array_index(counts->ranges, Range, i), error);
  forget_ranges(counts);
  return done;
}

/* ---- the horizon ---- */

typedef struct {
  gint64 scope;
  gint64 oldest, newest; /* ordinals; the oldest's rows are still there */
  gint64 settled;        /* the newest ordinal before those of the newest row */
  gint64 total;          /* bytes, ever */
} Scope;

static gboolean load_scope(Store *store, gint64 scope, Scope *range, gboolean *found,
                           GError **error) {
  Answer oldest = {.wanted = 1};
  Answer newest = {.wanted = 3};
  if (!query(store,
             "SELECT ordinal - count + pruned + 1 FROM scopes WHERE scope = ?1"
             " ORDER BY ordinal LIMIT 1",
             (gint64[]){scope, 0, 0}, &oldest, error) ||
      !query(store,
             "SELECT ordinal, ordinal - count, total FROM scopes WHERE scope = ?1"
             " ORDER BY ordinal DESC LIMIT 1",
             (gint64[]){scope, 0, 0}, &newest, error))
    return FALSE;
  *range =
      (Scope){scope, oldest.columns[0], newest.columns[0], newest.columns[1], newest.columns[2]};
  *found = oldest.found && newest.found;
  return TRUE;
}

/* A revision by its ordinal in a scope. */
typedef struct {
  gboolean found;
  gint64 revision;
  gint64 time;
  gint64 before; /* bytes of all rows before its own */
} Dated;

static gboolean load_revision(Store *store, gint64 scope, gint64 ordinal, Dated *dated,
                              GError **error) {
  Answer answer = {.wanted = 4};
  gboolean done = query(store,
                        "SELECT revision - ordinal + ?2, time, total - bytes, ordinal - count"
                        " FROM scopes WHERE scope = ?1 AND ordinal >= ?2 ORDER BY ordinal LIMIT 1",
                        (gint64[]){scope, ordinal, 0}, &answer, error);
  *dated = (Dated){answer.found && ordinal > answer.columns[3], answer.columns[0],
                   answer.columns[1], answer.columns[2]};
  return done;
}

/* What goes up with ordinals, and the first of it that is kept. */
typedef struct {
  gsize offset; /* in Dated */
  gint64 least;
} Bound;

/* The newest ordinal up to @newest that lies below the bound. */
static gboolean search_bound(Store *store, const Scope *range, gint64 newest, const Bound *bound,
                             gint64 *ordinal, GError **error) {
  gint64 low = range->oldest - 1;
  gint64 high = MAX(newest, low);
  while (low < high) {
    gint64 middle = low + (high - low + 1) / 2;
    Dated dated;
    if (!load_revision(store, range->scope, middle, &dated, error))
      return FALSE;
    if (dated.found && G_STRUCT_MEMBER(gint64, &dated, bound->offset) < bound->least)
      low = middle;
    else
      high = middle - 1;
  }
  *ordinal = low;
  return TRUE;
}

static gboolean find_gone_by_age(const Retention *retention, const Scope *range, gint64 *ordinal,
                                 GError **error) {
  gint64 age = (gint64)retention->settings->history_days * MICROSECONDS_A_DAY;
  const Bound bound = {G_STRUCT_OFFSET(Dated, time), retention->now - age};
  return retention->settings->history_days == 0 ||
         search_bound(retention->store, range, range->newest, &bound, ordinal, error);
}

/* Bytes that history may have in the scope; what exceeds them goes, but for the newest. */
static gint64 get_byte_limit(const Retention *retention, gint64 scope) {
  return scope >= SCOPE_FIRST_USER ? (gint64)retention->settings->history_bytes_per_user
                                   : G_MAXINT64;
}

static gboolean find_gone_by_bytes(const Retention *retention, const Scope *range, gint64 *ordinal,
                                   GError **error) {
  const Bound bound = {G_STRUCT_OFFSET(Dated, before),
                       range->total - get_byte_limit(retention, range->scope)};
  return bound.least <= 0 ||
         search_bound(retention->store, range, range->settled, &bound, ordinal, error);
}

/* The newest ordinal that is out of reach. */
static gboolean find_last_gone(const Retention *retention, const Scope *range, gint64 *ordinal,
                               GError **error) {
  gint64 by_age = 0;
  gint64 by_bytes = 0;
  if (!find_gone_by_age(retention, range, &by_age, error) ||
      !find_gone_by_bytes(retention, range, &by_bytes, error))
    return FALSE;
  *ordinal = range->newest - (gint64)retention->settings->history_revisions;
  *ordinal = MAX(*ordinal, MAX(by_age, by_bytes));
  return TRUE;
}

static gboolean get_scope_horizon(const Retention *retention, gint64 scope, guint64 *horizon,
                                  GError **error) {
  Scope range = {0};
  gboolean found = FALSE;
  gint64 ordinal = 0;
  Dated dated;
  if (!load_scope(retention->store, scope, &range, &found, error))
    return FALSE;
  if (!found)
    return TRUE;
  if (!find_last_gone(retention, &range, &ordinal, error))
    return FALSE;
  ordinal = MAX(ordinal, range.oldest - 1); /* what is deleted stays out of reach */
  if (!load_revision(retention->store, scope, ordinal, &dated, error))
    return FALSE;
  if (dated.found)
    *horizon = MAX(*horizon, (guint64)dated.revision);
  return TRUE;
}

/* The next scope after *@scope that has rows; *@found is FALSE if there is none. */
static gboolean get_next_scope(Store *store, gint64 *scope, gboolean *found, GError **error) {
  Answer answer = {.wanted = 1};
  gboolean done = query(store, "SELECT min(scope) FROM scopes WHERE scope > ?1",
                        (gint64[]){*scope, 0, 0}, &answer, error);
  *found = done && answer.found;
  if (*found)
    *scope = answer.columns[0];
  return done;
}

gboolean retention_get_limit(const Retention *retention, const char *path, guint64 *limit,
                             GError **error) {
  *limit = 0;
  if (path_compare_names(path, path_root_get_name(PATH_ROOT_USERS)) != 0)
    return get_scope_horizon(retention, retention_get_scope(path), limit, error);
  gint64 scope = SCOPE_MACHINE;
  gboolean found = FALSE;
  gboolean done;
  while ((done = get_next_scope(retention->store, &scope, &found, error)) && found)
    if (!get_scope_horizon(retention, scope, limit, error))
      return FALSE;
  return done;
}

gboolean retention_get_horizon(const Retention *retention, const char *path, guint64 *horizon,
                               GError **error) {
  guint64 restoring = 0;
  if (!store_load_horizon(retention->store, &restoring, error) ||
      !retention_get_limit(retention, path, horizon, error))
    return FALSE;
  *horizon = MAX(*horizon, restoring);
  return TRUE;
}

/* ---- pruning ---- */

/* A row holds many differences, or a large one: each so many bytes of it, about the size of a
 * difference, count for one more. */
#define COUNTED_BYTES 128

typedef struct {
  gint64 sequence, key;
} PrunedRow;

/* What of a revision may be deleted in one step. */
typedef struct {
  gint64 scope;
  gint64 *left;      /* how much more may be deleted */
  GArray *rows;      /* of PrunedRow, in order */
  gint64 first_kept; /* the first row found of another scope, or -1 */
} Pruned;

static void pruned_clear(Pruned *pruned) {
  g_clear_pointer(&pruned->rows, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pruned, pruned_clear)

static gboolean list_row(Store *store, DbStatement *statement, Pruned *pruned, GError **error) {
  PrunedRow row = {db_column_int(statement, 0), db_column_int(statement, 1)};
  GRefString *path = store_get_path(store, row.key, error);
  if (path == NULL)
    return FALSE;
  if (retention_get_scope(path) == pruned->scope) {
    g_array_append_val(pruned->rows, row);
    *pruned->left -= 1 + db_column_int(statement, 2) / COUNTED_BYTES;
  } else if (pruned->first_kept < 0) {
    pruned->first_kept = row.sequence;
  }
  g_ref_string_release(path);
  return TRUE;
}

/* If *left is used up, there may be more rows. */
static gboolean list_rows(Store *store, gint64 revision, Pruned *pruned, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT sequence, key, length(run) FROM history WHERE revision = ?1"
                 " ORDER BY sequence",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, revision);
  DbStep step = DB_DONE;
  while (*pruned->left > 0 && (step = db_step(store_get_db(store), statement, error)) == DB_ROW)
    if (!list_row(store, statement, pruned, error))
      return FALSE;
  return step != DB_FAILED;
}

/* Deletes a dead key that history no longer refers to, and then perhaps the one above it. */
static gboolean drop_dead(Store *store, gint64 key, GError **error) {
  Answer answer = {.wanted = 1, .found = TRUE};
  while (answer.found) {
    if (!query(store,
               "SELECT parent FROM keys WHERE id = ?1 AND NOT live"
               " AND NOT EXISTS(SELECT 1 FROM history WHERE key = ?1)"
               " AND NOT EXISTS(SELECT 1 FROM keys AS below WHERE below.parent = ?1"
               "                AND below.live IN (0, 1))",
               (gint64[]){key, 0, 0}, &answer, error))
      return FALSE;
    if (answer.found &&
        !run(store, "DELETE FROM keys WHERE id = ?1", (gint64[]){key, 0, 0, 0, 0}, error))
      return FALSE;
    key = answer.columns[0];
  }
  return TRUE;
}

/* The first row of a revision says who made it: this goes to the first row that stays. */
static gboolean hand_over_head(Store *store, gint64 revision, const Pruned *pruned,
                               GError **error) {
  const PrunedRow *last = &g_array_index(pruned->rows, PrunedRow, pruned->rows->len - 1);
  Answer heir = {.wanted = 1, .columns = {pruned->first_kept}, .found = pruned->first_kept >= 0};
  if (!heir.found &&
      !query(store, "SELECT min(sequence) FROM history WHERE revision = ?1 AND sequence > ?2",
             (gint64[]){revision, last->sequence, 0}, &heir, error))
    return FALSE;
  return !heir.found || run(store,
                            "UPDATE history SET (time, uid, pid, program, comment, origin,"
                            "  fleet_revision, fleet_time) ="
                            " (SELECT time, uid, pid, program, comment, origin, fleet_revision,"
                            "  fleet_time FROM history"
                            "  WHERE revision = ?1 ORDER BY sequence LIMIT 1)"
                            " WHERE revision = ?1 AND sequence = ?2",
                            (gint64[]){revision, heir.columns[0], 0, 0, 0}, error);
}

static gboolean drop_rows(Store *store, gint64 revision, const Pruned *pruned, GError **error) {
  const GArray *rows = pruned->rows;
  if (rows->len == 0)
    return TRUE;
  if (!hand_over_head(store, revision, pruned, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    if (!run(store, "DELETE FROM history WHERE revision = ?1 AND sequence = ?2",
             (gint64[]){revision, g_array_index(rows, PrunedRow, i).sequence, 0, 0, 0}, error))
      return FALSE;
  store_forget_paths(store);
  for (guint i = 0; i < rows->len; i++)
    if (!drop_dead(store, g_array_index(rows, PrunedRow, i).key, error))
      return FALSE;
  return TRUE;
}

/* The scope's oldest revision has no rows of it left. */
static gboolean note_pruned(Store *store, const Scope *range, GError **error) {
  return run(store, "DELETE FROM scopes WHERE scope = ?1 AND ordinal < ?2",
             (gint64[]){range->scope, range->oldest, 0, 0, 0}, error) &&
         run(store,
             "UPDATE scopes SET pruned = ?2 - ordinal + count WHERE scope = ?1 AND ordinal ="
             " (SELECT min(ordinal) FROM scopes WHERE scope = ?1 AND ordinal >= ?2)",
             (gint64[]){range->scope, range->oldest, 0, 0, 0}, error);
}

/* Prunes the oldest revision of the scope; *@left is what may still be deleted. */
static gboolean prune_oldest(Store *store, const Scope *range, gint64 *left, GError **error) {
  Dated dated;
  if (!load_revision(store, range->scope, range->oldest, &dated, error))
    return FALSE;
  g_auto(Pruned) pruned = {range->scope, left, g_array_new(FALSE, FALSE, sizeof(PrunedRow)), -1};
  if (!list_rows(store, dated.revision, &pruned, error) ||
      !drop_rows(store, dated.revision, &pruned, error))
    return FALSE;
  if (*left <= 0)
    return TRUE;
  *left -= pruned.rows->len == 0;
  return note_pruned(store, range, error);
}

static gboolean is_on_trial(Store *store, gint64 scope, gint64 ordinal, gboolean *on_trial,
                            GError **error) {
  Dated dated;
  *on_trial = FALSE;
  return load_revision(store, scope, ordinal, &dated, error) &&
         (!dated.found || trials_find(store, (guint64)dated.revision, on_trial, error));
}

static gboolean prune_scope(const Retention *retention, gint64 scope, gint64 *left,
                            GError **error) {
  Store *store = retention->store;
  for (;;) {
    Scope range = {0};
    gboolean found = FALSE;
    gboolean on_trial = FALSE;
    gint64 last_gone = 0;
    if (!load_scope(store, scope, &range, &found, error))
      return FALSE;
    if (!found || *left <= 0)
      return TRUE;
    if (!find_last_gone(retention, &range, &last_gone, error) ||
        !is_on_trial(store, scope, range.oldest, &on_trial, error))
      return FALSE;
    if (range.oldest > last_gone || range.oldest > range.newest || on_trial)
      return TRUE;
    if (!prune_oldest(store, &range, left, error))
      return FALSE;
  }
}

gboolean retention_prune(const Retention *retention, guint amount, gboolean *more, GError **error) {
  gint64 scope = 0;
  gint64 left = amount;
  gboolean found = FALSE;
  while (left > 0) {
    if (!get_next_scope(retention->store, &scope, &found, error))
      return FALSE;
    if (!found)
      break;
    if (!prune_scope(retention, scope, &left, error))
      return FALSE;
  }
  *more = left <= 0;
  return TRUE;
}

/* ---- at each commit ---- */

/* What a scope holds in bytes of history that is not deleted yet. */
static gboolean load_held(Store *store, gint64 scope, gint64 *bytes, GError **error) {
  Answer answer = {.wanted = 1};
  gboolean done = query(store,
                        "SELECT (SELECT total FROM scopes WHERE scope = ?1 ORDER BY ordinal DESC"
                        " LIMIT 1) - total + bytes FROM scopes WHERE scope = ?1"
                        " ORDER BY ordinal LIMIT 1",
                        (gint64[]){scope, 0, 0}, &answer, error);
  *bytes = answer.found ? answer.columns[0] : 0;
  return done;
}

static gboolean prune_full(const Retention *retention, gint64 scope, gint64 added, GError **error) {
  gint64 held = 0;
  gint64 left = LIMIT_PRUNED_DIFFERENCES + 2 * added / COUNTED_BYTES;
  if (!load_held(retention->store, scope, &held, error))
    return FALSE;
  return held <= get_byte_limit(retention, scope) || prune_scope(retention, scope, &left, error);
}

gboolean retention_counts_settle(RetentionCounts *counts, const Retention *retention,
                                 GError **error) {
  GHashTableIter iter;
  gpointer scope = NULL;
  gpointer added = NULL;
  if (!retention_counts_write(counts, retention->store, error))
    return FALSE;
  g_hash_table_iter_init(&iter, counts->added);
  while (g_hash_table_iter_next(&iter, &scope, &added))
    if (!prune_full(retention, *(const gint64 *)scope, *(const gint64 *)added, error))
      return FALSE;
  g_hash_table_remove_all(counts->added);
  return TRUE;
}

gboolean retention_check_room(const Retention *retention, const char *path, GError **error) {
  gint64 scope = retention_get_scope(path);
  gint64 held = 0;
  Scope range = {0};
  gboolean found = FALSE;
  gboolean on_trial = FALSE;
  if (!load_held(retention->store, scope, &held, error))
    return FALSE;
  if (held / HISTORY_BEHIND_TRIAL <= get_byte_limit(retention, scope))
    return TRUE;
  if (!load_scope(retention->store, scope, &range, &found, error) ||
      !is_on_trial(retention->store, scope, range.oldest, &on_trial, error))
    return FALSE;
  return !on_trial ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: history has %" G_GINT64_FORMAT " bytes since a change that is on trial "
                   "(History Bytes Per User): confirm it, or wait for its end",
                   path, held);
}

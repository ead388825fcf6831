/* SPDX-License-Identifier: MIT */
/* Visiting history (see record.h), one difference after the other, and forgetting old data. */
#include <string.h>

#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/history/encoding.h"
#include "regd/history/record.h"
#include "regd/history/rows.h"

/* So many rows of history are read faster than the keys of a branch are listed. */
#define SHORT_HISTORY 4096
/* A branch of more keys is not listed to find its rows of history. */
#define LISTED_BRANCH 50000

void history_begin_run(Store *store, DbStatement *statement, int column, RunReader *run) {
  gsize size = 0;
  const void *bytes = db_column_data(statement, column, &size);
  db_add_work(store_get_db(store), size);
  run_reader_init(run, bytes, size);
}

gboolean history_fail_damaged(Store *store, GError **error) {
  return db_fail_damaged(store_get_db(store), "a row of history can't be read", error);
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
  return step == RUN_END || history_fail_damaged(visit->store, error);
}

static gboolean visit_run_back(Visit *visit, guint64 revision, gint64 key, RunReader *run,
                               GError **error) {
  g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(DifferenceRecord));
  DifferenceRecord entry;
  RunStep step;
  while ((step = run_read(run, &entry)) == RUN_ENTRY)
    g_array_append_val(entries, entry);
  if (step != RUN_END)
    return history_fail_damaged(visit->store, error);
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
    history_begin_run(visit->store, statement, 2, &run);
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

/* @sql takes a key and a revision. */
static gboolean visit_rows_of_key(Visit *visit, const char *sql, gint64 key, guint64 revision,
                                  GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store_get_db(visit->store), sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, key);
  db_bind_int(statement, 2, (gint64)revision);
  return visit_rows(visit, statement, visit_run, error);
}

gboolean history_visit_key(Store *store, gint64 key, guint64 since, const HistoryVisitor *visitor,
                           GError **error) {
  return visit_rows_of_key(
      &(Visit){store, visitor, FALSE},
      "SELECT revision, key, run FROM history WHERE key = ?1 AND revision > ?2", key, since, error);
}

gboolean history_visit_key_at(Store *store, gint64 key, guint64 revision,
                              const HistoryVisitor *visitor, GError **error) {
  return visit_rows_of_key(&(Visit){store, visitor, FALSE},
                           "SELECT revision, key, run FROM history WHERE key = ?1 AND revision = ?2"
                           " ORDER BY sequence",
                           key, revision, error);
}

static gboolean find_secret(RunReader *run, const char *name, gboolean *secret) {
  DifferenceRecord entry;
  RunStep step;
  while ((step = run_read(run, &entry)) == RUN_ENTRY)
    if (entry.kind == CHANGE_VALUE_SET && path_compare_names(entry.name, name) == 0)
      *secret = entry.secret;
  return step == RUN_END;
}

gboolean history_was_secret(Store *store, gint64 key, const ValueRow *row, gboolean *secret,
                            GError **error) {
  *secret = row->secrecy == SECRECY_SECRET;
  if (row->secrecy != SECRECY_UNKNOWN)
    return TRUE;
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT run FROM history WHERE revision = ?1 AND key = ?2 ORDER BY sequence", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)row->revision);
  db_bind_int(statement, 2, key);
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    RunReader run;
    history_begin_run(store, statement, 0, &run);
    if (!find_secret(&run, row->name, secret))
      return history_fail_damaged(store, error);
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
    history_begin_run(store, statement, 2, &run);
    if (!purge_run(&run, name, &writer, &differs))
      return history_fail_damaged(store, error);
    if (differs && !replace_run(store, db_column_int(statement, 0), db_column_int(statement, 1),
                                &writer, error))
      return FALSE;
  }
  return step == DB_DONE;
}

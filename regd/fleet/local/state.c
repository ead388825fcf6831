/* SPDX-License-Identifier: MIT */
/* See state.h. */
#include "regd/fleet/local/state.h"

#include <string.h>

FleetState *fleet_state_copy(const FleetState *state) {
  if (state == NULL)
    return NULL;
  FleetState *copy = g_new0(FleetState, 1);
  copy->fleet = g_strdup(state->fleet);
  copy->uuid = g_bytes_ref(state->uuid);
  copy->mounts = g_strdupv(state->mounts);
  copy->applied = state->applied;
  copy->head = state->head != NULL ? g_bytes_ref(state->head) : NULL;
  copy->number = state->number;
  copy->open = state->open;
  memcpy(copy->digest, state->digest, sizeof copy->digest);
  return copy;
}

void fleet_state_free(FleetState *state) {
  if (state == NULL)
    return;
  g_free(state->fleet);
  g_clear_pointer(&state->uuid, g_bytes_unref);
  g_strfreev(state->mounts);
  g_clear_pointer(&state->head, g_bytes_unref);
  g_free(state);
}

static GBytes *dup_data(DbStatement *statement, int column) {
  gsize size = 0;
  const void *data = db_column_data(statement, column, &size);
  return g_bytes_new(data, size);
}

/* Zero if there is none. */
static void load_digest(DbStatement *statement, int column, guint8 *digest) {
  gsize size = 0;
  const void *data = db_column_data(statement, column, &size);
  if (size == FLEET_DIGEST_BYTES)
    memcpy(digest, data, size);
}

gboolean fleet_state_load(Store *store, FleetState **state, GError **error) {
  Db *db = store_get_db(store);
  *state = NULL;
  g_autoptr(DbStatement) statement =
      db_prepare(db,
                 "SELECT fleet, uuid, mounts, applied, head, number, digest, open FROM fleet"
                 " WHERE layer = ?1",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  DbStep step = db_step(db, statement, error);
  if (step != DB_ROW)
    return step == DB_DONE;
  FleetState *loaded = g_new0(FleetState, 1);
  loaded->fleet = g_strdup(db_column_text(statement, 0));
  loaded->uuid = dup_data(statement, 1);
  loaded->mounts = g_strsplit(db_column_text(statement, 2), "\n", -1);
  loaded->applied = (guint64)db_column_int(statement, 3);
  loaded->head = db_column_is_null(statement, 4) ? NULL : dup_data(statement, 4);
  loaded->number = (guint64)db_column_int(statement, 5);
  load_digest(statement, 6, loaded->digest);
  open_trials_read(&loaded->open, db_column_text(statement, 7));
  *state = loaded;
  return TRUE;
}

static void bind_bytes(DbStatement *statement, int parameter, GBytes *bytes) {
  gsize size = 0;
  const void *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
  if (bytes == NULL)
    db_bind_null(statement, parameter);
  else
    db_bind_data(statement, parameter, data, size);
}

gboolean fleet_state_save(Store *store, const FleetState *state, GError **error) {
  Db *db = store_get_db(store);
  g_autofree char *mounts = g_strjoinv("\n", state->mounts);
  g_autofree char *open = open_trials_write(&state->open);
  g_autoptr(DbStatement) statement =
      db_prepare(db,
                 "INSERT OR REPLACE INTO fleet"
                 "(layer, fleet, uuid, mounts, applied, head, number, digest, open)"
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, state->fleet);
  bind_bytes(statement, 3, state->uuid);
  db_bind_text(statement, 4, mounts);
  db_bind_int(statement, 5, (gint64)state->applied);
  bind_bytes(statement, 6, state->head);
  db_bind_int(statement, 7, (gint64)state->number);
  db_bind_data(statement, 8, state->digest, sizeof state->digest);
  db_bind_text(statement, 9, open);
  return db_run(db, statement, error);
}

gboolean fleet_state_delete(Store *store, GError **error) {
  return db_execute(store_get_db(store),
                    "DELETE FROM fleet; DELETE FROM fleet_problems; DELETE FROM fleet_records",
                    error);
}

/* ---- problems ---- */

void fleet_problem_free(gpointer data) {
  FleetProblem *problem = data;
  g_free(problem->record);
  g_free(problem->problem);
  g_free(problem);
}

gboolean fleet_problem_note(Store *store, const FleetProblem *problem, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement =
      db_prepare(db,
                 "INSERT OR REPLACE INTO fleet_problems(layer, record, problem, revision)"
                 " SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM fleet_problems) < ?5",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, problem->record);
  db_bind_text(statement, 3, problem->problem);
  db_bind_int(statement, 4, (gint64)problem->revision);
  db_bind_int(statement, 5, FLEET_LIMIT_PROBLEMS);
  return db_run(db, statement, error);
}

gboolean fleet_problem_find_any(Store *store, gboolean *found, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement =
      db_prepare(db, "SELECT 1 FROM fleet_problems WHERE layer = ?1 AND problem <> ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, FLEET_FOREIGN_WRITE);
  DbStep step = db_step(db, statement, error);
  *found = step == DB_ROW;
  return step != DB_FAILED;
}

gboolean fleet_problem_clear(Store *store, const char *record, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement = db_prepare(
      db, "DELETE FROM fleet_problems WHERE layer = ?1 AND record = ?2 AND problem <> ?3", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, record);
  db_bind_text(statement, 3, FLEET_FOREIGN_WRITE);
  return db_run(db, statement, error);
}

static gboolean delete_foreign(Store *store, gboolean foreign, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement =
      db_prepare(db, "DELETE FROM fleet_problems WHERE layer = ?1 AND (problem = ?2) = ?3", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, FLEET_FOREIGN_WRITE);
  db_bind_int(statement, 3, foreign ? 1 : 0);
  return db_run(db, statement, error);
}

gboolean fleet_problem_clear_all(Store *store, GError **error) {
  return delete_foreign(store, FALSE, error);
}

gboolean fleet_problem_acknowledge(Store *store, guint *count, GError **error) {
  g_autoptr(GPtrArray) problems = fleet_problem_list(store, error);
  if (problems == NULL)
    return FALSE;
  for (guint i = 0; i < problems->len; i++)
    *count += g_str_equal(((const FleetProblem *)problems->pdata[i])->problem, FLEET_FOREIGN_WRITE);
  return delete_foreign(store, TRUE, error);
}

GPtrArray *fleet_problem_list(Store *store, GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(fleet_problem_free);
  g_autoptr(DbStatement) statement = db_prepare(
      db,
      "SELECT record, problem, revision FROM fleet_problems WHERE layer = ?1 ORDER BY record"
      " LIMIT ?2",
      error);
  if (statement == NULL)
    return NULL;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_int(statement, 2, FLEET_LIMIT_PROBLEMS);
  DbStep step;
  while ((step = db_step(db, statement, error)) == DB_ROW) {
    FleetProblem *problem = g_new0(FleetProblem, 1);
    problem->record = g_strdup(db_column_text(statement, 0));
    problem->problem = g_strdup(db_column_text(statement, 1));
    problem->revision = (guint64)db_column_int(statement, 2);
    g_ptr_array_add(problems, problem);
  }
  return step == DB_DONE ? g_steal_pointer(&problems) : NULL;
}

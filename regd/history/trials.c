/* SPDX-License-Identifier: MIT */
/* See trials.h. The deadline of one that has ended is the revision of its end,
 * below zero. */
#include "regd/history/trials.h"

#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

/* How many trials a user has, and the steps that these took. */
typedef struct {
  gint64 number, steps;
} Load;

static gboolean get_load(Store *store, guint32 uid, Load *load, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT count(*), coalesce(sum(steps), 0) FROM trials WHERE uid = ?1"
                 " AND deadline >= 0 AND fleet = 0",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, uid);
  DbStep step = db_step(store_get_db(store), statement, error);
  *load = (Load){0};
  if (step == DB_ROW)
    *load = (Load){db_column_int(statement, 0), db_column_int(statement, 1)};
  return step != DB_FAILED;
}

static gboolean check_load(Store *store, const Trial *trial, GError **error) {
  Load load;
  if (!get_load(store, trial->uid, &load, error))
    return FALSE;
  if (load.number >= (gint64)LIMIT_TRIALS_PER_USER)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "%u changes of yours are on trial already: confirm some of them first",
                     LIMIT_TRIALS_PER_USER);
  guint64 steps = (guint64)load.steps + trial->steps;
  return steps <= trial->allowed ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "your changes on trial would take %" G_GUINT64_FORMAT
                   " steps together; %" G_GUINT64_FORMAT
                   " are allowed (Steps Per Change): confirm some of them first",
                   steps, trial->allowed);
}

static char *write_groups(const Identity *who) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; who != NULL && i < who->n_groups; i++)
    g_string_append_printf(text, "%s%u", i > 0 ? " " : "", who->groups[i]);
  return g_string_free(text, FALSE);
}

gboolean trials_add(Store *store, const Trial *trial, GError **error) {
  if (trial->fleet == 0 && !check_load(store, trial, error))
    return FALSE;
  DbStatement *statement =
      db_prepare(store_get_db(store),
                 "INSERT INTO trials(revision, uid, deadline, held, groups, steps, fleet)"
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                 error);
  if (statement == NULL)
    return FALSE;
  g_autofree char *groups = write_groups(trial->maker);
  db_bind_int(statement, 1, (gint64)trial->revision);
  db_bind_int(statement, 2, trial->uid);
  db_bind_int(statement, 3, trial->deadline);
  db_bind_int(statement, 4, trial->held);
  db_bind_text(statement, 5, groups);
  db_bind_int(statement, 6, (gint64)trial->steps);
  db_bind_int(statement, 7, (gint64)trial->fleet);
  return db_run(store_get_db(store), statement, error);
}

gboolean trials_find(Store *store, guint64 revision, gboolean *is_on_trial, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT 1 FROM trials WHERE revision = ?1 AND deadline >= 0", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  *is_on_trial = step == DB_ROW;
  return step != DB_FAILED;
}

static GArray *read_groups(const char *text) {
  GArray *groups = g_array_new(FALSE, FALSE, sizeof(guint32));
  g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", -1);
  for (guint i = 0; words[i] != NULL; i++) {
    guint64 number = 0;
    if (!g_ascii_string_to_unsigned(words[i], 10, 0, G_MAXUINT32 - 1, &number, NULL))
      continue;
    guint32 group = (guint32)number;
    g_array_append_val(groups, group);
  }
  return groups;
}

/* What undid a trial is the daemon's, which is stored as user 0. Who was an administrator by a
 * grant was one for their call only. */
Identity *trials_get_maker(Store *store, guint64 revision, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store), "SELECT uid, groups FROM trials WHERE revision = ?1", error);
  if (statement == NULL)
    return NULL;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  if (step == DB_FAILED)
    return NULL;
  guint32 uid = step == DB_ROW ? (guint32)db_column_int(statement, 0) : 0;
  g_autoptr(GArray) groups = read_groups(step == DB_ROW ? db_column_text(statement, 1) : NULL);
  return identity_new(uid, identity_is_administrator(uid, (guint32)getuid()),
                      (const guint32 *)(gpointer)groups->data, groups->len, 0, NULL);
}

/* Runs @sql with one revision, or two. */
static gboolean run(Store *store, const char *sql, guint64 first, guint64 second, GError **error) {
  DbStatement *statement = db_prepare(store_get_db(store), sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)first);
  if (second != 0)
    db_bind_int(statement, 2, (gint64)second);
  return db_run(store_get_db(store), statement, error);
}

gboolean trials_forget_ended(Store *store, GError **error) {
  return run(store,
             "DELETE FROM trials WHERE deadline < 0 AND (-deadline <= coalesce("
             "(SELECT min(revision) FROM trials WHERE deadline >= 0), -deadline)"
             " OR revision <= (SELECT revision FROM trials WHERE deadline < 0"
             " ORDER BY revision DESC LIMIT 1 OFFSET ?1))",
             LIMIT_ENDED_TRIALS, 0, error);
}

gboolean trials_release(Store *store, guint64 revision, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT uid, held FROM trials WHERE revision = ?1 AND held <> 0", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  if (step != DB_ROW)
    return step == DB_DONE;
  guint32 uid = (guint32)db_column_int(statement, 0);
  gint64 held = db_column_int(statement, 1);
  return store_add_usage(store, uid, -held, error) &&
         run(store, "UPDATE trials SET held = 0 WHERE revision = ?1", revision, 0, error);
}

gboolean trials_remove(Store *store, guint64 revision, GError **error) {
  return run(store, "DELETE FROM trials WHERE revision = ?1", revision, 0, error);
}

gboolean trials_end(Store *store, guint64 revision, guint64 end, GError **error) {
  return run(store, "UPDATE trials SET deadline = -?2 WHERE revision = ?1", revision, end, error);
}

gboolean trials_note_end(Store *store, guint64 revision, GError **error) {
  return run(store,
             "INSERT INTO trials(revision, uid, deadline) SELECT ?1, 0, -?1"
             " WHERE EXISTS(SELECT 1 FROM trials WHERE deadline >= 0)",
             revision, 0, error);
}

gboolean trials_is_ended(Store *store, guint64 revision, gboolean *is_ended, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store), "SELECT 1 FROM trials WHERE revision = ?1 AND deadline < 0", error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)revision);
  DbStep step = db_step(store_get_db(store), statement, error);
  *is_ended = step == DB_ROW;
  return step != DB_FAILED;
}

GArray *trials_list_ended(Store *store, guint64 revision, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision FROM trials WHERE revision < ?1 AND deadline < -?1"
                 " ORDER BY revision DESC",
                 error);
  if (statement == NULL)
    return NULL;
  g_autoptr(GArray) ended = g_array_new(FALSE, FALSE, sizeof(guint64));
  DbStep step;
  db_bind_int(statement, 1, (gint64)revision);
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    guint64 found = (guint64)db_column_int(statement, 0);
    g_array_append_val(ended, found);
  }
  return step == DB_FAILED ? NULL : g_steal_pointer(&ended);
}

gboolean trials_get_next(Store *store, gboolean of_fleet, Trial *trial, GError **error) {
  g_autoptr(DbStatement) statement =
      db_prepare(store_get_db(store),
                 "SELECT revision, uid, deadline, held, fleet FROM trials WHERE deadline >= 0"
                 " AND (fleet <> 0) = ?1 ORDER BY deadline LIMIT 1",
                 error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, of_fleet ? 1 : 0);
  DbStep step = db_step(store_get_db(store), statement, error);
  *trial = (Trial){0};
  if (step == DB_ROW)
    *trial = (Trial){.revision = (guint64)db_column_int(statement, 0),
                     .uid = (guint32)db_column_int(statement, 1),
                     .deadline = db_column_int(statement, 2),
                     .held = db_column_int(statement, 3),
                     .fleet = (guint64)db_column_int(statement, 4)};
  return step != DB_FAILED;
}

/* One number that @sql finds for @given; 0: none. */
static gboolean find_number(Store *store, const char *sql, guint64 given, guint64 *number,
                            GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(store_get_db(store), sql, error);
  if (statement == NULL)
    return FALSE;
  db_bind_int(statement, 1, (gint64)given);
  DbStep step = db_step(store_get_db(store), statement, error);
  *number = step == DB_ROW ? (guint64)db_column_int(statement, 0) : 0;
  return step != DB_FAILED;
}

gboolean trials_get_fleet(Store *store, guint64 revision, guint64 *fleet, GError **error) {
  return find_number(store, "SELECT fleet FROM trials WHERE revision = ?1", revision, fleet, error);
}

gboolean trials_is_of(Store *store, guint64 revision, guint32 uid, gboolean *is, GError **error) {
  guint64 maker = 0; /* and one more */
  gboolean done = find_number(
      store, "SELECT uid + 1 FROM trials WHERE revision = ?1 AND fleet <> 0 AND deadline >= 0",
      revision, &maker, error);
  *is = maker == (guint64)uid + 1;
  return done;
}

gboolean trials_find_fleet(Store *store, guint64 fleet, guint64 *revision, GError **error) {
  return find_number(store, "SELECT revision FROM trials WHERE fleet = ?1 AND deadline >= 0", fleet,
                     revision, error);
}

guint trials_count_fleet(Store *store) {
  guint64 count = 0;
  (void)find_number(store,
                    "SELECT count(*) FROM trials WHERE fleet <> 0 AND deadline >= 0 AND ?1 = 0", 0,
                    &count, NULL);
  return (guint)count;
}

guint trials_count_fleet_of(Store *store, guint32 uid) {
  guint64 count = 0;
  (void)find_number(store,
                    "SELECT count(*) FROM trials WHERE fleet <> 0 AND deadline >= 0 AND uid = ?1",
                    uid, &count, NULL);
  return (guint)count;
}

gboolean trials_forget_fleet(Store *store, const guint64 *kept, guint n_kept, GError **error) {
  g_autoptr(GString) sql =
      g_string_new("DELETE FROM trials WHERE deadline >= 0 AND fleet NOT IN (0");
  for (guint i = 0; i < n_kept; i++)
    g_string_append_printf(sql, ", %" G_GUINT64_FORMAT, kept[i]);
  g_string_append_c(sql, ')');
  return db_execute(store_get_db(store), sql->str, error);
}

gboolean trials_delay_fleet(Store *store, gint64 time, GError **error) {
  return run(store, "UPDATE trials SET deadline = deadline + ?1 WHERE fleet <> 0 AND deadline >= 0",
             (guint64)time, 0, error);
}

gboolean trials_postpone(Store *store, guint64 revision, gint64 deadline, GError **error) {
  return run(store, "UPDATE trials SET deadline = ?2 WHERE revision = ?1 AND deadline >= 0",
             revision, (guint64)deadline, error);
}

GArray *trials_list(Store *store, GError **error) {
  g_autoptr(DbStatement) statement = db_prepare(
      store_get_db(store),
      "SELECT revision, uid, deadline FROM trials WHERE deadline >= 0 ORDER BY revision", error);
  if (statement == NULL)
    return NULL;
  g_autoptr(GArray) trials = g_array_new(FALSE, FALSE, sizeof(Trial));
  DbStep step;
  while ((step = db_step(store_get_db(store), statement, error)) == DB_ROW) {
    const Trial trial = {.revision = (guint64)db_column_int(statement, 0),
                         .uid = (guint32)db_column_int(statement, 1),
                         .deadline = db_column_int(statement, 2)};
    g_array_append_val(trials, trial);
  }
  return step == DB_FAILED ? NULL : g_steal_pointer(&trials);
}

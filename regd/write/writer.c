/* SPDX-License-Identifier: MIT */
/* See writer.h. */
#include "regd/write/writer.h"

#include <pthread.h>
#include <time.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/threads/result-queue.h"
#include "client/threads/thread-shortage.h"
#include "regd/base/batch.h"
#include "regd/base/memory.h"
#include "regd/base/turns.h"
#include "regd/history/retention.h"
#include "regd/history/trials.h"
#include "regd/tree/settings.h"
#include "regd/upkeep/opening.h"
#include "regd/upkeep/seed.h"
#include "regd/write/apply.h"

struct Writer {
  ResultQueue *written; /* of Request */
  GThread *thread;
  GMutex mutex; /* guards the fields up to the empty line */
  GCond wake;
  Turns *waiting;  /* of Request */
  gboolean asked;  /* for a sign of life */
  gboolean sleeps; /* the thread waits, and nobody has woken it */
  WriterStatistics statistics;
  gboolean has_clock;
  clockid_t clock; /* what the thread has used of a processor */
  SchemaSet *schemas;

  GPtrArray *problems;    /* of char *; what was found at the start */
  int read_only;          /* atomic */
  const FleetHook *fleet; /* atomic; NULL: there is none */
  gint stopping;          /* atomic; set under the mutex */
  gint commits;           /* atomic */
  gint moved;             /* atomic: counts what the thread does */
  gint flushing;          /* atomic: it waits for the disk, and moves nothing */
  WriteDone own_done;     /* told of what the writer does by itself; set before the thread starts */
  gpointer own_data;

  /* Only the thread uses these. */
  Store *store;
  PlaceCache *places; /* of the newest state */
  RetentionCounts *counts;
  LockSet *locks;
  guint64 revision;
  LiveSettings settings;
  gboolean settings_are_stale;
  Trial next_trial;    /* the one that ends first; its revision is 0 if there is none */
  guint64 queued_undo; /* the trial whose undoing waits for its turn; 0: none */
  guint commits_until_pruning;
  gint64 cut_off; /* monotonic; 0: it is not stopping. What is not done then is refused */
  gint64 trim_at; /* monotonic; when memory is given back; 0: there is none to give */
  gboolean trims_again;
};

/* History is pruned after so many commits, when the queue is empty. */
#define PRUNE_EVERY 64U

/* Memory is given back so long after a large change, and once more later: on a busy machine its
 * results are not delivered, and freed, before. */
#define TRIM_DELAY (G_USEC_PER_SEC / 5)
#define TRIM_AGAIN_DELAY (2 * G_USEC_PER_SEC)
/* What a change costs its user in turns, besides its steps. */
#define CHANGE_COST 16U

/* ---- applying ---- */

static gboolean refresh_settings(Writer *writer, GError **error) {
  if (writer->settings_are_stale && !settings_load(writer->store, &writer->settings, error))
    return FALSE;
  writer->settings_are_stale = FALSE;
  return TRUE;
}

static SchemaSet *take_schemas(Writer *writer) {
  g_mutex_lock(&writer->mutex);
  SchemaSet *schemas = writer->schemas != NULL ? schema_set_ref(writer->schemas) : NULL;
  g_mutex_unlock(&writer->mutex);
  return schemas;
}

static gboolean is_stopping(const Writer *writer) {
  return g_atomic_int_get(&writer->stopping) != 0;
}

/* When it is told to stop, what runs and what waits has LIMIT_STOP_MS left. */
static gboolean may_go_on(gpointer data, GError **error) {
  Writer *writer = data;
  if (!is_stopping(writer))
    return TRUE;
  if (writer->cut_off == 0)
    writer->cut_off = g_get_monotonic_time() + (gint64)LIMIT_STOP_MS * 1000;
  return g_get_monotonic_time() < writer->cut_off ||
         error_set(error, REGISTRY_ERROR_UNREACHABLE,
                   "regd is being stopped: nothing of this change is kept; make it again when "
                   "regd runs");
}

/* FALSE: refused, with the reason in the request. */
static gboolean apply_request(Writer *writer, Request *request) {
  g_autoptr(SchemaSet) schemas = take_schemas(writer);
  write_result_clear(&request->result);
  if (!refresh_settings(writer, &request->result.error))
    return FALSE;
  ApplyContext context = {.store = writer->store,
                          .places = writer->places,
                          .counts = writer->counts,
                          .locks = writer->locks,
                          .schemas = schemas,
                          .settings = &writer->settings,
                          .fleet = g_atomic_pointer_get(&writer->fleet),
                          .revision = writer->revision,
                          .now = g_get_real_time(),
                          .may_go_on = may_go_on,
                          .may_go_on_data = writer};
  if (!apply_change(&context, request->who, request->change, &request->result,
                    &request->result.error))
    return FALSE;
  writer->revision = request->result.revision;
  if (request->result.effective != NULL &&
      settings_may_have_changed(&writer->settings, request->result.effective))
    writer->settings_are_stale = TRUE;
  return TRUE;
}

/* A commit that failed may be in the file all the same, and others see a commit a moment
 * before this thread knows of it. */
static gboolean commit(Writer *writer, GError **error) {
  g_atomic_int_inc(&writer->commits);
  g_atomic_int_set(&writer->flushing, 1);
  gboolean done = store_commit(writer->store, error);
  g_atomic_int_set(&writer->flushing, 0);
  g_atomic_int_inc(&writer->commits);
  if (done)
    db_note_revision(store_get_db(writer->store), writer->revision);
  return done;
}

/* ---- a batch ---- */

/* The next change that shares this flush; NULL: there is none. */
static Request *take_next(Writer *writer, Batch *batch) {
  guint64 last_cost = 0;
  g_mutex_lock(&writer->mutex);
  Request *request = turns_peek(writer->waiting, &last_cost);
  gboolean taken = request != NULL && batch_takes(batch, request, last_cost);
  if (taken)
    batch_add(batch, turns_pop(writer->waiting));
  g_mutex_unlock(&writer->mutex);
  return taken ? request : NULL;
}

static void charge(Writer *writer, Batch *batch, const Request *request) {
  batch->steps += request->result.steps;
  g_mutex_lock(&writer->mutex);
  turns_charge(writer->waiting, request->payer, request->result.steps + CHANGE_COST);
  g_mutex_unlock(&writer->mutex);
}

/* A full disk ends the whole transaction, not only this change. */
static gboolean has_ended(Writer *writer, const Request *request, GError **error) {
  if (request->result.error == NULL || db_in_transaction(store_get_db(writer->store)))
    return FALSE;
  g_propagate_error(error, g_error_copy(request->result.error));
  return TRUE;
}

static gboolean finish(Writer *writer, gboolean kept, GError **error) {
  if (!kept) {
    store_end(writer->store); /* nothing differs: the disk is not touched */
    return TRUE;
  }
  const Retention retention = {writer->store, &writer->settings, g_get_real_time()};
  return retention_counts_settle(writer->counts, &retention, error) &&
         store_save_position(writer->store, error) && commit(writer, error);
}

/* Applies what waits, as far as it may share one flush. */
static gboolean apply_waiting(Writer *writer, Batch *batch, GError **error) {
  Request *request;
  if (!store_begin_write(writer->store, error))
    return FALSE;
  while ((request = take_next(writer, batch)) != NULL) {
    (void)apply_request(writer, request);
    charge(writer, batch, request);
    if (has_ended(writer, request, error))
      return FALSE;
  }
  return finish(writer, batch_get_outcome(batch).kept, error);
}

static gboolean apply_one(Writer *writer, Request *request, GError **error) {
  if (!store_begin_write(writer->store, error))
    return FALSE;
  (void)apply_request(writer, request);
  return !has_ended(writer, request, error) && finish(writer, request->result.kept, error);
}

static void take_back(Writer *writer, guint64 revision) {
  store_abandon(writer->store);
  place_cache_clear(writer->places);
  retention_counts_clear(writer->counts);
  lock_set_forget(writer->locks);
  fleet_hook_forget(g_atomic_pointer_get(&writer->fleet));
  writer->revision = revision;
  writer->settings_are_stale = TRUE;
  if (db_is_damaged(store_get_db(writer->store)))
    g_atomic_int_set(&writer->read_only, 1);
}

static void commit_one(Writer *writer, Request *request) {
  guint64 before = writer->revision;
  g_autoptr(GError) failure = NULL;
  if (apply_one(writer, request, &failure))
    return;
  take_back(writer, before);
  request_fail(request, failure);
}

/* One durable commit of what waits. If it fails, each change gets a commit of its own, so that
 * one bad change does not fail the others. */
static void commit_waiting(Writer *writer, Batch *batch) {
  guint64 before = writer->revision;
  g_autoptr(GError) failure = NULL;
  if (apply_waiting(writer, batch, &failure))
    return;
  take_back(writer, before);
  if (batch->requests->len == 1) {
    batch_fail(batch, failure);
    return;
  }
  for (guint i = 0; i < batch->requests->len; i++)
    commit_one(writer, g_ptr_array_index(batch->requests, i));
}

/* Takes all that waits, and refuses it. */
static void refuse_waiting(Writer *writer, Batch *batch, const GError *refusal) {
  g_mutex_lock(&writer->mutex);
  while (!turns_is_empty(writer->waiting))
    batch_add(batch, turns_pop(writer->waiting));
  g_mutex_unlock(&writer->mutex);
  batch_fail(batch, refusal);
}

/* @purged: purged data must not stay in the write-ahead log. */
static void shorten_log(Writer *writer, gboolean purged) {
  g_atomic_int_set(&writer->flushing, 1);
  if (purged)
    db_execute(store_get_db(writer->store), "PRAGMA wal_checkpoint(TRUNCATE)", NULL);
  else
    db_shorten_log(store_get_db(writer->store));
  if (db_is_damaged(store_get_db(writer->store)))
    g_atomic_int_set(&writer->read_only, 1);
  g_atomic_int_set(&writer->flushing, 0);
}

static gboolean may_write(Writer *writer, GError **error) {
  if (!may_go_on(writer, error))
    return FALSE;
  return !writer_is_read_only(writer) ||
         error_set(error, REGISTRY_ERROR_READ_ONLY,
                   "the database is damaged and takes no writes: stop regd and put a backup back "
                   "with regd --restore=FILE");
}

static void commit_batch(Writer *writer, Batch *batch) {
  g_autoptr(GError) refusal = NULL;
  if (may_write(writer, &refusal))
    commit_waiting(writer, batch);
  else
    refuse_waiting(writer, batch, refusal);
  for (guint i = 0; i < batch->requests->len; i++) {
    Request *request = g_ptr_array_index(batch->requests, i);
    /* Freed here, because a large one would delay the main loop. */
    if (request->result.proposal == NULL)
      g_clear_pointer(&request->change, change_free);
    if (request->result.error != NULL && db_is_damaged(store_get_db(writer->store)))
      g_atomic_int_set(&writer->read_only, 1);
  }
}

/* ---- trials ---- */

static void load_next_trial(Writer *writer) {
  /* A failure shows with the next write; until then no trial ends. */
  if (!trials_get_next(writer->store, FALSE, &writer->next_trial, NULL))
    writer->next_trial.revision = 0;
}

static gboolean is_trial_due(const Writer *writer) {
  return writer->next_trial.revision != 0 && writer->queued_undo == 0 && !is_stopping(writer) &&
         g_get_real_time() >= writer->next_trial.deadline;
}

/* Under the mutex. */
static void queue_undo(Writer *writer) {
  const Trial *trial = &writer->next_trial;
  if (!is_trial_due(writer))
    return;
  Request *request =
      request_new_undo(trial->revision, trial->uid, writer->own_done, writer->own_data);
  writer->queued_undo = trial->revision;
  turns_push(writer->waiting, request->payer, request);
}

/* If undoing could not be written (the disk is full, say), it is tried again soon. */
static void note_undone(Writer *writer) {
  if (writer->next_trial.revision == writer->queued_undo)
    writer->next_trial.deadline = g_get_real_time() + G_USEC_PER_SEC;
  writer->queued_undo = 0;
}

/* ---- pruning ---- */

static gboolean prune(Writer *writer, gboolean *more) {
  if (!store_begin_write(writer->store, NULL))
    return FALSE;
  gboolean done = refresh_settings(writer, NULL) &&
                  store_save_revision(writer->store, writer->revision, NULL) &&
                  retention_prune(&(Retention){writer->store, &writer->settings, g_get_real_time()},
                                  LIMIT_PRUNED_DIFFERENCES, more, NULL) &&
                  commit(writer, NULL);
  if (!done)
    store_abandon(writer->store);
  return done;
}

/* Prunes in a small step, so that a change that arrives meanwhile waits no longer than that. A
 * failure does no harm: the step is tried again, and what is past the limits is out of reach
 * anyway. */
static void prune_a_little(Writer *writer) {
  gboolean more = FALSE;
  if (writer->commits_until_pruning > 0 || writer_is_read_only(writer))
    return;
  if (!prune(writer, &more) || !more)
    writer->commits_until_pruning = PRUNE_EVERY;
  shorten_log(writer, FALSE);
}

/* ---- the thread ---- */

/* Under the mutex. */
static void answer_pulse(Writer *writer) {
  if (writer->asked)
    g_atomic_int_inc(&writer->moved);
  writer->asked = FALSE;
}

static void wait_for_work(Writer *writer) {
  gint64 now = g_get_monotonic_time();
  gint64 until = writer->trim_at;
  if (writer->next_trial.revision != 0) {
    gint64 left = CLAMP(writer->next_trial.deadline - g_get_real_time(), 0, G_USEC_PER_SEC);
    until = until != 0 ? MIN(until, now + left) : now + left;
  }
  writer->sleeps = TRUE;
  if (until != 0)
    g_cond_wait_until(&writer->wake, &writer->mutex, until);
  else
    g_cond_wait(&writer->wake, &writer->mutex);
}

static gboolean is_trim_due(const Writer *writer) {
  return writer->trim_at != 0 && g_get_monotonic_time() >= writer->trim_at;
}

/* What the thread does next. */
typedef enum { TASK_CHANGES, TASK_UPKEEP, TASK_END } Task;

static Task wait_for_task(Writer *writer) {
  g_mutex_lock(&writer->mutex);
  queue_undo(writer);
  while (turns_is_empty(writer->waiting) && !is_stopping(writer) && !is_trim_due(writer) &&
         writer->commits_until_pruning > 0) {
    answer_pulse(writer);
    wait_for_work(writer);
    queue_undo(writer);
  }
  answer_pulse(writer);
  Task task = is_stopping(writer) ? TASK_END : TASK_UPKEEP;
  if (!turns_is_empty(writer->waiting))
    task = TASK_CHANGES;
  g_mutex_unlock(&writer->mutex);
  return task;
}

static void count_batch(Writer *writer, const Batch *batch, guint refused, gint64 microseconds) {
  g_mutex_lock(&writer->mutex);
  writer->statistics.changes += batch->requests->len;
  writer->statistics.refused += refused;
  durations_add(&writer->statistics.commits, microseconds);
  g_mutex_unlock(&writer->mutex);
}

static void note_clock(Writer *writer) {
  g_mutex_lock(&writer->mutex);
  writer->has_clock = pthread_getcpuclockid(pthread_self(), &writer->clock) == 0;
  g_mutex_unlock(&writer->mutex);
}

/* A large change leaves much memory behind: the allocator's and the caches'. */
static void trim_memory(Writer *writer) {
  if (!is_trim_due(writer))
    return;
  writer->trim_at = writer->trims_again ? g_get_monotonic_time() + TRIM_AGAIN_DELAY : 0;
  writer->trims_again = FALSE;
  store_give_memory_back(writer->store);
  place_cache_clear(writer->places);
  memory_give_back();
}

static void plan_trim(Writer *writer) {
  writer->trim_at = g_get_monotonic_time() + TRIM_DELAY;
  writer->trims_again = TRUE;
}

static void write_changes(Writer *writer) {
  g_autoptr(Batch) batch = batch_new();
  gint64 begun = g_get_monotonic_time();
  commit_batch(writer, batch);
  const BatchOutcome outcome = batch_get_outcome(batch);
  count_batch(writer, batch, outcome.refused, g_get_monotonic_time() - begun);
  if (outcome.purged)
    shorten_log(writer, TRUE);
  if (outcome.trials_changed)
    load_next_trial(writer);
  if (outcome.undone)
    note_undone(writer);
  writer->commits_until_pruning -= MIN(writer->commits_until_pruning, batch->requests->len);
  if (batch->steps > LIMIT_TRIM_STEPS)
    plan_trim(writer);
  for (guint i = 0; i < batch->requests->len; i++)
    result_queue_push(writer->written, g_steal_pointer(&batch->requests->pdata[i]));
  if (!outcome.purged)
    shorten_log(writer, FALSE);
}

static gpointer run_thread(gpointer data) {
  Writer *writer = data;
  Task task;
  note_clock(writer);
  while ((task = wait_for_task(writer)) != TASK_END) {
    if (task == TASK_CHANGES)
      write_changes(writer);
    else
      prune_a_little(writer);
    trim_memory(writer);
  }
  return NULL;
}

/* ---- start and stop ---- */

/* Takes @change. */
static gboolean apply_own(Writer *writer, Change *change, GError **error) {
  g_autoptr(Request) request = request_new_own(change, NULL, NULL);
  commit_one(writer, request);
  if (request->result.error != NULL)
    g_propagate_error(error, g_steal_pointer(&request->result.error));
  return request->result.effective != NULL;
}

static gboolean prepare(Writer *writer, GError **error) {
  if (!store_load_position(writer->store, error))
    return FALSE;
  if (writer_is_read_only(writer))
    return TRUE;
  /* Also if the first start ended between the two steps. */
  if (!seed_make_roots(writer->store, g_get_real_time(), error))
    return FALSE;
  if (writer->revision == 0) {
    Change *contents = seed_change(error);
    if (contents == NULL || !apply_own(writer, contents, error))
      return FALSE;
  }
  GError *failure = NULL;
  Change *volatile_keys = seed_drop_volatile(writer->store, &failure);
  if (failure != NULL) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  return volatile_keys == NULL || apply_own(writer, volatile_keys, error);
}

static gboolean open_store(Writer *writer, const char *file, GError **error) {
  writer->store = opening_open(file, &writer->revision, writer->problems, error);
  if (writer->problems->len > 0)
    writer_set_read_only(writer);
  return writer->store != NULL && prepare(writer, error);
}

Writer *writer_start(const char *file, GMainContext *context, WriteDone own_done, gpointer own_data,
                     GError **error) {
  g_autoptr(Writer) writer = g_new0(Writer, 1);
  g_mutex_init(&writer->mutex);
  g_cond_init(&writer->wake);
  writer->waiting = turns_new((GDestroyNotify)request_free);
  writer->written = result_queue_new(context, request_deliver);
  writer->problems = g_ptr_array_new_with_free_func(g_free);
  writer->places = place_cache_new();
  writer->counts = retention_counts_new();
  writer->locks = lock_set_new();
  writer->settings_are_stale = TRUE;
  writer->commits_until_pruning = PRUNE_EVERY;
  writer->own_done = own_done;
  writer->own_data = own_data;
  if (!open_store(writer, file, error))
    return NULL;
  load_next_trial(writer);
  db_count_work(store_get_db(writer->store), &writer->moved);
  writer->thread = thread_shortage_try("writer", run_thread, writer, error);
  return writer->thread != NULL ? g_steal_pointer(&writer) : NULL;
}

void writer_stop(Writer *writer) {
  if (writer == NULL)
    return;
  g_mutex_lock(&writer->mutex);
  g_atomic_int_set(&writer->stopping, 1);
  g_cond_signal(&writer->wake);
  g_mutex_unlock(&writer->mutex);
  if (writer->thread != NULL)
    g_thread_join(writer->thread);
  result_queue_unref(writer->written);
  turns_free(writer->waiting);
  g_ptr_array_unref(writer->problems);
  place_cache_free(writer->places);
  retention_counts_free(writer->counts);
  lock_set_free(writer->locks);
  store_close(writer->store);
  schema_set_unref(writer->schemas);
  g_mutex_clear(&writer->mutex);
  g_cond_clear(&writer->wake);
  g_free(writer);
}

void writer_set_schemas(Writer *writer, SchemaSet *schemas) {
  g_mutex_lock(&writer->mutex);
  SchemaSet *old = writer->schemas;
  writer->schemas = schemas != NULL ? schema_set_ref(schemas) : NULL;
  g_mutex_unlock(&writer->mutex);
  schema_set_unref(old);
}

void writer_set_fleet(Writer *writer, const FleetHook *hook) {
  g_atomic_pointer_set(&writer->fleet, hook);
}

void writer_submit(Writer *writer, Identity *who, Change *change, WriteDone done, gpointer data) {
  Request *request = request_new(who, change, done, data);
  g_mutex_lock(&writer->mutex);
  turns_push(writer->waiting, request->payer, request);
  gboolean sleeps = writer->sleeps;
  writer->sleeps = FALSE;
  g_mutex_unlock(&writer->mutex);
  /* After unlocking, so that the woken thread finds the mutex free. */
  if (sleeps)
    g_cond_signal(&writer->wake);
}

void writer_get_statistics(Writer *writer, WriterStatistics *statistics) {
  g_mutex_lock(&writer->mutex);
  *statistics = writer->statistics;
  g_mutex_unlock(&writer->mutex);
}

PulseSample writer_take_pulse(Writer *writer) {
  PulseSample sample = {.moved = (guint)g_atomic_int_get(&writer->moved),
                        .waits_for_disk = g_atomic_int_get(&writer->flushing) != 0};
  struct timespec used = {0};
  g_mutex_lock(&writer->mutex);
  writer->asked = TRUE;
  if (writer->has_clock)
    (void)clock_gettime(writer->clock, &used);
  g_mutex_unlock(&writer->mutex);
  sample.used_us = (gint64)used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
  g_cond_signal(&writer->wake);
  return sample;
}

const gint *writer_get_commits(const Writer *writer) {
  return &writer->commits;
}

const GPtrArray *writer_get_problems(const Writer *writer) {
  return writer->problems;
}

gboolean writer_is_read_only(Writer *writer) {
  return g_atomic_int_get(&writer->read_only) != 0;
}

void writer_set_read_only(Writer *writer) {
  g_atomic_int_set(&writer->read_only, 1);
}

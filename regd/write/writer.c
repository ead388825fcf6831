/* SPDX-License-Identifier: MIT */
/* See writer.h. */
#include "regd/write/writer.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/threads/result-queue.h"
#include "client/threads/thread-shortage.h"
#include "regd/history/retention.h"
#include "regd/history/trials.h"
#include "regd/tree/settings.h"
#include "regd/upkeep/integrity.h"
#include "regd/write/apply.h"
#include "regd/write/seed.h"

typedef struct {
  Identity *who;
  Change *change;
  WriteDone done;
  gpointer data;
  WriteResult result;
} Request;

struct Writer {
  ResultQueue *written; /* of Batch */
  GThread *thread;
  GMutex mutex; /* guards the fields up to the empty line */
  GCond wake;
  GQueue waiting; /* of Request */
  gboolean stopping;
  gboolean asked; /* for a sign of life */
  WriterStatistics statistics;
  gboolean has_clock;
  clockid_t clock; /* what the thread has used of a processor */
  SchemaSet *schemas;

  int read_only;      /* atomic */
  gint commits;       /* atomic */
  gint moved;         /* atomic: counts what the thread does */
  gint flushing;      /* atomic: it waits for the disk, and moves nothing */
  WriteDone own_done; /* told of what the writer does by itself; set before the thread starts */
  gpointer own_data;

  /* Only the thread uses these. */
  Store *store;
  PlaceCache *places; /* of the newest state */
  RetentionCounts *counts;
  guint64 revision;
  LiveSettings settings;
  gboolean settings_are_stale;
  guint64 next_trial; /* the revision whose trial ends first; 0: none */
  gint64 next_deadline;
  guint commits_until_pruning;
};

/* History is pruned after so many commits, when the queue is empty. */
#define PRUNE_EVERY 64U

typedef struct {
  GPtrArray *requests; /* of Request */
} Batch;

static void request_free(Request *request) {
  identity_unref(request->who);
  change_free(request->change);
  write_result_clear(&request->result);
  g_free(request);
}

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

/* FALSE: refused, with the reason in the request. */
static gboolean apply_request(Writer *writer, Request *request) {
  g_autoptr(SchemaSet) schemas = take_schemas(writer);
  write_result_clear(&request->result);
  if (!refresh_settings(writer, &request->result.error))
    return FALSE;
  ApplyContext context = {.store = writer->store,
                          .places = writer->places,
                          .counts = writer->counts,
                          .schemas = schemas,
                          .settings = &writer->settings,
                          .revision = writer->revision,
                          .now = g_get_real_time()};
  if (!apply_change(&context, request->who, request->change, &request->result,
                    &request->result.error))
    return FALSE;
  writer->revision = request->result.revision;
  if (request->result.effective != NULL &&
      settings_may_have_changed(&writer->settings, request->result.effective))
    writer->settings_are_stale = TRUE;
  return TRUE;
}

static gboolean is_kept(Request **requests, guint n_requests) {
  for (guint i = 0; i < n_requests; i++)
    if (requests[i]->result.kept)
      return TRUE;
  return FALSE;
}

/* A commit that failed may be in the file all the same, and others see a commit a moment
 * before this thread knows of it. */
static gboolean commit(Writer *writer, GError **error) {
  g_atomic_int_inc(&writer->commits);
  g_atomic_int_set(&writer->flushing, 1);
  gboolean done = store_commit(writer->store, error);
  g_atomic_int_set(&writer->flushing, 0);
  g_atomic_int_inc(&writer->commits);
  return done;
}

static gboolean apply_requests(Writer *writer, Request **requests, guint n_requests,
                               GError **error) {
  if (!store_begin_write(writer->store, error))
    return FALSE;
  for (guint i = 0; i < n_requests; i++)
    if (!apply_request(writer, requests[i]) && !db_in_transaction(store_get_db(writer->store))) {
      /* A full disk ends the whole transaction, not only this change. */
      g_propagate_error(error, g_error_copy(requests[i]->result.error));
      return FALSE;
    }
  if (!is_kept(requests, n_requests)) {
    store_end(writer->store); /* nothing differs: the disk is not touched */
    return TRUE;
  }
  return retention_counts_write(writer->counts, writer->store, error) &&
         store_save_position(writer->store, error) && commit(writer, error);
}

static void fail_requests(Request **requests, guint n_requests, const GError *failure) {
  for (guint i = 0; i < n_requests; i++) {
    write_result_clear(&requests[i]->result);
    requests[i]->result.error = g_error_copy(failure);
  }
}

/* One durable commit of all of them. If it fails, each gets a commit of its own, so that one
 * bad change does not fail the others. */
static void commit_requests(Writer *writer, Request **requests, guint n_requests) {
  guint64 before = writer->revision;
  g_autoptr(GError) failure = NULL;
  if (apply_requests(writer, requests, n_requests, &failure))
    return;
  store_abandon(writer->store);
  place_cache_clear(writer->places);
  retention_counts_clear(writer->counts);
  writer->revision = before;
  writer->settings_are_stale = TRUE;
  if (db_is_damaged(store_get_db(writer->store)))
    g_atomic_int_set(&writer->read_only, 1);
  if (n_requests == 1) {
    fail_requests(requests, 1, failure);
    return;
  }
  for (guint i = 0; i < n_requests; i++)
    commit_requests(writer, requests + i, 1);
}

static void refuse_requests(GPtrArray *requests) {
  g_autoptr(GError) refusal = g_error_new_literal(
      REGISTRY_ERROR, REGISTRY_ERROR_READ_ONLY,
      "the database is damaged and takes no writes: stop regd and put a backup back with "
      "regd --restore=FILE");
  fail_requests((Request **)requests->pdata, requests->len, refusal);
}

static void shorten_log(Writer *writer) {
  g_atomic_int_set(&writer->flushing, 1);
  db_shorten_log(store_get_db(writer->store));
  g_atomic_int_set(&writer->flushing, 0);
}

/* Purged data must not stay in the write-ahead log. */
static void wipe_log(Writer *writer, GPtrArray *requests) {
  for (guint i = 0; i < requests->len; i++) {
    const Request *request = g_ptr_array_index(requests, i);
    if (request->result.error != NULL || !request->result.purged)
      continue;
    g_atomic_int_set(&writer->flushing, 1);
    db_execute(store_get_db(writer->store), "PRAGMA wal_checkpoint(TRUNCATE)", NULL);
    g_atomic_int_set(&writer->flushing, 0);
    return;
  }
}

static void commit_batch(Writer *writer, Batch *batch) {
  if (writer_is_read_only(writer))
    refuse_requests(batch->requests);
  else
    commit_requests(writer, (Request **)batch->requests->pdata, batch->requests->len);
  for (guint i = 0; i < batch->requests->len; i++) {
    Request *request = g_ptr_array_index(batch->requests, i);
    /* Freed here, because a large one would delay the main loop. */
    g_clear_pointer(&request->change, change_free);
    if (request->result.error != NULL && db_is_damaged(store_get_db(writer->store)))
      g_atomic_int_set(&writer->read_only, 1);
  }
}

/* ---- trials ---- */

static void load_next_trial(Writer *writer) {
  /* A failure shows with the next write; until then no trial ends. */
  if (!trials_get_next(writer->store, &writer->next_trial, &writer->next_deadline, NULL))
    writer->next_trial = 0;
}

static gboolean have_trials_changed(GPtrArray *requests) {
  for (guint i = 0; i < requests->len; i++)
    if (((const Request *)g_ptr_array_index(requests, i))->result.trials_changed)
      return TRUE;
  return FALSE;
}

static gboolean is_trial_due(const Writer *writer) {
  return writer->next_trial != 0 && g_get_real_time() >= writer->next_deadline;
}

static Request *new_undo(Writer *writer) {
  Request *request = g_new0(Request, 1);
  request->who = identity_new((guint32)getuid(), TRUE, NULL, 0, (guint32)getpid(), "regd");
  request->change = change_new();
  request->change->comment = g_strdup("not confirmed");
  change_add(request->change, OPERATION_UNDO, "")->revision = writer->next_trial;
  request->done = writer->own_done;
  request->data = writer->own_data;
  return request;
}

/* If undoing could not be written (the disk is full, say), it is tried again soon. */
static void put_off_failed(Writer *writer, guint64 undone) {
  if (undone != 0 && writer->next_trial == undone)
    writer->next_deadline = g_get_real_time() + G_USEC_PER_SEC;
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
  shorten_log(writer);
}

/* ---- back on the main context ---- */

static void batch_free(Batch *batch) {
  g_ptr_array_unref(batch->requests);
  g_free(batch);
}

static void deliver(gpointer data) {
  Batch *batch = data;
  for (guint i = 0; i < batch->requests->len; i++) {
    Request *request = g_ptr_array_index(batch->requests, i);
    if (request->done != NULL)
      request->done(&request->result, request->data);
  }
  batch_free(batch);
}

/* ---- the thread ---- */

/* Under the mutex. */
static void answer_pulse(Writer *writer) {
  if (writer->asked)
    g_atomic_int_inc(&writer->moved);
  writer->asked = FALSE;
}

static void wait_for_work(Writer *writer) {
  if (writer->next_trial == 0) {
    g_cond_wait(&writer->wake, &writer->mutex);
    return;
  }
  gint64 left = CLAMP(writer->next_deadline - g_get_real_time(), 0, G_USEC_PER_SEC);
  g_cond_wait_until(&writer->wake, &writer->mutex, g_get_monotonic_time() + left);
}

static Batch *new_batch(void) {
  Batch *batch = g_new0(Batch, 1);
  batch->requests = g_ptr_array_new_with_free_func((GDestroyNotify)request_free);
  return batch;
}

/* All changes that wait and fit into one flush. Empty: the thread has a trial or pruning to
 * do. NULL: the writer is stopping. */
static Batch *take_batch(Writer *writer) {
  g_mutex_lock(&writer->mutex);
  while (g_queue_is_empty(&writer->waiting) && !writer->stopping && !is_trial_due(writer) &&
         writer->commits_until_pruning > 0) {
    answer_pulse(writer);
    wait_for_work(writer);
  }
  answer_pulse(writer);
  Batch *batch = g_queue_is_empty(&writer->waiting) && writer->stopping ? NULL : new_batch();
  guint operations = 0;
  while (!g_queue_is_empty(&writer->waiting)) {
    const Request *next = g_queue_peek_head(&writer->waiting);
    operations += next->change->operations->len;
    if (batch->requests->len > 0 && operations > LIMIT_GROUP_OPERATIONS)
      break;
    g_ptr_array_add(batch->requests, g_queue_pop_head(&writer->waiting));
  }
  g_mutex_unlock(&writer->mutex);
  return batch;
}

static void count_batch(Writer *writer, const Batch *batch, gint64 microseconds) {
  guint refused = 0;
  for (guint i = 0; i < batch->requests->len; i++)
    refused += ((const Request *)g_ptr_array_index(batch->requests, i))->result.error != NULL;
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

static gpointer run_thread(gpointer data) {
  Writer *writer = data;
  Batch *batch;
  note_clock(writer);
  while ((batch = take_batch(writer)) != NULL) {
    guint64 undone = is_trial_due(writer) ? writer->next_trial : 0;
    if (undone != 0)
      g_ptr_array_add(batch->requests, new_undo(writer));
    if (batch->requests->len == 0) {
      batch_free(batch);
      prune_a_little(writer);
      continue;
    }
    gint64 begun = g_get_monotonic_time();
    commit_batch(writer, batch);
    count_batch(writer, batch, g_get_monotonic_time() - begun);
    wipe_log(writer, batch->requests);
    if (have_trials_changed(batch->requests))
      load_next_trial(writer);
    put_off_failed(writer, undone);
    writer->commits_until_pruning -= MIN(writer->commits_until_pruning, batch->requests->len);
    result_queue_push(writer->written, batch);
    shorten_log(writer);
  }
  return NULL;
}

/* ---- start and stop ---- */

/* Takes @change. */
static gboolean apply_own(Writer *writer, Change *change, GError **error) {
  g_autoptr(Identity) daemon =
      identity_new((guint32)getuid(), TRUE, NULL, 0, (guint32)getpid(), "regd");
  Request request = {.who = daemon, .change = change};
  Request *requests[] = {&request};
  commit_requests(writer, requests, 1);
  if (request.result.error != NULL)
    g_propagate_error(error, g_steal_pointer(&request.result.error));
  gboolean done = request.result.effective != NULL;
  write_result_clear(&request.result);
  change_free(change);
  return done;
}

static gboolean make_roots(Writer *writer, GError **error) {
  return store_begin_write(writer->store, error) &&
         seed_roots(writer->store, g_get_real_time(), error) && store_commit(writer->store, error);
}

static gboolean prepare(Writer *writer, GError **error) {
  gboolean is_new = FALSE;
  if (!store_load_revision(writer->store, &writer->revision, error) ||
      !store_load_position(writer->store, error) || !seed_is_needed(writer->store, &is_new, error))
    return FALSE;
  if (is_new && !make_roots(writer, error))
    return FALSE;
  /* Also if the first start ended between the two steps. */
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

Writer *writer_start(const char *file, GMainContext *context, WriteDone own_done, gpointer own_data,
                     GError **error) {
  g_autoptr(Writer) writer = g_new0(Writer, 1);
  g_mutex_init(&writer->mutex);
  g_cond_init(&writer->wake);
  g_queue_init(&writer->waiting);
  writer->written = result_queue_new(context, deliver);
  writer->places = place_cache_new();
  writer->counts = retention_counts_new();
  writer->settings_are_stale = TRUE;
  writer->commits_until_pruning = PRUNE_EVERY;
  writer->own_done = own_done;
  writer->own_data = own_data;
  writer->store = store_open(file, DB_WRITE, error);
  if (writer->store == NULL || !check_at_start(writer->store, file, error) ||
      !prepare(writer, error))
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
  writer->stopping = TRUE;
  g_cond_signal(&writer->wake);
  g_mutex_unlock(&writer->mutex);
  if (writer->thread != NULL)
    g_thread_join(writer->thread);
  result_queue_unref(writer->written);
  place_cache_free(writer->places);
  retention_counts_free(writer->counts);
  store_close(writer->store);
  schema_set_unref(writer->schemas);
  g_mutex_clear(&writer->mutex);
  g_cond_clear(&writer->wake);
  g_free(writer);
}

void writer_set_schemas(Writer *writer, SchemaSet *schemas) {
  SchemaSet *old = NULL;
  g_mutex_lock(&writer->mutex);
  old = writer->schemas;
  writer->schemas = schemas != NULL ? schema_set_ref(schemas) : NULL;
  g_mutex_unlock(&writer->mutex);
  schema_set_unref(old);
}

void writer_submit(Writer *writer, Identity *who, Change *change, WriteDone done, gpointer data) {
  Request *request = g_new0(Request, 1);
  request->who = identity_ref(who);
  request->change = change;
  request->done = done;
  request->data = data;
  g_mutex_lock(&writer->mutex);
  g_queue_push_tail(&writer->waiting, request);
  g_mutex_unlock(&writer->mutex);
  /* After unlocking, so that the woken thread finds the mutex free. */
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

gboolean writer_is_read_only(Writer *writer) {
  return g_atomic_int_get(&writer->read_only) != 0;
}

void writer_set_read_only(Writer *writer) {
  g_atomic_int_set(&writer->read_only, 1);
}

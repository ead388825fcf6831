/* SPDX-License-Identifier: MIT */
/* See key-reader.h. */
#include "regd/fleet/seal/key-reader.h"

#include "client/base/error.h"
#include "client/threads/thread-shortage.h"

#define PATIENCE_MS 1000
/* Files that hang, each with a thread. More are refused. */
#define LIMIT_HANGING 4U

/* One file that is read; counted: its thread may outlive whoever waits. */
typedef struct {
  gatomicrefcount references;
  char *file;
  GMutex mutex;
  GCond condition;
  /* Guarded by `mutex`. */
  gboolean is_done;
  FleetKeyring *keyring; /* or NULL with `error` */
  GError *error;
} Reading;

struct FleetKeyReader {
  GPtrArray *hanging; /* of Reading */
};

static Reading *reading_new(const char *file) {
  Reading *reading = g_new0(Reading, 1);
  g_atomic_ref_count_init(&reading->references);
  reading->file = g_strdup(file);
  g_mutex_init(&reading->mutex);
  g_cond_init(&reading->condition);
  return reading;
}

static void reading_unref(gpointer data) {
  Reading *reading = data;
  if (!g_atomic_ref_count_dec(&reading->references))
    return;
  g_clear_pointer(&reading->keyring, fleet_keyring_free);
  g_clear_error(&reading->error);
  g_mutex_clear(&reading->mutex);
  g_cond_clear(&reading->condition);
  g_free(reading->file);
  g_free(reading);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reading, reading_unref)

static gpointer run(gpointer data) {
  Reading *reading = data;
  GError *error = NULL;
  FleetKeyring *keyring = fleet_keyring_load(reading->file, &error);
  g_mutex_lock(&reading->mutex);
  reading->keyring = keyring;
  reading->error = error;
  reading->is_done = TRUE;
  g_cond_signal(&reading->condition);
  g_mutex_unlock(&reading->mutex);
  reading_unref(reading);
  return NULL;
}

static gboolean start(Reading *reading, GError **error) {
  g_atomic_ref_count_inc(&reading->references);
  g_autoptr(GThread) thread = thread_shortage_try("key-file", run, reading, error);
  if (thread == NULL)
    reading_unref(reading);
  return thread != NULL;
}

/* Whether it is done by @deadline (us of the monotonic clock). */
static gboolean await(Reading *reading, gint64 deadline) {
  g_mutex_lock(&reading->mutex);
  while (!reading->is_done && g_cond_wait_until(&reading->condition, &reading->mutex, deadline))
    ;
  gboolean is_done = reading->is_done;
  g_mutex_unlock(&reading->mutex);
  return is_done;
}

/* What was read while nobody waited is old, and dropped. */
static void drop_done(FleetKeyReader *reader) {
  for (guint i = reader->hanging->len; i > 0; i--)
    if (await(reader->hanging->pdata[i - 1], 0))
      g_ptr_array_remove_index_fast(reader->hanging, i - 1);
}

static gboolean is_hanging(const FleetKeyReader *reader, const char *file) {
  for (guint i = 0; i < reader->hanging->len; i++)
    if (g_str_equal(((const Reading *)reader->hanging->pdata[i])->file, file))
      return TRUE;
  return reader->hanging->len >= LIMIT_HANGING;
}

static FleetKeyring *refuse(const char *file, GError **error) {
  error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
            "the Key File %s: its file system gives no answer: put it on a local one", file);
  return NULL;
}

FleetKeyring *fleet_key_reader_load(FleetKeyReader *reader, const char *file, GError **error) {
  drop_done(reader);
  if (is_hanging(reader, file))
    return refuse(file, error);
  g_autoptr(Reading) reading = reading_new(file);
  if (!start(reading, error))
    return NULL;
  if (!await(reading, g_get_monotonic_time() + PATIENCE_MS * G_TIME_SPAN_MILLISECOND)) {
    g_ptr_array_add(reader->hanging, g_steal_pointer(&reading));
    return refuse(file, error);
  }
  if (reading->keyring == NULL)
    g_propagate_error(error, g_steal_pointer(&reading->error));
  return g_steal_pointer(&reading->keyring);
}

FleetKeyReader *fleet_key_reader_new(void) {
  FleetKeyReader *reader = g_new0(FleetKeyReader, 1);
  reader->hanging = g_ptr_array_new_with_free_func(reading_unref);
  return reader;
}

void fleet_key_reader_free(FleetKeyReader *reader) {
  if (reader == NULL)
    return;
  g_ptr_array_unref(reader->hanging);
  g_free(reader);
}

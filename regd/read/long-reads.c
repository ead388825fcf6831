/* SPDX-License-Identifier: MIT */
/* A queue for each user in front of the threads. A user is kept as long as one of their
 * readings runs. */
#include "regd/read/long-reads.h"

#include "client/base/protocol.h"

struct Readings {
  Workers *workers;
  const char *file;
  GHashTable *users; /* uid -> User */
};

typedef struct {
  guint running;
  GQueue waiting; /* of Reading */
} User;

typedef struct {
  Readings *readings;
  char *file; /* its own copy: a thread may outlive everything else */
  guint32 uid;
  SchemaSet *schemas;
  ReadingRun run;
  ReadingDone done;
  gpointer data;
  GDestroyNotify destroy;
  GError *error;
} Reading;

static void reading_free(gpointer data) {
  Reading *reading = data;
  if (reading->data != NULL)
    reading->destroy(reading->data);
  schema_set_unref(reading->schemas);
  g_clear_error(&reading->error);
  g_free(reading->file);
  g_free(reading);
}

static void user_free(gpointer data) {
  User *user = data;
  g_queue_clear_full(&user->waiting, reading_free);
  g_free(user);
}

Readings *readings_new(Workers *workers, const char *file) {
  Readings *readings = g_new0(Readings, 1);
  readings->workers = workers;
  readings->file = file;
  readings->users = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, user_free);
  return readings;
}

void readings_free(Readings *readings) {
  if (readings == NULL)
    return;
  g_hash_table_unref(readings->users);
  g_free(readings);
}

/* On the thread. */
static void run_reading(gpointer data) {
  Reading *reading = data;
  g_autoptr(Reader) reader = reader_open(reading->file, &reading->error);
  if (reader == NULL)
    return;
  reader_set_schemas(reader, reading->schemas);
  (void)reading->run(reader, reading->data, &reading->error);
}

static void on_run(gpointer data);

static void start_next(Readings *readings, User *user) {
  while (user->running < LIMIT_READINGS_PER_USER && !g_queue_is_empty(&user->waiting)) {
    user->running++;
    workers_submit(readings->workers, run_reading, on_run, g_queue_pop_head(&user->waiting),
                   reading_free);
  }
}

static void on_run(gpointer data) {
  Reading *reading = data;
  Readings *readings = reading->readings;
  gpointer uid = GUINT_TO_POINTER(reading->uid);
  User *user = g_hash_table_lookup(readings->users, uid);
  user->running--;
  start_next(readings, user);
  if (user->running == 0)
    g_hash_table_remove(readings->users, uid);
  reading->done(g_steal_pointer(&reading->data), reading->error);
  reading_free(reading);
}

static User *find_user(Readings *readings, guint32 uid) {
  User *user = g_hash_table_lookup(readings->users, GUINT_TO_POINTER(uid));
  if (user != NULL)
    return user;
  user = g_new0(User, 1);
  g_queue_init(&user->waiting);
  g_hash_table_insert(readings->users, GUINT_TO_POINTER(uid), user);
  return user;
}

void readings_submit(Readings *readings, guint32 uid, SchemaSet *schemas, ReadingRun run,
                     ReadingDone done, gpointer data, GDestroyNotify destroy) {
  Reading *reading = g_new0(Reading, 1);
  reading->readings = readings;
  reading->file = g_strdup(readings->file);
  reading->uid = uid;
  reading->schemas = schema_set_ref(schemas);
  reading->run = run;
  reading->done = done;
  reading->data = data;
  reading->destroy = destroy;
  User *user = find_user(readings, uid);
  g_queue_push_tail(&user->waiting, reading);
  start_next(readings, user);
}

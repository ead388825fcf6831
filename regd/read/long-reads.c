/* SPDX-License-Identifier: MIT */
/* A queue for each user in front of the threads; users with something to start stand in a ring,
 * each of which starts one reading a turn. A user is kept as long as one of their readings runs
 * or waits. One reader is kept from a reading to the next, because to open one takes as long as to
 * read some hundred values; of readings that run at once the others have readers of their own. */
#include "regd/read/long-reads.h"

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/base/memory.h"

/* What a thread looks at while it reads; it may outlive the readings. */
typedef struct {
  gint cancelled;  /* atomic */
  gint64 deadline; /* monotonic µs */
  guint seconds;
  char *key; /* or NULL */
} Leash;

typedef struct Reading Reading;

typedef struct {
  guint32 uid;
  GQueue waiting; /* of Reading */
  GQueue running; /* of Reading */
  gboolean in_ring;
} User;

struct Readings {
  Workers *workers;
  const char *file;
  GHashTable *users;  /* uid -> User */
  GQueue ring;        /* of User: who may have something to start */
  guint running;      /* of all users */
  Reader *rested;     /* the next reading's; NULL: there is none */
  gboolean is_lent;   /* a reading has it, or will leave one */
  gboolean was_large; /* one of those that have run since memory was given back */
  guint seconds, per_user;
  ReadingGate gate; /* or NULL */
  gpointer gate_data;
  guint retry; /* a timer, while the gate is closed to somebody; or 0 */
};

struct Reading {
  Readings *readings;
  User *user;
  char *file; /* its own copy: a thread may outlive everything else */
  char *owner;
  SchemaSet *schemas;
  const ReadingKind *kind;
  gpointer data;
  Leash *leash;
  Reader *reader;     /* NULL: the thread opens one */
  gboolean leaves_it; /* the reader, to the next reading */
  gboolean is_large;  /* it was much work */
  GError *error;
};

static void leash_free(Leash *leash) {
  g_free(leash->key);
  g_free(leash);
}

static void reading_free(gpointer data) {
  Reading *reading = data;
  if (reading->data != NULL)
    reading->kind->destroy(reading->data);
  schema_set_unref(reading->schemas);
  g_clear_error(&reading->error);
  leash_free(reading->leash);
  reader_close(reading->reader);
  g_free(reading->owner);
  g_free(reading->file);
  g_free(reading);
}

static void cancel(gpointer data, G_GNUC_UNUSED gpointer user_data) {
  Reading *reading = data;
  g_atomic_int_set(&reading->leash->cancelled, TRUE);
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
  readings->seconds = LIMIT_READ_SECONDS_DEFAULT;
  readings->per_user = LIMIT_READS_PER_USER_DEFAULT;
  g_queue_init(&readings->ring);
  return readings;
}

void readings_set_gate(Readings *readings, ReadingGate gate, gpointer data) {
  readings->gate = gate;
  readings->gate_data = data;
}

void readings_free(Readings *readings) {
  if (readings == NULL)
    return;
  g_queue_clear(&readings->ring);
  g_hash_table_unref(readings->users);
  reader_close(readings->rested);
  g_free(readings);
}

void readings_set_limits(Readings *readings, guint seconds, guint per_user) {
  readings->seconds = seconds;
  readings->per_user = per_user;
}

/* ---- on the thread ---- */

static gboolean is_wanted(const Leash *leash, GError **error) {
  return !g_atomic_int_get(&leash->cancelled) ||
         error_set(error, REGISTRY_ERROR_FAILED, "the caller has left, or regd is stopping");
}

static gboolean refuse_late(const Leash *leash, GError **error) {
  g_autofree char *key = leash->key != NULL ? text_for_message(leash->key, -1) : NULL;
  return error_set(
      error, REGISTRY_ERROR_LIMIT_EXCEEDED,
      "%s%sthis took longer than %u s (the setting Read Seconds): ask for a smaller part",
      key != NULL ? key : "", key != NULL ? ": " : "", leash->seconds);
}

static gboolean go_on(gpointer data, GError **error) {
  const Leash *leash = data;
  return is_wanted(leash, error) &&
         (g_get_monotonic_time() < leash->deadline || refuse_late(leash, error));
}

static void run_reading(gpointer data) {
  Reading *reading = data;
  Leash *leash = reading->leash;
  leash->deadline = g_get_monotonic_time() + leash->seconds * G_USEC_PER_SEC;
  if (reading->reader == NULL)
    reading->reader = reader_open(reading->file, &reading->error);
  if (reading->reader == NULL)
    return;
  reader_set_schemas(reading->reader, reading->schemas);
  reader_watch(reading->reader, go_on, leash);
  (void)reading->kind->run(reading->reader, reading->data, &reading->error);
  reading->is_large = reader_get_work(reading->reader) > LIMIT_TRIM_STEPS;
  if (!reader_rest(reading->reader) || !reading->leaves_it)
    g_clear_pointer(&reading->reader, reader_close);
}

/* ---- turns ---- */

static void on_run(gpointer data);
static void try_again(Readings *readings, User *user);

static void enter_ring(Readings *readings, User *user) {
  if (user->in_ring || g_queue_is_empty(&user->waiting) ||
      user->running.length >= readings->per_user)
    return;
  user->in_ring = TRUE;
  g_queue_push_tail(&readings->ring, user);
}

static guint count_owner(const GQueue *queue, const char *owner) {
  guint count = 0;
  for (const GList *link = queue->head; link != NULL; link = link->next)
    count += g_str_equal(((const Reading *)link->data)->owner, owner);
  return count;
}

static gboolean is_open(const Readings *readings, const User *user, const Reading *reading) {
  if (readings->gate == NULL)
    return TRUE;
  gboolean asks_one =
      count_owner(&user->running, reading->owner) + count_owner(&user->waiting, reading->owner) ==
      1;
  return readings->gate(reading->owner, asks_one, readings->gate_data);
}

/* The first whose owner reads what it is sent; NULL: there is none. */
static Reading *take_open(const Readings *readings, User *user) {
  const char *closed = NULL;
  for (GList *link = user->waiting.head; link != NULL; link = link->next) {
    Reading *reading = link->data;
    if (g_strcmp0(closed, reading->owner) == 0)
      continue;
    if (is_open(readings, user, reading)) {
      g_queue_delete_link(&user->waiting, link);
      return reading;
    }
    closed = reading->owner;
  }
  return NULL;
}

static void start_one(Readings *readings, User *user, Reading *reading) {
  g_queue_push_tail(&user->running, reading);
  reading->leaves_it = !readings->is_lent;
  reading->reader = g_steal_pointer(&readings->rested);
  readings->is_lent = TRUE;
  readings->running++;
  workers_submit(readings->workers, run_reading, on_run, reading, reading_free);
}

static void start_next(Readings *readings) {
  while (readings->running < LIMIT_READINGS && !g_queue_is_empty(&readings->ring)) {
    User *user = g_queue_pop_head(&readings->ring);
    user->in_ring = FALSE;
    Reading *reading = take_open(readings, user);
    if (reading != NULL)
      start_one(readings, user, reading);
    if (reading != NULL)
      enter_ring(readings, user);
    else
      try_again(readings, user);
  }
}

/* Nothing tells when the gate opens. */
static gboolean on_retry(gpointer data) {
  Readings *readings = data;
  GHashTableIter iter;
  gpointer value = NULL;
  readings->retry = 0;
  g_hash_table_iter_init(&iter, readings->users);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    enter_ring(readings, value);
  start_next(readings);
  return G_SOURCE_REMOVE;
}

static void try_again(Readings *readings, User *user) {
  if (readings->retry == 0 && !g_queue_is_empty(&user->waiting))
    readings->retry = g_timeout_add(LIMIT_READING_RETRY_MS, on_retry, readings);
}

static gboolean is_idle(const User *user) {
  return user->running.length == 0 && user->waiting.length == 0;
}

static void drop_idle(Readings *readings, User *user) {
  if (!is_idle(user))
    return;
  if (user->in_ring)
    g_queue_remove(&readings->ring, user);
  g_hash_table_remove(readings->users, GUINT_TO_POINTER(user->uid));
}

static void give_memory_back(G_GNUC_UNUSED gpointer data) {
  memory_give_back();
}

static void forget_memory(G_GNUC_UNUSED gpointer data) {
}

/* When nothing runs any more, what large ones have left goes back to the system. */
static void tidy_up(Readings *readings, gboolean was_large) {
  readings->was_large |= was_large;
  if (readings->running > 0 || !readings->was_large)
    return;
  readings->was_large = FALSE;
  workers_submit(readings->workers, give_memory_back, forget_memory, readings, NULL);
}

/* What a thread has read before it was told to end is answered to nobody. */
static void report(Reading *reading) {
  if (reading->error == NULL)
    (void)is_wanted(reading->leash, &reading->error);
  reading->kind->done(g_steal_pointer(&reading->data), reading->error);
  reading_free(reading);
}

static void take_reader(Readings *readings, Reading *reading) {
  if (!reading->leaves_it)
    return;
  readings->rested = g_steal_pointer(&reading->reader);
  readings->is_lent = FALSE;
}

static void on_run(gpointer data) {
  Reading *reading = data;
  Readings *readings = reading->readings;
  User *user = reading->user;
  take_reader(readings, reading);
  g_queue_remove(&user->running, reading);
  readings->running--;
  enter_ring(readings, user);
  start_next(readings);
  drop_idle(readings, user);
  gboolean is_large = reading->is_large;
  report(reading);
  tidy_up(readings, is_large);
}

static User *find_user(Readings *readings, guint32 uid) {
  User *user = g_hash_table_lookup(readings->users, GUINT_TO_POINTER(uid));
  if (user != NULL)
    return user;
  user = g_new0(User, 1);
  user->uid = uid;
  g_queue_init(&user->waiting);
  g_queue_init(&user->running);
  g_hash_table_insert(readings->users, GUINT_TO_POINTER(uid), user);
  return user;
}

void readings_submit(Readings *readings, const ReadingOrder *order, const ReadingKind *kind,
                     gpointer data) {
  Reading *reading = g_new0(Reading, 1);
  reading->readings = readings;
  reading->user = find_user(readings, order->uid);
  reading->file = g_strdup(readings->file);
  reading->owner = g_strdup(order->owner);
  reading->schemas = schema_set_ref(order->schemas);
  reading->kind = kind;
  reading->data = data;
  reading->leash = g_new0(Leash, 1);
  reading->leash->seconds = readings->seconds;
  reading->leash->key = g_strdup(order->key);
  g_queue_push_tail(&reading->user->waiting, reading);
  enter_ring(readings, reading->user);
  start_next(readings);
}

gboolean readings_has_user(const Readings *readings, guint32 uid) {
  return g_hash_table_contains(readings->users, GUINT_TO_POINTER(uid));
}

/* ---- those who have left ---- */

static gboolean is_of(const Reading *reading, const char *owner) {
  return owner == NULL || g_str_equal(reading->owner, owner);
}

static void take_waiting(User *user, const char *owner, GQueue *taken) {
  GList *next = NULL;
  for (GList *link = user->waiting.head; link != NULL; link = next) {
    Reading *reading = link->data;
    next = link->next;
    if (!is_of(reading, owner))
      continue;
    g_queue_delete_link(&user->waiting, link);
    g_queue_push_tail(taken, reading);
  }
}

static void cancel_running(User *user, const char *owner) {
  for (GList *link = user->running.head; link != NULL; link = link->next)
    if (is_of(link->data, owner))
      cancel(link->data, NULL);
}

static gboolean set_flag(gpointer data) {
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* They look at their leash every few steps: only one whose disk hangs does not end in time. */
static void await_running(Readings *readings) {
  gboolean late = FALSE;
  guint timer = g_timeout_add(LIMIT_READINGS_STOP_MS, set_flag, &late);
  while (readings->running > 0 && !late)
    (void)g_main_context_iteration(NULL, TRUE);
  if (!late)
    g_source_remove(timer);
}

void readings_stop(Readings *readings) {
  if (readings->retry != 0)
    g_source_remove(readings->retry);
  readings->retry = 0;
  readings_forget_owner(readings, NULL);
  await_running(readings);
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, readings->users);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    g_queue_clear(&((User *)value)->running); /* the workers' own from here on */
}

/* Users go before what they had is reported, which no longer asks whose it was. */
void readings_forget_owner(Readings *readings, const char *owner) {
  GQueue taken = G_QUEUE_INIT;
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init(&iter, readings->users);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    User *user = value;
    take_waiting(user, owner, &taken);
    cancel_running(user, owner);
    if (!is_idle(user))
      continue;
    if (user->in_ring)
      g_queue_remove(&readings->ring, user);
    g_hash_table_iter_remove(&iter);
  }
  for (Reading *reading; (reading = g_queue_pop_head(&taken)) != NULL;) {
    cancel(reading, NULL);
    report(reading);
  }
}

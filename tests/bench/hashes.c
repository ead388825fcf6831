/* SPDX-License-Identifier: MIT */
/* What the processors can hash: bare crypt() on one thread for each of them, as
 * many times as go into some seconds. Prints hashes, seconds, and the processor
 * time that they took in us.
 *
 *   hashes PASSWORD HASH SECONDS */
#include <crypt.h>
#include <glib.h>
#include <time.h>

typedef struct {
  const char *password, *hash;
  gint64 end;
  guint made;
} Worker;

static gpointer work(gpointer data) {
  Worker *worker = data;
  struct crypt_data *room = g_new0(struct crypt_data, 1);
  while (g_get_monotonic_time() < worker->end) {
    crypt_r(worker->password, worker->hash, room);
    worker->made++;
  }
  g_free(room);
  return NULL;
}

static gint64 get_processor_time(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

int main(int count, char **arguments) {
  if (count != 4)
    return 2;
  guint number = g_get_num_processors();
  guint made = 0;
  gint64 begun = g_get_monotonic_time();
  gint64 end = begun + g_ascii_strtoll(arguments[3], NULL, 10) * G_USEC_PER_SEC;
  Worker *workers = g_new0(Worker, number);
  GThread **threads = g_new0(GThread *, number);
  for (guint i = 0; i < number; i++) {
    workers[i] = (Worker){arguments[1], arguments[2], end, 0};
    threads[i] = g_thread_new("hash", work, &workers[i]);
  }
  for (guint i = 0; i < number; i++) {
    g_thread_join(threads[i]);
    made += workers[i].made;
  }
  g_print("%u %.3f %" G_GINT64_FORMAT "\n", made,
          (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC, get_processor_time());
  g_free(threads);
  g_free(workers);
  return 0;
}

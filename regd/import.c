/* A thread reads and parses; a timer on the main context looks whether it gets
 * on. The thread waits with poll(), so that as a rule it ends by itself; where
 * even read() hangs (a pipe that somebody else emptied, a file system that does
 * not answer), the timer ends the call and leaves the thread behind. */
#include "regd/import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

#define CHUNK_BYTES (64U * 1024U)

/* One reading. Its parts are the thread's until it is done; `answered`, `seen`,
 * `quiet` and the callbacks are the main context's. */
typedef struct {
  int descriptor;
  guint stall_seconds;
  RegfileParser *parser;
  Change *change;
  GError *error;
  gint chunks; /* atomic: progress */

  gboolean answered;
  gint seen;
  guint quiet; /* seconds without progress */
  GSource *timer;
  ImportRead done;
  gpointer data;
  GDestroyNotify released;
  gpointer release_data;
} Reading;

static void reading_free(gpointer data) {
  Reading *reading = data;
  close(reading->descriptor);
  regfile_parser_free(reading->parser);
  change_free(reading->change);
  g_clear_error(&reading->error);
  if (reading->timer != NULL) {
    g_source_destroy(reading->timer);
    g_source_unref(reading->timer);
  }
  reading->released(reading->release_data);
  g_free(reading);
}

/* ---- on the thread ---- */

static gboolean set_stalled(guint seconds, GError **error) {
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "the file to import: nothing came for %u seconds", seconds);
}

static gboolean wait_readable(const Reading *reading, GError **error) {
  struct pollfd wanted = {.fd = reading->descriptor, .events = POLLIN};
  int ready;
  do
    ready = poll(&wanted, 1, (int)reading->stall_seconds * 1000);
  while (ready < 0 && errno == EINTR);
  return ready != 0 || set_stalled(reading->stall_seconds, error);
}

/* How many bytes came, 0 at the end, or -1 with @error. */
static gssize read_chunk(Reading *reading, char *chunk, GError **error) {
  for (;;) {
    if (!wait_readable(reading, error))
      return -1;
    gssize size = read(reading->descriptor, chunk, CHUNK_BYTES);
    g_atomic_int_inc(&reading->chunks);
    if (size >= 0)
      return size;
    if (errno == EINTR || errno == EAGAIN)
      continue;
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the file to import can't be read: %s",
              g_strerror(errno));
    return -1;
  }
}

static gboolean read_all(Reading *reading, GError **error) {
  g_autofree char *chunk = g_malloc(CHUNK_BYTES);
  guint64 total = 0;
  gssize size;
  while ((size = read_chunk(reading, chunk, error)) > 0) {
    total += (guint64)size;
    if (total > LIMIT_FILE_BYTES)
      return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                       "the file to import is larger than %" G_GUINT64_FORMAT " bytes",
                       (guint64)LIMIT_FILE_BYTES);
    if (!regfile_parser_push(reading->parser, chunk, (gsize)size, error))
      return FALSE;
  }
  return size == 0;
}

static void run(gpointer data) {
  Reading *reading = data;
  if (read_all(reading, &reading->error))
    reading->change = regfile_parser_finish(reading->parser, &reading->error);
}

/* ---- on the main context ---- */

static void answer(Reading *reading, Change *change, const GError *error) {
  reading->answered = TRUE;
  reading->done(change, error == NULL ? regfile_parser_get_report(reading->parser) : NULL, error,
                reading->data);
}

static void finished(gpointer data) {
  Reading *reading = data;
  if (!reading->answered)
    answer(reading, g_steal_pointer(&reading->change), reading->error);
  reading_free(reading);
}

/* A little later than the thread's own limit, which says it better. */
static gboolean look_for_progress(gpointer data) {
  Reading *reading = data;
  gint chunks = g_atomic_int_get(&reading->chunks);
  reading->quiet = chunks == reading->seen ? reading->quiet + 1 : 0;
  reading->seen = chunks;
  if (reading->quiet <= reading->stall_seconds + 1)
    return G_SOURCE_CONTINUE;
  g_autoptr(GError) error = NULL;
  set_stalled(reading->stall_seconds, &error);
  answer(reading, NULL, error);
  return G_SOURCE_REMOVE;
}

void import_read(Work *work, int descriptor, gboolean strict, guint stall_seconds, ImportRead done,
                 gpointer data, GDestroyNotify released, gpointer release_data) {
  Reading *reading = g_new0(Reading, 1);
  reading->descriptor = descriptor;
  reading->stall_seconds = stall_seconds;
  reading->parser = regfile_parser_new(strict);
  reading->done = done;
  reading->data = data;
  reading->released = released;
  reading->release_data = release_data;
  reading->timer = g_timeout_source_new_seconds(1);
  g_source_set_callback(reading->timer, look_for_progress, reading, NULL);
  g_source_attach(reading->timer, work_get_context(work));
  work_submit(work, run, finished, reading, reading_free);
}

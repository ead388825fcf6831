/* SPDX-License-Identifier: MIT */
/* A thread works; a timer on the main context checks its progress. The thread waits with
 * poll(), so that it normally ends by itself. If even read() or write() hangs (another process
 * emptied or filled the pipe, or a file system does not answer), the timer ends the call and
 * leaves the thread behind.
 *
 * O_NONBLOCK would be simpler, but it belongs to the open file, which the caller shares: it
 * may be their standard output. */
#include "regd/files/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"

#define FILE_CHUNK_BYTES (256U * 1024U)

/* The first part is the thread's until it is done; `answered`, `seen`, `quiet`
 * and the callbacks are the main context's. */
struct Transfer {
  int descriptor;
  const char *what;
  guint stall_seconds;
  gsize write_chunk; /* bytes that write() takes without blocking once poll() says so */
  GError *error;
  gint progress; /* atomic */
  gint ended;    /* atomic: the call has been answered */

  gboolean answered;
  gint seen;
  guint quiet; /* seconds without progress */
  GSource *timer;
  TransferRun run;
  TransferDone done;
  gpointer data;
  GDestroyNotify destroy;
};

static void transfer_free(Transfer *transfer) {
  close(transfer->descriptor);
  g_clear_error(&transfer->error);
  g_source_destroy(transfer->timer);
  g_source_unref(transfer->timer);
  transfer->destroy(transfer->data);
  g_free(transfer);
}

/* ---- on the thread ---- */

static gboolean set_stalled(const Transfer *transfer, GError **error) {
  return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "%s: nothing went on for %u seconds",
                   transfer->what, transfer->stall_seconds);
}

gboolean transfer_note_progress(Transfer *transfer, GError **error) {
  g_atomic_int_inc(&transfer->progress);
  return !g_atomic_int_get(&transfer->ended) || set_stalled(transfer, error);
}

static gboolean wait_for(const Transfer *transfer, short events, GError **error) {
  struct pollfd wanted = {.fd = transfer->descriptor, .events = events};
  int ready;
  do
    ready = poll(&wanted, 1, (int)transfer->stall_seconds * 1000);
  while (ready < 0 && errno == EINTR);
  return ready != 0 || set_stalled(transfer, error);
}

static gboolean comes_again(int reason) {
  return reason == EINTR || reason == EAGAIN;
}

gssize transfer_read(Transfer *transfer, void *bytes, gsize size, GError **error) {
  for (;;) {
    if (!wait_for(transfer, POLLIN, error))
      return -1;
    gssize taken = read(transfer->descriptor, bytes, size);
    g_atomic_int_inc(&transfer->progress);
    if (taken >= 0)
      return taken;
    if (comes_again(errno))
      continue;
    error_set(error, REGISTRY_ERROR_FAILED, "%s can't be read: %s", transfer->what,
              g_strerror(errno));
    return -1;
  }
}

gboolean transfer_require_writable(const Transfer *transfer, GError **error) {
  int flags = fcntl(transfer->descriptor, F_GETFL);
  int mode = flags & O_ACCMODE;
  if (flags >= 0 && (flags & O_PATH) == 0 && (mode == O_WRONLY || mode == O_RDWR))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s can't be written: the descriptor is not open for writing", transfer->what);
}

/* As much as goes in at once: 0 to wait, -1 with @error. */
static gssize write_some(Transfer *transfer, const guint8 *bytes, gsize size, GError **error) {
  if (!wait_for(transfer, POLLOUT, error))
    return -1;
  gssize written = write(transfer->descriptor, bytes, MIN(size, transfer->write_chunk));
  if (written > 0 && !transfer_note_progress(transfer, error))
    return -1;
  if (written >= 0 || comes_again(errno))
    return MAX(written, 0);
  error_set(error, REGISTRY_ERROR_FAILED, "%s can't be written: %s", transfer->what,
            g_strerror(errno));
  return -1;
}

gboolean transfer_write(Transfer *transfer, const void *bytes, gsize size, GError **error) {
  const guint8 *at = bytes;
  while (size > 0) {
    gssize written = write_some(transfer, at, size, error);
    if (written < 0)
      return FALSE;
    at += written;
    size -= (gsize)written;
  }
  return TRUE;
}

gboolean transfer_write_file(Transfer *transfer, int file, GError **error) {
  g_autofree guint8 *chunk = g_malloc(FILE_CHUNK_BYTES);
  off_t at = 0;
  for (;;) {
    gssize size = pread(file, chunk, FILE_CHUNK_BYTES, at);
    if (size == 0)
      return TRUE;
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return error_set(error, REGISTRY_ERROR_STORAGE_FAILURE, "a temporary file can't be read: %s",
                       g_strerror(errno));
    if (!transfer_write(transfer, chunk, (gsize)size, error))
      return FALSE;
    at += size;
  }
}

static void run_on_thread(gpointer data) {
  Transfer *transfer = data;
  (void)transfer->run(transfer, transfer->data, &transfer->error);
}

/* ---- on the main context ---- */

static void answer(Transfer *transfer, const GError *error) {
  transfer->answered = TRUE;
  g_atomic_int_set(&transfer->ended, TRUE);
  transfer->done(transfer->data, error);
}

static void finished(gpointer data) {
  Transfer *transfer = data;
  if (!transfer->answered)
    answer(transfer, transfer->error);
  transfer_free(transfer);
}

/* The workers are abandoned: regd stops. */
static void dropped(gpointer data) {
  Transfer *transfer = data;
  g_autoptr(GError) error = NULL;
  if (!transfer->answered) {
    error_set(&error, REGISTRY_ERROR_FAILED, "%s: regd stops; try again", transfer->what);
    answer(transfer, error);
  }
  transfer_free(transfer);
}

/* A little later than the thread's own limit, whose error is more precise. */
static gboolean look_for_progress(gpointer data) {
  Transfer *transfer = data;
  gint progress = g_atomic_int_get(&transfer->progress);
  transfer->quiet = progress == transfer->seen ? transfer->quiet + 1 : 0;
  transfer->seen = progress;
  if (transfer->quiet <= transfer->stall_seconds + 1)
    return G_SOURCE_CONTINUE;
  g_autoptr(GError) error = NULL;
  set_stalled(transfer, &error);
  answer(transfer, error);
  return G_SOURCE_REMOVE;
}

/* A pipe that poll() calls writable has room for at least PIPE_BUF bytes; a regular file waits
 * only for its disk. */
static gsize find_write_chunk(int descriptor) {
  struct stat status;
  gboolean regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  return regular ? FILE_CHUNK_BYTES : PIPE_BUF;
}

void transfer_start(Workers *workers, int descriptor, const char *what, guint stall_seconds,
                    TransferRun run, TransferDone done, gpointer data, GDestroyNotify destroy) {
  Transfer *transfer = g_new0(Transfer, 1);
  transfer->descriptor = descriptor;
  transfer->what = what;
  transfer->stall_seconds = stall_seconds;
  transfer->write_chunk = find_write_chunk(descriptor);
  transfer->run = run;
  transfer->done = done;
  transfer->data = data;
  transfer->destroy = destroy;
  transfer->timer = g_timeout_source_new_seconds(1);
  g_source_set_callback(transfer->timer, look_for_progress, transfer, NULL);
  g_source_attach(transfer->timer, workers_get_context(workers));
  workers_submit(workers, run_on_thread, finished, transfer, dropped);
}

/* SPDX-License-Identifier: MIT */
/* Shows how far a file has been read. */
#include "client/regctl/session/progress.h"

#include <sys/stat.h>
#include <unistd.h>

#include "client/base/escape.h"

#define FIRST_MS 500
#define EVERY_MS 200

struct Progress {
  char *file;
  int descriptor;
  off_t size;
  GThread *thread;
  GMutex mutex; /* guards `stopped` */
  GCond wake;
  gboolean stopped;
};

static void tell(const Progress *progress) {
  off_t at = lseek(progress->descriptor, 0, SEEK_CUR);
  if (at < 0)
    return;
  if (at < progress->size)
    g_printerr("\r\033[Kregctl: %s: %d %% read", progress->file, (int)(at * 100 / progress->size));
  else
    g_printerr("\r\033[Kregctl: %s: read, now written", progress->file);
}

/* FALSE: there is nothing more to tell. */
static gboolean wait_for_next(Progress *progress, gint64 milliseconds) {
  gint64 until = g_get_monotonic_time() + milliseconds * 1000;
  g_mutex_lock(&progress->mutex);
  while (!progress->stopped && g_cond_wait_until(&progress->wake, &progress->mutex, until))
    ;
  gboolean goes_on = !progress->stopped;
  g_mutex_unlock(&progress->mutex);
  return goes_on;
}

static gpointer run(gpointer data) {
  Progress *progress = data;
  if (!wait_for_next(progress, FIRST_MS))
    return NULL;
  do
    tell(progress);
  while (wait_for_next(progress, EVERY_MS));
  g_printerr("\r\033[K");
  return NULL;
}

Progress *progress_start(const char *file, int descriptor) {
  struct stat status;
  if (!isatty(STDERR_FILENO) || fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode) ||
      status.st_size == 0)
    return NULL;
  Progress *progress = g_new0(Progress, 1);
  g_autofree char *leaf = g_path_get_basename(file);
  GString *shown = g_string_new(NULL);
  escape_append(shown, leaf);
  progress->file = g_string_free(shown, FALSE);
  progress->descriptor = descriptor;
  progress->size = status.st_size;
  g_mutex_init(&progress->mutex);
  g_cond_init(&progress->wake);
  /* Without a thread there is no display, and the work goes on. */
  progress->thread = g_thread_try_new("progress", run, progress, NULL);
  return progress;
}

void progress_stop(Progress *progress) {
  if (progress == NULL)
    return;
  g_mutex_lock(&progress->mutex);
  progress->stopped = TRUE;
  g_cond_signal(&progress->wake);
  g_mutex_unlock(&progress->mutex);
  if (progress->thread != NULL)
    g_thread_join(progress->thread);
  g_mutex_clear(&progress->mutex);
  g_cond_clear(&progress->wake);
  g_free(progress->file);
  g_free(progress);
}

/* SPDX-License-Identifier: MIT */
/* See thread-shortage.h. GLib reports its fatal errors to the log handler before it
 * aborts: that is where the program ends instead. */
#include "client/threads/thread-shortage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/base/error.h"

#define CURE                                                                                       \
  "no further thread can be made: the limit of processes is reached (TasksMax= of the unit, "      \
  "'ulimit -u', pids.max of the container), or memory is short; raise it, then start again"

static gpointer do_nothing(gpointer data) {
  return data;
}

static gboolean is_short_of_threads(void) {
  GThread *thread = g_thread_try_new("probe", do_nothing, NULL, NULL);
  if (thread != NULL)
    g_thread_join(thread);
  return thread == NULL;
}

/* The words may be translated, so they are not all that is gone by. */
static gboolean is_about_threads(const char *message) {
  return strstr(message, "creating thread") != NULL || is_short_of_threads();
}

static void on_log(const char *domain, GLogLevelFlags level, const char *message,
                   G_GNUC_UNUSED gpointer data) {
  if ((level & G_LOG_LEVEL_ERROR) != 0 && g_strcmp0(domain, "GLib") == 0 &&
      is_about_threads(message)) {
    g_printerr("%s: " CURE "\n", program_invocation_short_name);
    _exit(1);
  }
  g_log_default_handler(domain, level, message, NULL);
}

void thread_shortage_expect(void) {
  g_log_set_default_handler(on_log, NULL);
}

GThread *thread_shortage_try(const char *name, GThreadFunc run, gpointer data, GError **error) {
  GThread *thread = g_thread_try_new(name, run, data, NULL);
  if (thread == NULL)
    error_set(error, REGISTRY_ERROR_FAILED, CURE);
  return thread;
}

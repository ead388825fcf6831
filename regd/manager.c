/* SPDX-License-Identifier: MIT */
/* See manager.h. The beat comes from a timer of the main loop, at half the interval after
 * which the service manager would end the process; each time the writer is asked for a
 * sign of life, which it must have given by the next one. */
#include "regd/manager.h"

#include <systemd/sd-daemon.h>

/* If the service manager asks for no beat, in ms. */
#define STATUS_MS 10000U

struct Manager {
  Server *server;
  gboolean beats;
  guint timer;
  char *status; /* as it was last told */
};

void manager_tell_ready(void) {
  (void)sd_notify(0, "READY=1");
}

void manager_tell_stopping(void) {
  (void)sd_notify(0, "STOPPING=1");
}

static void tell_status(Manager *manager) {
  g_autofree char *status = server_describe(manager->server);
  if (g_strcmp0(status, manager->status) == 0)
    return;
  (void)sd_notifyf(0, "STATUS=%s", status);
  g_free(manager->status);
  manager->status = g_steal_pointer(&status);
}

static gboolean on_timer(gpointer data) {
  Manager *manager = data;
  if (server_is_alive(manager->server) && manager->beats)
    (void)sd_notify(0, "WATCHDOG=1");
  tell_status(manager);
  return G_SOURCE_CONTINUE;
}

Manager *manager_new(Server *server) {
  guint64 interval_us = 0;
  gboolean beats = sd_watchdog_enabled(0, &interval_us) > 0;
  if (!beats && g_getenv("NOTIFY_SOCKET") == NULL)
    return NULL;
  Manager *manager = g_new0(Manager, 1);
  manager->server = server;
  manager->beats = beats;
  guint period_ms = beats ? (guint)CLAMP(interval_us / 2000, 1, G_MAXINT) : STATUS_MS;
  manager->timer = g_timeout_add(period_ms, on_timer, manager);
  (void)on_timer(manager);
  return manager;
}

void manager_free(Manager *manager) {
  if (manager == NULL)
    return;
  g_source_remove(manager->timer);
  g_free(manager->status);
  g_free(manager);
}

/* SPDX-License-Identifier: MIT */
/* Deadlines for work on other threads: see deadline.h. */
#include "mailauth/package/deadline.h"

#include <sys/socket.h>

void deadline_init(Deadline *deadline, gint64 end) {
  *deadline = (Deadline){.end = end};
  g_mutex_init(&deadline->lock);
  for (guint i = 0; i < MAX_DEADLINE_SOCKETS; i++)
    deadline->sockets[i] = -1;
}

void deadline_clear(Deadline *deadline) {
  g_mutex_clear(&deadline->lock);
}

static void replace(Deadline *deadline, int old, int new) {
  for (guint i = 0; i < MAX_DEADLINE_SOCKETS; i++) {
    if (deadline->sockets[i] != old)
      continue;
    deadline->sockets[i] = new;
    return;
  }
}

void deadline_add(Deadline *deadline, int socket) {
  g_mutex_lock(&deadline->lock);
  replace(deadline, -1, socket);
  if (deadline->over)
    shutdown(socket, SHUT_RDWR);
  g_mutex_unlock(&deadline->lock);
}

void deadline_take_away(Deadline *deadline, int socket) {
  g_mutex_lock(&deadline->lock);
  replace(deadline, socket, -1);
  g_mutex_unlock(&deadline->lock);
}

void deadline_expire(Deadline *deadline) {
  g_mutex_lock(&deadline->lock);
  deadline->over = TRUE;
  for (guint i = 0; i < MAX_DEADLINE_SOCKETS; i++)
    if (deadline->sockets[i] >= 0)
      shutdown(deadline->sockets[i], SHUT_RDWR);
  g_mutex_unlock(&deadline->lock);
}

gint64 deadline_get_rest(Deadline *deadline) {
  g_mutex_lock(&deadline->lock);
  gint64 rest = deadline->over ? 0 : deadline->end - g_get_monotonic_time();
  g_mutex_unlock(&deadline->lock);
  return MAX(rest, 0);
}

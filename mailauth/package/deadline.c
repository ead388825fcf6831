/* SPDX-License-Identifier: MIT */
/* Deadlines for work on other threads: see deadline.h. */
#include "mailauth/package/deadline.h"

#include <sys/socket.h>

void patience_init(Patience *patience, gint64 deadline) {
  *patience = (Patience){.deadline = deadline};
  g_mutex_init(&patience->lock);
  for (guint i = 0; i < MAX_PATIENCE_SOCKETS; i++)
    patience->sockets[i] = -1;
}

void patience_clear(Patience *patience) {
  g_mutex_clear(&patience->lock);
}

static void replace(Patience *patience, int old, int new) {
  for (guint i = 0; i < MAX_PATIENCE_SOCKETS; i++) {
    if (patience->sockets[i] != old)
      continue;
    patience->sockets[i] = new;
    return;
  }
}

void patience_add(Patience *patience, int socket) {
  g_mutex_lock(&patience->lock);
  replace(patience, -1, socket);
  if (patience->over)
    shutdown(socket, SHUT_RDWR);
  g_mutex_unlock(&patience->lock);
}

void patience_take_away(Patience *patience, int socket) {
  g_mutex_lock(&patience->lock);
  replace(patience, socket, -1);
  g_mutex_unlock(&patience->lock);
}

void patience_end(Patience *patience) {
  g_mutex_lock(&patience->lock);
  patience->over = TRUE;
  for (guint i = 0; i < MAX_PATIENCE_SOCKETS; i++)
    if (patience->sockets[i] >= 0)
      shutdown(patience->sockets[i], SHUT_RDWR);
  g_mutex_unlock(&patience->lock);
}

gint64 patience_get_rest(Patience *patience) {
  g_mutex_lock(&patience->lock);
  gint64 rest = patience->over ? 0 : patience->deadline - g_get_monotonic_time();
  g_mutex_unlock(&patience->lock);
  return MAX(rest, 0);
}

/* SPDX-License-Identifier: MIT */
/* auth-front.h: accepting, and counting. */
#include "mailauth/front/auth-front.h"

#include <errno.h>
#include <openssl/rand.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"

#define MS 1000
#define COOKIE_BYTES 16

typedef struct {
  Watch watch; /* its descriptor is -1 if there is no socket */
  Timer rest;
  AuthFront *front;
  AuthKind kind;
} Entrance;

struct AuthFront {
  AuthHost host;
  AuthFrontHooks hooks;
  Entrance entrances[N_AUTH_KINDS];
  GQueue sessions[N_AUTH_KINDS]; /* of AuthSession, the oldest first */
  guint last_connection;
  gboolean open;
};

/* ---- connections ---- */

/* The oldest that asks nothing makes room. */
static gboolean make_room(AuthFront *front, AuthKind kind) {
  for (GList *link = front->sessions[kind].head; link != NULL; link = link->next) {
    if (!auth_session_is_idle(link->data))
      continue;
    auth_session_end(link->data);
    return TRUE;
  }
  return FALSE;
}

/* NULL if the system has no random bytes. */
static char *new_cookie(void) {
  guint8 bytes[COOKIE_BYTES];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return NULL;
  GString *cookie = g_string_sized_new(2 * sizeof bytes);
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf(cookie, "%02x", bytes[i]);
  return g_string_free(cookie, FALSE);
}

static void admit(AuthFront *front, AuthKind kind, int client) {
  g_autofree char *cookie = new_cookie();
  gboolean full = front->sessions[kind].length >= MAX_AUTH_CONNECTIONS;
  if (cookie == NULL || (full && !make_room(front, kind))) {
    front->hooks.refused(front->hooks.data);
    close(client);
    return;
  }
  AuthSession *session =
      auth_session_new(&front->host, client, kind, ++front->last_connection, cookie);
  g_queue_push_tail(&front->sessions[kind], session);
  auth_session_start(session);
}

static void watch_entrance(Entrance *entrance) {
  Poller *poller = entrance->front->host.poller;
  gboolean wanted = entrance->front->open && entrance->watch.descriptor >= 0;
  if (!poller_watch(poller, &entrance->watch, wanted ? EPOLLIN : 0))
    poller_set_timer(poller, &entrance->rest, (gint64)ACCEPT_REST_MS * MS);
}

static void entrance_rested(Timer *timer) {
  watch_entrance(container_of(timer, Entrance, rest));
}

static gboolean accept_one(Entrance *entrance) {
  Poller *poller = entrance->front->host.poller;
  int client = accept4(entrance->watch.descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0) {
    admit(entrance->front, entrance->kind, client);
    return TRUE;
  }
  if (errno == ECONNABORTED || errno == EINTR)
    return TRUE;
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return FALSE;
  /* No descriptor is left, or the socket has been shut down and is about to be replaced. */
  poller_watch(poller, &entrance->watch, 0);
  poller_set_timer(poller, &entrance->rest, (gint64)ACCEPT_REST_MS * MS);
  return FALSE;
}

static void entrance_ready(Watch *watch, G_GNUC_UNUSED guint32 events) {
  Entrance *entrance = container_of(watch, Entrance, watch);
  if (watch->descriptor < 0)
    return;
  for (guint i = 0; i < MAX_ACCEPTS_AT_ONCE && accept_one(entrance); i++)
    continue;
}

/* ---- the sessions' host ---- */

static void handle_ask(AuthLogin *login, gpointer owner) {
  const AuthFront *front = owner;
  front->hooks.ask(login, front->hooks.data);
}

static void handle_cancel(AuthLogin *login, gpointer owner) {
  const AuthFront *front = owner;
  front->hooks.cancel(login, front->hooks.data);
}

static void handle_ended(AuthSession *session, gpointer owner) {
  AuthFront *front = owner;
  g_queue_remove(&front->sessions[auth_session_get_kind(session)], session);
}

/* ---- the whole ---- */

AuthFront *auth_front_new(Poller *poller, const AuthFrontHooks *hooks) {
  AuthFront *front = g_new0(AuthFront, 1);
  front->host = (AuthHost){poller, front, handle_ask, handle_cancel, handle_ended, FALSE, 0};
  front->hooks = *hooks;
  for (guint i = 0; i < N_AUTH_KINDS; i++) {
    front->entrances[i] = (Entrance){.watch = {.descriptor = -1, .ready = entrance_ready},
                                     .rest = {.fire = entrance_rested},
                                     .front = front,
                                     .kind = (AuthKind)i};
    g_queue_init(&front->sessions[i]);
  }
  return front;
}

void auth_front_end_all(AuthFront *front) {
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    while (front->sessions[i].head != NULL)
      auth_session_end(front->sessions[i].head->data);
}

void auth_front_free(AuthFront *front) {
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    auth_front_set_socket(front, (AuthKind)i, -1);
  poller_free_later(front->host.poller, front, g_free);
}

void auth_front_set_socket(AuthFront *front, AuthKind kind, int descriptor) {
  Entrance *entrance = &front->entrances[kind];
  poller_watch(front->host.poller, &entrance->watch, 0);
  poller_stop_timer(front->host.poller, &entrance->rest);
  if (entrance->watch.descriptor >= 0)
    close(entrance->watch.descriptor);
  entrance->watch.descriptor = descriptor;
  watch_entrance(entrance);
}

void auth_front_open(AuthFront *front) {
  front->open = TRUE;
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    watch_entrance(&front->entrances[i]);
}

void auth_front_offer(AuthFront *front, gboolean has_scram, guint left_out) {
  front->host.has_scram = has_scram;
  front->host.left_out = left_out;
}

guint auth_front_count(const AuthFront *front, AuthKind kind) {
  return front->sessions[kind].length;
}

/* SPDX-License-Identifier: MIT */
/* See front-listeners.h. */
#include "mailauth/front/front-listeners.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/container-of.h"
#include "mailauth/base/limits.h"
#include "mailauth/protocol/machines.h"

#define MS 1000
#define NO_DESCRIPTOR_LEFT "the system has no descriptor left"

struct FrontListeners {
  SessionHost *host;
  Admission *admission;
  Refusals *refusals;
  GHashTable *all; /* id -> FrontListener */
  gboolean is_open;
};

typedef struct {
  Watch watch;
  Timer rest;
  FrontListeners *listeners;
  Protocol protocol;
  gboolean tls;
} FrontListener;

/* ---- who may come in ---- */

static void refuse(int client, const FrontListener *listener, const char *why) {
  g_autoptr(GString) out = g_string_new(NULL);
  machine_get_ops(listener->protocol)->say_goodbye(why, out);
  /* Best effort: nobody waits for a client that is not let in. */
  if (!listener->tls && send(client, out->str, out->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    errno = 0;
  close(client);
}

/* @limit: a setting's name, or what else has run out. */
static void note_refusal(const FrontListener *listener, const ClientAddress *address,
                         guint64 session, const char *limit) {
  refusals_tell(
      listener->listeners->refusals,
      &(Refusal){OUTCOME_TOO_MANY_CONNECTIONS, listener->protocol, address, session, limit});
}

/* The oldest that has not logged in makes room. */
static void dismiss(const FrontListener *listener, Session *oldest, const char *limit) {
  note_refusal(listener, session_get_address(oldest), session_get_number(oldest), limit);
  session_dismiss(oldest, "Too many connections.");
}

/* NULL: a proxy will tell it. */
static const ClientAddress *get_address(const SessionArrival *arrival) {
  return arrival->by_proxy ? NULL : &arrival->origin.address;
}

static void admit(const FrontListener *listener, const SessionArrival *arrival) {
  Session *session = session_new(listener->listeners->host, arrival);
  admission_add(listener->listeners->admission, session, get_address(arrival));
  session_start(session);
}

static void judge(const FrontListener *listener, const SessionArrival *arrival) {
  Admission *admission = listener->listeners->admission;
  const ClientAddress *address = &arrival->origin.address;
  int client = arrival->descriptor;
  AdmissionResult result =
      admission_judge(admission, listener->protocol, get_address(arrival),
                      &listener->listeners->host->settings[listener->protocol]);
  if (result == REFUSE_SUBSCRIBER) {
    note_refusal(listener, address, 0, "Max Connections Per Address");
    refuse(client, listener, "Too many connections from your address.");
    return;
  }
  if (result == REFUSE_FULL) {
    note_refusal(listener, address, 0, "Max Connections");
    refuse(client, listener, "Too many connections.");
    return;
  }
  if (result == ADMIT_INSTEAD)
    dismiss(listener, admission_get_oldest(admission, listener->protocol), "Max Connections");
  admit(listener, arrival);
}

/* ---- accepting ---- */

/* The system has no descriptor left: the oldest session that has not logged in makes
 * room, else the listener rests. */
static gboolean make_room(FrontListener *listener) {
  Poller *poller = listener->listeners->host->poller;
  Session *oldest = admission_get_oldest(listener->listeners->admission, listener->protocol);
  if (oldest != NULL) {
    dismiss(listener, oldest, NO_DESCRIPTOR_LEFT);
    return TRUE;
  }
  note_refusal(listener, NULL, 0, NO_DESCRIPTOR_LEFT);
  poller_watch(poller, &listener->watch, 0);
  poller_set_timer(poller, &listener->rest, (gint64)ACCEPT_REST_MS * MS);
  return FALSE;
}

/* FALSE: there is nothing more to accept now. */
static gboolean accept_one(FrontListener *listener) {
  struct sockaddr_storage socket = {0};
  socklen_t size = sizeof socket;
  int client = accept4(listener->watch.descriptor, (struct sockaddr *)&socket, &size,
                       SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0) {
    const Networks *proxies = listener->listeners->host->proxies;
    SessionArrival arrival = {client, listener->protocol, listener->tls,
                              origin_from_socket(&socket), FALSE};
    arrival.by_proxy = networks_have(proxies, &arrival.origin.address);
    judge(listener, &arrival);
    return TRUE;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
    return make_room(listener);
  return errno == ECONNABORTED || errno == EINTR;
}

static void on_ready(Watch *watch, G_GNUC_UNUSED guint32 events) {
  FrontListener *listener = container_of(watch, FrontListener, watch);
  for (guint i = 0; i < MAX_ACCEPTS_AT_ONCE && accept_one(listener); i++)
    continue;
}

static void update_watch(FrontListener *listener) {
  Poller *poller = listener->listeners->host->poller;
  guint32 events = listener->listeners->is_open ? EPOLLIN : 0;
  if (!poller_watch(poller, &listener->watch, events))
    poller_set_timer(poller, &listener->rest, (gint64)ACCEPT_REST_MS * MS);
}

static void on_rested(Timer *timer) {
  update_watch(container_of(timer, FrontListener, rest));
}

/* ---- the list ---- */

static void listener_free(gpointer data) {
  FrontListener *listener = data;
  Poller *poller = listener->listeners->host->poller;
  poller_watch(poller, &listener->watch, 0);
  poller_stop_timer(poller, &listener->rest);
  close(listener->watch.descriptor);
  poller_free_later(poller, listener, g_free);
}

FrontListeners *front_listeners_new(SessionHost *host, Admission *admission, Refusals *refusals) {
  FrontListeners *listeners = g_new0(FrontListeners, 1);
  listeners->host = host;
  listeners->admission = admission;
  listeners->refusals = refusals;
  listeners->all = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, listener_free);
  return listeners;
}

void front_listeners_free(FrontListeners *listeners) {
  if (listeners == NULL)
    return;
  g_hash_table_unref(listeners->all);
  g_free(listeners);
}

void front_listeners_open(FrontListeners *listeners) {
  GHashTableIter iterator;
  gpointer listener;
  listeners->is_open = TRUE;
  g_hash_table_iter_init(&iterator, listeners->all);
  while (g_hash_table_iter_next(&iterator, NULL, &listener))
    update_watch(listener);
}

void front_listeners_add(FrontListeners *listeners, Message *message) {
  guint64 id;
  const char *address;
  guchar protocol;
  gboolean tls;
  g_variant_get(message->body, "(t&syb)", &id, &address, &protocol, &tls);
  if (protocol >= N_PROTOCOLS)
    return;
  FrontListener *listener = g_new0(FrontListener, 1);
  listener->watch.descriptor = message_take_descriptor(message, 0);
  listener->watch.ready = on_ready;
  listener->rest.fire = on_rested;
  listener->listeners = listeners;
  listener->protocol = protocol;
  listener->tls = tls;
  g_hash_table_replace(listeners->all, g_memdup2(&id, sizeof id), listener);
  update_watch(listener);
}

void front_listeners_remove(FrontListeners *listeners, const Message *message) {
  guint64 id = g_variant_get_uint64(message->body);
  g_hash_table_remove(listeners->all, &id);
}

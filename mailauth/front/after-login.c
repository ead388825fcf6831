/* SPDX-License-Identifier: MIT */
/* See after-login.h. */
#include "mailauth/front/after-login.h"

#include <sys/epoll.h>

#include "mailauth/base/container-of.h"

/* ---- a verdict that is kept ---- */

struct HeldVerdict {
  Outcome outcome;
  guint idle_timeout;
  char *capabilities;
  ServerCode code;
  char *alert;
  Secret had;
  int server;
};

HeldVerdict *held_verdict_new(const Verdict *verdict) {
  HeldVerdict *held = g_new0(HeldVerdict, 1);
  held->outcome = verdict->outcome;
  held->idle_timeout = verdict->idle_timeout;
  held->capabilities = g_strdup(verdict->capabilities);
  held->code = verdict->word.code;
  held->alert = g_strdup(verdict->word.alert);
  secret_append(&held->had, verdict->had, verdict->had_size);
  held->server = verdict->server;
  return held;
}

Verdict held_verdict_take(HeldVerdict *held) {
  const Verdict verdict = {.outcome = held->outcome,
                           .idle_timeout = held->idle_timeout,
                           .capabilities = held->capabilities,
                           .word = {held->code, held->alert},
                           .had = held->had.bytes,
                           .had_size = held->had.size,
                           .server = held->server};
  held->server = -1;
  return verdict;
}

void held_verdict_free(HeldVerdict *held) {
  if (held == NULL)
    return;
  Stream server = {.descriptor = held->server};
  stream_close(&server);
  g_free(held->capabilities);
  g_free(held->alert);
  secret_clear(&held->had);
  g_free(held);
}

/* ---- the relay ---- */

struct SessionRelay {
  Poller *poller;
  Stream *client;
  Stream server;
  Watch watch; /* of the server */
  Relay relay;
  gint64 idle_timeout; /* us; 0: none */
  gint64 last_moved;
  const Stream *heard; /* the side that events came for; NULL: neither */
  gboolean is_over;    /* that side has hung up */
  void (*wake)(gpointer data);
  gpointer data;
};

static void hear(SessionRelay *relay, const Stream *side, guint32 events) {
  relay->heard = side;
  relay->is_over = (events & EPOLLHUP) != 0;
}

static void on_server_ready(Watch *watch, guint32 events) {
  SessionRelay *relay = container_of(watch, SessionRelay, watch);
  hear(relay, &relay->server, events);
  relay->wake(relay->data);
}

SessionRelay *session_relay_new(Poller *poller, const SessionRelayStart *start) {
  SessionRelay *relay = g_new0(SessionRelay, 1);
  relay->poller = poller;
  relay->client = start->client;
  stream_open(&relay->server, start->server);
  relay_init(&relay->relay, start->client, &relay->server, start->up, start->down);
  relay->watch = (Watch){.descriptor = start->server, .ready = on_server_ready};
  relay->idle_timeout = (gint64)start->idle_timeout * G_USEC_PER_SEC;
  relay->last_moved = g_get_monotonic_time();
  relay->wake = start->wake;
  relay->data = start->data;
  return relay;
}

void session_relay_free(SessionRelay *relay, Transcript *transcript) {
  if (relay == NULL)
    return;
  transcript_note(transcript, TRANSCRIPT_RELAY,
                  "relayed %" G_GUINT64_FORMAT " bytes from the client, %" G_GUINT64_FORMAT
                  " bytes to it",
                  relay->relay.up.total, relay->relay.down.total);
  poller_watch(relay->poller, &relay->watch, 0);
  relay_clear(&relay->relay);
  stream_close(&relay->server);
  poller_free_later(relay->poller, relay, g_free);
}

void session_relay_hear_client(SessionRelay *relay, guint32 events) {
  hear(relay, relay->client, events);
}

RelayResult session_relay_move(SessionRelay *relay) {
  RelayResult result = relay_pump(&relay->relay, relay->heard, relay->is_over);
  relay->heard = NULL;
  if (result == RELAY_MOVED)
    relay->last_moved = g_get_monotonic_time();
  return result;
}

/* A hang-up is always heard of. */
gboolean session_relay_watch(SessionRelay *relay, Watch *client) {
  guint32 client_events;
  guint32 server_events;
  relay_get_events(&relay->relay, &client_events, &server_events);
  return poller_watch(relay->poller, client,
                      client_events == 0 ? (guint32)EPOLLHUP : client_events) &&
         poller_watch(relay->poller, &relay->watch, server_events);
}

gint64 session_relay_get_rest(const SessionRelay *relay) {
  if (relay->idle_timeout == 0)
    return G_MAXINT64;
  return MAX(relay->idle_timeout - (g_get_monotonic_time() - relay->last_moved), 0);
}

gboolean session_relay_has_client_ended(const SessionRelay *relay) {
  return relay->relay.up.ended;
}

gboolean session_relay_is_quiet(const SessionRelay *relay) {
  return relay->relay.down.bytes.size == 0;
}

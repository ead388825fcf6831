/* SPDX-License-Identifier: MIT */
/* One client's connection from accept() to its end: TLS, the conversation up to a login,
 * the wait for what comes of it, and the relay after it. It knows no channel: its host
 * asks the verifier. */
#ifndef MAILAUTH_FRONT_SESSION_H
#define MAILAUTH_FRONT_SESSION_H

#include "mailauth/base/networks.h"
#include "mailauth/front/after-login.h"
#include "mailauth/origin/origin.h"
#include "mailauth/poll/poller.h"
#include "mailauth/protocol/machine.h"
#include "mailauth/tls/channel-binding.h"
#include "mailauth/tls/tls-server.h"

typedef struct Session Session;

/* What the administrator has set for a protocol. */
typedef struct {
  ClearText clear_text;
  guint login_timeout; /* s */
  guint max_connections;
  guint max_per_address;
  guint logging_level; /* TranscriptLevel, or 0; for sessions that begin from now on */
} SessionSettings;

/* What sessions share. The owner changes settings and keys as it likes: sessions
 * look at them when they need them. */
typedef struct {
  Poller *poller;
  SSL_CTX *keys;     /* NULL: there is no TLS */
  Networks *trusted; /* clients there may tell where their own clients are */
  Networks *proxies; /* connections from there begin with a proxy's header */
  SessionSettings settings[N_PROTOCOLS];
  gboolean has_scram; /* see Surroundings */
  guint left_out;     /* ... */
  gpointer owner;
  /* A login waits for session_take_verdict() or session_take_challenge(), which
   * must not be called in here. After a challenge it is the same login. */
  void (*ask)(Session *session, Step step, gpointer owner);
  /* A login that waited, or was challenged, does not any more. */
  void (*cancel)(Session *session, gpointer owner);
  /* A verdict that let the client in is dropped: it did not take the server's proof. */
  void (*declined)(Session *session, gpointer owner);
  /* A line of what is logged of sessions. */
  void (*transcribe)(Protocol protocol, const char *line, gpointer owner);
  guint64 last_session; /* each has a number */
  /* TLS from the start, and no certificate. */
  void (*no_certificate)(Session *session, gpointer owner);
  /* A client is sent away: TLS_FAILED or PROXY_HEADER. @why is static, or NULL. */
  void (*refused)(Session *session, Outcome outcome, const char *why, gpointer owner);
  /* It was told that the client is at @address. FALSE: it can't be let in from there. */
  gboolean (*located)(Session *session, const ClientAddress *address, gpointer owner);
  void (*logged_in)(Session *session, gpointer owner);
  /* It is freed after this. Cancelled before, if need be. */
  void (*ended)(Session *session, gpointer owner);
} SessionHost;

/* A connection that has been accepted. */
typedef struct {
  int descriptor;
  Protocol protocol;
  gboolean tls; /* from the start, or as soon as a proxy's header has come */
  Origin origin;
  gboolean by_proxy; /* a proxy's header comes first */
} SessionArrival;

/* Takes the descriptor. It says and does nothing yet. */
Session *session_new(SessionHost *host, const SessionArrival *arrival);
/* Begins; may end at once, but its memory stays until the loop waits again. */
void session_start(Session *session);
/* The verdict on the login that host->ask() was called for. OK without a
 * server is answered as a temporary failure. */
void session_take_verdict(Session *session, const Verdict *verdict);
/* What that login's client is to be asked first: another host->ask() follows, or
 * host->cancel(). */
void session_take_challenge(Session *session, const guint8 *bytes, gsize size);
/* Ends it now, with a word to the client if it has not logged in. */
void session_dismiss(Session *session, const char *why);

Protocol session_get_protocol(const Session *session);
const ClientAddress *session_get_address(const Session *session);
/* Beside it; 0 if it is not known. */
guint16 session_get_port(const Session *session);
/* Its version, "TLSv1.3", or that by which the client came to a proxy; "" if neither is there.
 * Borrowed. */
const char *session_get_tls(const Session *session);
/* Counted from 1; of one front, no two have the same. */
guint64 session_get_number(const Session *session);
/* channel_binding_list() of its connection; none if it is not in TLS, or if clients are not
 * offered to use one: those that could must not be taken for lied to. */
guint session_list_bindings(const Session *session, ChannelBinding *bindings);
gboolean session_is_logged_in(const Session *session);
/* While a login waits: see MachineOps. */
const Credentials *session_get_credentials(const Session *session);
void session_wipe_password(Session *session);

/* Marks for the owner's use. */
typedef struct {
  guint64 login;    /* 0 at first */
  guint64 admitted; /* the login whose verdict was OK; 0 at first */
  GVariant *facts;  /* of that login; NULL at first, and again before it is freed */
  GList *place;     /* NULL at first */
  ClientAddress subscriber;
  gboolean has_subscriber;
} SessionMarks;
SessionMarks *session_get_marks(Session *session);

#endif

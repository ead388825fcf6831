/* SPDX-License-Identifier: MIT */
/* What a session has from the verdict on: the verdict itself, while the client is not
 * told yet, and the relay between the client and the server that serves it, with the
 * time for which nothing has moved. session.h decides when to use them. */
#ifndef MAILAUTH_FRONT_AFTER_LOGIN_H
#define MAILAUTH_FRONT_AFTER_LOGIN_H

#include "mailauth/base/outcome.h"
#include "mailauth/base/server-code.h"
#include "mailauth/front/relay.h"
#include "mailauth/poll/poller.h"
#include "mailauth/protocol/transcript.h"

/* What came of a login. */
typedef struct {
  Outcome outcome;
  guint delay_ms;           /* before the client is answered */
  guint idle_timeout;       /* s, of the relay; 0: none */
  const char *capabilities; /* what an IMAP client is told; "": nothing */
  const guint8 *had;        /* bytes that the server has sent already */
  gsize had_size;
  int server;          /* connected stream socket, taken by the session; -1 unless OK */
  ServerWord word;     /* what the server has refused with */
  const guint8 *proof; /* what a SCRAM client has to see and answer before it is told OK */
  gsize proof_size;    /* 0: nothing */
} Verdict;

/* ---- a verdict that is kept ---- */

typedef struct HeldVerdict HeldVerdict;

/* Copies @verdict without delay and proof, and takes its server. */
HeldVerdict *held_verdict_new(const Verdict *verdict);
/* The verdict, which borrows from @held; the server is the caller's to close. */
Verdict held_verdict_take(HeldVerdict *held);
/* Closes the server unless it was taken. NULL is fine. */
void held_verdict_free(HeldVerdict *held);

/* ---- the relay ---- */

typedef struct SessionRelay SessionRelay;

typedef struct {
  Stream *client;              /* stays the session's */
  int server;                  /* taken */
  Secret *up, *down;           /* what is to be sent first; moved out */
  guint idle_timeout;          /* s; 0: none */
  void (*wake)(gpointer data); /* the server is ready for session_relay_move() */
  gpointer data;
} SessionRelayStart;

SessionRelay *session_relay_new(Poller *poller, const SessionRelayStart *start);
/* Notes in @transcript, which may be NULL, how much was relayed. NULL is fine. */
void session_relay_free(SessionRelay *relay, Transcript *transcript);

/* Events, as epoll says, have come for the client; session_relay_move() is next. */
void session_relay_hear_client(SessionRelay *relay, guint32 events);
/* relay_pump() for the side that was heard of. */
RelayResult session_relay_move(SessionRelay *relay);
/* Waits for what the relay waits for, on @client and on the server. FALSE: no memory. */
gboolean session_relay_watch(SessionRelay *relay, Watch *client);
/* How long it may go on without a byte, in us; 0: it has been idle for too long;
 * G_MAXINT64: for ever. */
gint64 session_relay_get_rest(const SessionRelay *relay);
gboolean session_relay_has_client_ended(const SessionRelay *relay);
/* Whether all that the server has said has been sent to the client. */
gboolean session_relay_is_quiet(const SessionRelay *relay);

#endif

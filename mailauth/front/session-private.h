/* SPDX-License-Identifier: MIT */
/* What the files of a session share: session.c has its states, and session-login.c its logins. */
#ifndef MAILAUTH_FRONT_SESSION_PRIVATE_H
#define MAILAUTH_FRONT_SESSION_PRIVATE_H

#include "mailauth/front/session.h"
#include "mailauth/origin/proxy-header.h"
#include "mailauth/poll/stream.h"
#include "mailauth/protocol/machines.h"

#define MS 1000

typedef enum {
  SESSION_HEADER,    /* a proxy's header is to come */
  SESSION_ASKING,    /* whether a header, or what was told, is to be believed by now */
  SESSION_HANDSHAKE, /* TLS is being begun */
  SESSION_TALK,      /* before login: reading commands, sending answers */
  SESSION_TO_TLS,    /* sending the answer that TLS follows */
  SESSION_WAITING,   /* for a verdict */
  SESSION_DELAY,     /* there is a verdict, but the client is not told yet */
  SESSION_RELAY,     /* logged in */
  SESSION_CLOSING,   /* sending the last answer */
  SESSION_LINGER,    /* reading on: to close with unread input would take the answer back */
  SESSION_OVER,
} SessionState;

struct Session {
  SessionHost *host;
  Watch watch;
  Timer timer;
  Stream client;
  Origin origin;
  ProxyHeader *header; /* in HEADER */
  guint64 number;
  guint8 state, protocol;
  gboolean begins_with_tls, greeted, heard, client_ended, logged_in;
  gboolean tells;       /* in ASKING: it has told where its client is */
  gboolean is_stranger; /* it has told that, and may not */
  gint64 deadline;      /* of the login */
  Machine *machine;     /* NULL before the client says anything, and once it has logged in */
  GString *out;         /* answers from out_at on are not sent yet; NULL: none */
  gsize out_at;
  Secret input;         /* read and not looked at yet */
  HeldVerdict *verdict; /* in DELAY, or until a SCRAM client has seen the server's proof */
  gboolean challenged;  /* the login goes on with what the client says next */
  SessionRelay *relay;
  Transcript *transcript; /* NULL: nothing is logged */
  SessionMarks marks;
};

/* ---- session.c ---- */

/* Does what can be done now, and waits for the rest. */
void session_run(Session *session);
void session_enter(Session *session, SessionState state);
const MachineOps *session_get_ops(const Session *session);
void session_free_machine(Session *session);
/* What is to be sent is appended to it. */
GString *session_get_output(Session *session);
/* What has not been sent is not sent any more. */
void session_drop_output(Session *session);

/* The settings are current. */
void session_settle(Session *session);

/* ---- session-login.c ---- */

/* Asks the host, or answers if a verdict is there already. */
void session_ask(Session *session, Step step);
/* A client that breaks its exchange off, in whichever way, ends the login. */
void session_check_exchange(Session *session, Step step);
/* Says what came of it. The server is taken. */
void session_answer(Session *session, const Verdict *verdict);
/* The same of the verdict that is held. */
void session_answer_held(Session *session);

#endif

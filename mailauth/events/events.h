/* SPDX-License-Identifier: MIT */
/* The record of what happened: the newest 10,000 events, and which of them are
 * to be written out. A fault of the server's that repeats, and what is refused by a limit or
 * in a TLS handshake, is counted in one
 * event until it is over, or for a minute, and written again at its 10th,
 * 100th, 1,000th... time. Holds no secret: callers give it none. Pure. */
#ifndef MAILAUTH_EVENTS_EVENTS_H
#define MAILAUTH_EVENTS_EVENTS_H

#include "mailauth/base/outcome.h"

#define EVENT_CATEGORY "Authentication"
#define EVENT_SOURCE_SERVER "MailAuth"
#define MAX_EVENTS 10000U
/* Of a text in an event, in bytes. */
#define MAX_EVENT_TEXT 1024U

/* Whom an event is about. Borrowed; NULL, "" or 0 for what there is not. */
typedef struct {
  const char *user;
  const char *address;
  const char *method; /* "PASS", "PLAIN"... */
  const char *tls;    /* the version, "TLSv1.3" */
  guint64 session;    /* the front's number of it */
  guint16 port;       /* beside the address; in no event */
  guint32 times;      /* that it has happened, told at once; 0 is 1 */
} EventClient;

/* A copy with its texts, owned by the caller; free it with event_client_free(). */
EventClient *event_client_dup(const EventClient *client);
void event_client_free(EventClient *client);

typedef struct {
  Outcome outcome;
  const char *source; /* static: protocol_get_source() or EVENT_SOURCE_SERVER */
  char *description;
  char *user;    /* "" if there is none */
  char *address; /* "" if there is none */
  char *method;  /* the same */
  char *tls;
  guint64 session; /* 0 if there is none */
  gint64 time;     /* µs since 1970, of the last time */
  guint64 count;   /* how often */
  guint64 serial;
} Event;

typedef struct Events Events;

Events *events_new(void);
void events_free(Events *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Events, events_free)

/* Records, and returns the event if it is to be written out and signalled; NULL if it is
 * a repetition that was counted. @client: NULL for nobody. @detail: what is added to the
 * outcome's description, or NULL. @source is static. Borrowed, until the next call. @now in
 * µs since 1970. */
const Event *events_record(Events *events, Outcome outcome, const char *source,
                           const EventClient *client, const char *detail, gint64 now);
/* The faults of @source are over: what comes next is news. */
void events_forget_faults(Events *events, const char *source);

/* Newest first, at most @limit: borrowed Events in an array to free. */
GPtrArray *events_list(const Events *events, guint limit);
/* How many were recorded since the start, repetitions included. */
guint64 events_get_total(const Events *events);

/* One line for a log, without its time and its end: `SOURCE ID TYPE reason=R address=A
 * user="..." method=M tls=V session=S: TEXT`, with `-` for what there is not. What a client
 * chose stands behind the address, in quotes or behind the colon. Owned by the caller. */
char *event_print(const Event *event);
/* @time, µs since 1970, as RFC 3339 has it, in UTC. Owned by the caller. */
char *event_print_time(gint64 time);

#endif

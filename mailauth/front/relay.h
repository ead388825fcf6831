/* SPDX-License-Identifier: MIT */
/* Bytes both ways between a client and what serves it after login. A side that reads
 * slowly stops the other: what is on its way never comes to more than RELAY_BUFFER in
 * each direction, and an idle relay holds no buffer at all. It does the reading and
 * writing; the caller finds out when to try. */
#ifndef MAILAUTH_FRONT_RELAY_H
#define MAILAUTH_FRONT_RELAY_H

#include "mailauth/base/secret.h"
#include "mailauth/poll/stream.h"

/* One direction. */
typedef struct {
  Stream *from;
  Stream *to;
  Secret bytes; /* read and not yet written: from @at on */
  gsize at;
  guint64 total;   /* bytes written */
  gboolean ended;  /* from sends no more */
  gboolean closed; /* to takes no more, or has been told that no more comes */
} Flow;

typedef struct {
  Flow up;   /* from the client */
  Flow down; /* to the client */
} Relay;

/* The streams stay the caller's. @up, @down: what is to be sent first; moved out. */
void relay_init(Relay *relay, Stream *client, Stream *server, Secret *up, Secret *down);
void relay_clear(Relay *relay);

typedef enum { RELAY_IDLE, RELAY_MOVED, RELAY_OVER } RelayResult;

/* Moves what can be moved. @heard: the one that events came for; NULL: neither, only
 * what is held already is passed on. @is_over: the peer there has hung up, so that its
 * end may follow its last bytes. OVER: all that the server said has been passed on and
 * it says no more, or the client is gone. */
RelayResult relay_pump(Relay *relay, const Stream *heard, gboolean is_over);
/* What to wait for on each side until the next relay_pump(); 0: nothing. */
void relay_get_events(const Relay *relay, guint32 *client, guint32 *server);

#endif

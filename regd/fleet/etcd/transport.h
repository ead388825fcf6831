/* SPDX-License-Identifier: MIT */
/* gRPC calls over TLS and HTTP/2, by libcurl on the GLib loop. It knows connections, certificates
 * and streams; what the messages mean, it does not. Only this file knows libcurl. */
#ifndef REGD_FLEET_ETCD_TRANSPORT_H
#define REGD_FLEET_ETCD_TRANSPORT_H

#include "regd/fleet/base/grpc.h"

/* Once, before and after all else. FALSE: libcurl can't be used. */
gboolean transport_set_up(void);
void transport_tear_down(void);

/* Files of certificates; each is read again for a new connection, and no TLS session outlives its
 * connection. */
typedef struct {
  char *ca_file;
  char *certificate;
  char *private_key;
} TransportFiles;

/* How a stream ended. */
typedef struct {
  guint32 code;      /* of gRPC; GRPC_UNAVAILABLE if no status came */
  gboolean sent;     /* FALSE: surely nothing of a message was */
  gboolean rejected; /* the certificate of one end is not taken by the other */
  gboolean
      hung_up; /* the other end has closed a connection that was just made, without an answer */
  gboolean too_large; /* a message that came is over GRPC_LIMIT_MESSAGE_BYTES */
  const char *text;   /* for people: valid UTF-8 of one line; never NULL */
} TransportEnd;

/* Connections of one kind of use: a stream takes one that is idle, or makes one. No two share one
 * at a time: libcurl 7.88 loses the body of about every hundredth answer then. */
typedef struct Transport Transport;
/* @files must outlive it. */
Transport *transport_new(const TransportFiles *files);
/* Ends its streams without a word to their owners. It may be called from their functions. */
void transport_free(Transport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transport, transport_free)
gboolean transport_is_idle(const Transport *transport);  /* no stream is open */
guint64 transport_get_bytes(const Transport *transport); /* received */

typedef struct Stream Stream;
typedef struct {
  void (*message)(GBytes *message, gpointer data); /* one that came; borrowed */
  void (*end)(const TransportEnd *end, gpointer data);
  gpointer data;
} StreamEvents;
typedef struct {
  const char *endpoint; /* "https://host:port" */
  const char *method;   /* "/etcdserverpb.KV/Txn" */
  guint timeout_ms;     /* for all of it; 0: none */
  const char *token;    /* of a user that has logged in; NULL: none */
} StreamTarget;

/* Opens a call; its functions are called from the loop, never from inside a function of this
 * header. `end` is the last call, and frees the stream. */
Stream *transport_open(Transport *transport, const StreamTarget *target,
                       const StreamEvents *events);
/* Sends a message. */
void stream_send(Stream *stream, GBytes *message);
/* No more will be sent: the call of a method that takes one message. */
void stream_finish(Stream *stream);
/* Ends it; none of its functions is called any more. */
void stream_cancel(Stream *stream);

#endif

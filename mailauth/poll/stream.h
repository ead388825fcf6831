/* SPDX-License-Identifier: MIT */
/* A client's or a mail server's connection as bytes both ways, plain or in
 * TLS, never blocking. OpenSSL works on the socket itself: memory BIOs would
 * keep a handshake's worth of bytes for each idle connection. */
#ifndef MAILAUTH_POLL_STREAM_H
#define MAILAUTH_POLL_STREAM_H

#include <glib.h>
#include <openssl/ssl.h>

typedef struct {
  int descriptor; /* owned; -1 when closed */
  SSL *tls;       /* NULL: plain */
  /* What to wait for (EPOLLIN, EPOLLOUT) after a call that said WAIT. */
  guint32 read_waits;
  guint32 write_waits;
  gsize budget; /* in TLS: the bytes that the call under way may still take from the socket */
  const char *problem; /* in TLS, of a call that found it BROKEN: OpenSSL's word; static, or NULL */
  gboolean end_is_told; /* stream_end_writing() */
} Stream;

typedef enum {
  STREAM_DONE,
  STREAM_WAIT,
  STREAM_END,    /* reading: the peer sends no more */
  STREAM_BROKEN, /* nothing can be had or sent any more */
} StreamResult;

/* Takes @descriptor, whether it blocks or not. */
void stream_open(Stream *stream, int descriptor);
/* Closes at once; what the peer has not read may be lost. */
void stream_close(Stream *stream);

/* *@done is at least 1 if the result is DONE. In TLS one call takes no more than
 * MAX_TLS_INPUT and a record from the socket: a peer that sends much that makes no bytes
 * does not hold up others. */
StreamResult stream_read(Stream *stream, guint8 *bytes, gsize size, gsize *done);
StreamResult stream_write(Stream *stream, const guint8 *bytes, gsize size, gsize *done);
/* The same for bytes that stream_end_writing() follows at once: the end travels with them. */
StreamResult stream_write_last(Stream *stream, const guint8 *bytes, gsize size, gsize *done);
/* After a read of @size that gave @done: whether another could give something at once.
 * If not, epoll tells of what comes. */
gboolean stream_may_have_more(const Stream *stream, gsize size, gsize done);
/* Whether bytes were read from the socket already that stream_read() would give. */
gboolean stream_has_pending(const Stream *stream);
/* Tells the peer, once, that no more comes; reading goes on. */
void stream_end_writing(Stream *stream);

/* Makes a plain stream a TLS server's; then stream_handshake() until it is
 * DONE (read_waits says what for) or BROKEN, which it is also after
 * MAX_HANDSHAKE_INPUT bytes of the client's. The stream must stay where it is. FALSE:
 * no memory. */
gboolean stream_begin_tls(Stream *stream, SSL_CTX *context);
StreamResult stream_handshake(Stream *stream);
/* During a handshake: whether the client has said anything. */
gboolean stream_has_heard(const Stream *stream);

#endif

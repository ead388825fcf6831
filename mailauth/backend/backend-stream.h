/* SPDX-License-Identifier: MIT */
/* A connection that does not block: bytes in and out of a socket, in the clear or
 * through TLS as a client. Its only callback says that it is worth trying again. */
#ifndef MAILAUTH_BACKEND_BACKEND_STREAM_H
#define MAILAUTH_BACKEND_BACKEND_STREAM_H

#include <glib.h>
#include <openssl/ssl.h>

typedef struct BackendStream BackendStream;
typedef void (*BackendStreamReady)(gpointer data);

typedef enum {
  BACKEND_STREAM_DONE,
  BACKEND_STREAM_AGAIN,
  BACKEND_STREAM_ENDED,
  BACKEND_STREAM_FAILED
} BackendStreamResult;

/* Takes @descriptor (non-blocking). @tls NULL: in the clear; else a client's TLS under
 * that context, to @host, whose name the certificate must show if the context verifies.
 * @ready is called from the default context's loop when what said BACKEND_STREAM_AGAIN
 * may go on. */
BackendStream *backend_stream_new(int descriptor, SSL_CTX *tls, const char *host,
                                  BackendStreamReady ready, gpointer data);
/* Before the handshake, with TLS: the certificate must be one of these (fingerprint.h), and
 * then neither its issuer nor its name counts. */
void backend_stream_pin(BackendStream *stream, const char *fingerprints);
void backend_stream_free(BackendStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackendStream, backend_stream_free)

/* Another callback from now on; nothing is watched for until backend_stream_watch(). */
void backend_stream_set_ready(BackendStream *stream, BackendStreamReady ready, gpointer data);

/* Finishes connecting, which takes watching for G_IO_OUT before, and TLS: DONE,
 * AGAIN (watch for G_IO_IN) or FAILED. */
BackendStreamResult backend_stream_handshake(BackendStream *stream, GError **error);
/* *@size: what there is room for, then what was read. */
BackendStreamResult backend_stream_read(BackendStream *stream, void *bytes, gsize *size);
BackendStreamResult backend_stream_write(BackendStream *stream, const void *bytes, gsize *size);
/* What is wanted next: reading (G_IO_IN), writing (G_IO_OUT), both, or nothing.
 * Lasts until `ready` is called. */
void backend_stream_watch(BackendStream *stream, GIOCondition want);
/* Ends the sending side. */
void backend_stream_shut_down(BackendStream *stream);
/* The socket, which is the caller's from now on; the stream is of no more use. In the clear only.
 */
int backend_stream_steal_descriptor(BackendStream *stream);

#endif

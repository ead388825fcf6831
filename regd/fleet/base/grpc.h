/* SPDX-License-Identifier: MIT */
/* gRPC over HTTP/2, as far as it is not HTTP: messages in their frames (a byte that is 0 and a
 * length before each), and the status at a call's end (grpc.io, PROTOCOL-HTTP2). Pure. */
#ifndef REGD_FLEET_BASE_GRPC_H
#define REGD_FLEET_BASE_GRPC_H

#include <glib.h>

/* Of one message, bytes. */
#define GRPC_LIMIT_MESSAGE_BYTES (64U * 1024U * 1024U)

/* The codes that are treated differently; any other number is kept too. */
enum {
  GRPC_OK = 0,
  GRPC_UNKNOWN = 2,
  GRPC_INVALID_ARGUMENT = 3,
  GRPC_DEADLINE_EXCEEDED = 4,
  GRPC_PERMISSION_DENIED = 7,
  GRPC_RESOURCE_EXHAUSTED = 8,
  GRPC_FAILED_PRECONDITION = 9,
  GRPC_OUT_OF_RANGE = 11,
  GRPC_INTERNAL = 13,
  GRPC_UNAVAILABLE = 14,
  GRPC_UNAUTHENTICATED = 16,
};

/* @message with the header of its frame; owned. */
GBytes *grpc_frame(GBytes *message);

/* Collects bytes until they are messages. */
typedef struct {
  GByteArray *bytes;  /* not yet a whole message */
  gsize taken;        /* at the start of @bytes, of messages that were taken */
  gboolean too_large; /* the next message is over the limit */
} GrpcReader;
void grpc_reader_init(GrpcReader *reader);
void grpc_reader_clear(GrpcReader *reader);
void grpc_reader_feed(GrpcReader *reader, const void *bytes, gsize size);
/* The next whole message; NULL: there is none yet, or (*@broken) the bytes are no frame: it is
 * compressed, or longer than the limit. */
GBytes *grpc_reader_take(GrpcReader *reader, gboolean *broken);

/* Makes a stranger's text fit to be shown: at most 1 KiB of valid UTF-8 without control characters;
 * owned. */
char *grpc_make_printable(const char *text);

/* How a call ended. Zeroed at first: no status came. */
typedef struct {
  gboolean known;
  guint32 code;
  char *message; /* as of grpc_make_printable(), or NULL */
} GrpcStatus;
/* Keeps @line, a header or trailer "NAME: VALUE" of any bytes, if it is part of the status. */
void grpc_status_read(GrpcStatus *status, const char *line, gsize size);
void grpc_status_clear(GrpcStatus *status);

#endif

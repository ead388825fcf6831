/* SPDX-License-Identifier: MIT */
/* Where a client is: by its connection, by what a proxy's header says instead, and by what a
 * client that is trusted says of its own client. Pure. */
#ifndef MAILAUTH_ORIGIN_ORIGIN_H
#define MAILAUTH_ORIGIN_ORIGIN_H

#include "mailauth/origin/proxy-header.h"

typedef struct {
  ClientAddress address;    /* that counts, everywhere */
  guint16 port;             /* beside it; 0: not known */
  ClientAddress speaker;    /* who may tell another; the same unless one was told */
  char tls[MAX_METHOD + 1]; /* the version by which the client came to a proxy; "": not by TLS */
} Origin;

/* As accept(2) tells it. */
Origin origin_from_socket(const struct sockaddr_storage *socket);
/* UNKNOWN and LOCAL leave the connection's own address. */
void origin_take_header(Origin *origin, const ProxyFacts *facts);
/* The speaker's client is at @address, by @port (0: not known). */
void origin_tell(Origin *origin, const ClientAddress *address, guint16 port);

#endif

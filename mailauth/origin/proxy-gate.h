/* SPDX-License-Identifier: MIT */
/* The proxy's header, taken from a connection before anything else: exactly it, so that TLS
 * or the client's first words are still in the socket. */
#ifndef MAILAUTH_ORIGIN_PROXY_GATE_H
#define MAILAUTH_ORIGIN_PROXY_GATE_H

#include "mailauth/origin/proxy-header.h"

typedef enum {
  GATE_WAIT, /* until there is more to be read */
  GATE_PASSED,
  GATE_WRONG, /* what came is no header, or not a whole one */
  GATE_GONE,  /* the peer has left without a word, as those do that only look if a port is open */
} GateResult;

/* Whether what is there to be read begins with a header. Takes nothing. *@has_heard: whether
 * there is anything. */
gboolean proxy_gate_look(int descriptor, gboolean *has_heard);
/* Never blocks. @facts are set with PASSED; @header is of no more use unless it is to WAIT. */
GateResult proxy_gate_read(ProxyHeader *header, int descriptor, ProxyFacts *facts);

#endif

/* SPDX-License-Identifier: MIT */
/* See proxy-gate.h. */
#include "mailauth/origin/proxy-gate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

gboolean proxy_gate_look(int descriptor, gboolean *has_heard) {
  guint8 bytes[PROXY_HEAD];
  ssize_t count = recv(descriptor, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
  *has_heard = count > 0;
  return count > 0 && proxy_header_is_one(bytes, (gsize)count);
}

static GateResult end(const ProxyHeader *header) {
  return proxy_header_has_begun(header) ? GATE_WRONG : GATE_GONE;
}

/* Looks at what is there, and takes what belongs to the header. */
GateResult proxy_gate_read(ProxyHeader *header, int descriptor, ProxyFacts *facts) {
  static const GateResult results[] = {
      [PROXY_MORE] = GATE_WAIT, [PROXY_DONE] = GATE_PASSED, [PROXY_WRONG] = GATE_WRONG};
  guint8 bytes[PROXY_HEAD + MAX_PROXY_HEADER];
  ssize_t count = recv(descriptor, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return GATE_WAIT;
  if (count <= 0)
    return end(header);
  const guint8 *at = bytes;
  gsize left = (gsize)count;
  ProxyResult result = proxy_header_feed(header, &at, &left, facts);
  gsize taken = (gsize)count - left;
  explicit_bzero(bytes, sizeof bytes); /* what follows may be a client's password */
  return recv(descriptor, bytes, taken, MSG_DONTWAIT) == (ssize_t)taken ? results[result]
                                                                        : GATE_WRONG;
}

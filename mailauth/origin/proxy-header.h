/* SPDX-License-Identifier: MIT */
/* The header that a proxy puts before a connection's own bytes (the PROXY protocol of HAProxy,
 * versions 1 and 2): a machine that is fed bytes and says what the proxy has told. It takes
 * nothing that is not exactly a header. Pure. */
#ifndef MAILAUTH_ORIGIN_PROXY_HEADER_H
#define MAILAUTH_ORIGIN_PROXY_HEADER_H

#include "mailauth/base/client-address.h"
#include "mailauth/base/limits.h"

/* "PROXY UNKNOWN ff..ff ff..ff 65535 65535\r\n" (section 2.1). */
#define PROXY_MAX_LINE 107
/* Of version 2, before its addresses (section 2.2). */
#define PROXY_HEAD 16

typedef struct {
  gboolean has_address; /* FALSE: UNKNOWN or LOCAL, so the connection's own counts */
  ClientAddress address;
  guint16 port;
  char tls[MAX_METHOD + 1]; /* the version by which the client came; "": not by TLS */
} ProxyFacts;

typedef enum {
  PROXY_MORE,  /* all was taken, and the header has not ended */
  PROXY_DONE,  /* what is left is the client's */
  PROXY_WRONG, /* it is no header */
} ProxyResult;

typedef struct ProxyHeader ProxyHeader;

ProxyHeader *proxy_header_new(void);
void proxy_header_free(ProxyHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProxyHeader, proxy_header_free)

/* Takes from *@input, of *@size bytes, no more than the header, and moves both on. @facts is
 * set with DONE. Nothing is to be fed after DONE or WRONG. A header of version 2 may have
 * MAX_PROXY_HEADER bytes of addresses and additions; those that are not known are passed over. */
ProxyResult proxy_header_feed(ProxyHeader *header, const guint8 **input, gsize *size,
                              ProxyFacts *facts);

/* Whether it has been fed anything. */
gboolean proxy_header_has_begun(const ProxyHeader *header);

/* Whether @bytes, the first that a client has sent, are the beginning of a header: what no
 * client of a mail server says. */
gboolean proxy_header_is_one(const guint8 *bytes, gsize size);

#endif

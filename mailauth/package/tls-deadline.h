/* SPDX-License-Identifier: MIT */
/* Deadlines for what libldap reads and writes while it begins TLS. Its own
 * (LDAP_OPT_NETWORK_TIMEOUT) is none before version 2.5.14: it asks a server that
 * does not answer again and again, without a pause and without an end. */
#ifndef MAILAUTH_PACKAGE_TLS_DEADLINE_H
#define MAILAUTH_PACKAGE_TLS_DEADLINE_H

#include <glib.h>
#include <lber.h>

typedef struct {
  int socket; /* the one below @buffer, or another descriptor of it */
  gint64 end; /* of g_get_monotonic_time(); 0: none, and as if this were not there */
} TlsDeadline;

/* Puts @deadline, which must outlive it and may be changed at any time, between @buffer
 * and its socket, which blocks. What is not done in time fails with ETIMEDOUT. */
gboolean tls_deadline_attach(TlsDeadline *deadline, Sockbuf *buffer);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of the verb fleet share. For nobody else. */
#ifndef CLIENT_REGCTL_FLEET_FLEET_VERB_PRIVATE_H
#define CLIENT_REGCTL_FLEET_FLEET_VERB_PRIVATE_H

#include "client/regctl/session/session.h"

/* A call of org.regd.Fleet1. */
void fleet_request_begin(Request *request, const char *member);

/* hosts-verb.c: fleet hosts, fleet wait. */
gboolean fleet_show_hosts(Session *session, GError **error);
/* Pairs of hosts that tell other digests of the same commit: a strv of two names each. */
GPtrArray *fleet_find_splits(Session *session, GError **error);
gboolean fleet_wait(Session *session, GError **error);

#endif

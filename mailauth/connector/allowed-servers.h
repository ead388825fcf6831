/* SPDX-License-Identifier: MIT */
/* The servers that settings name, and those that they named a moment ago: a login is
 * decided by the settings that it began with, and may need its connection only later.
 * Pure: the time is an argument. */
#ifndef MAILAUTH_CONNECTOR_ALLOWED_SERVERS_H
#define MAILAUTH_CONNECTOR_ALLOWED_SERVERS_H

#include <glib.h>

typedef struct NamedServers NamedServers;

NamedServers *named_servers_new(void);
/* NULL is fine. */
void named_servers_free(NamedServers *servers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NamedServers, named_servers_free)

/* A set of addresses as settings have them, and what one value of a setting adds to it:
 * one address or, with spaces in between, several. */
GHashTable *named_servers_set_new(void);
void named_servers_set_add(GHashTable *set, const char *value);

/* @set: all that settings name from now on; taken. @now: us, of a clock that never
 * goes back. */
void named_servers_replace(NamedServers *servers, GHashTable *set, gint64 now);

/* Whether @server is named, or was within the last FORMER_SERVER_S. */
gboolean named_servers_has(const NamedServers *servers, const char *server, gint64 now);

#endif

/* SPDX-License-Identifier: MIT */
/* The mail servers that single native accounts name (`Backend`). The connector holds no accounts:
 * it asks regd for that one value of the account that a login is of, on a thread, and keeps what
 * it has verified. */
#ifndef MAILAUTH_CONNECTOR_ACCOUNT_SERVERS_H
#define MAILAUTH_CONNECTOR_ACCOUNT_SERVERS_H

#include <glib.h>

typedef struct AccountServers AccountServers;

/* @problem: NULL if the account names the server; else why it is not connected to. */
typedef void (*AccountServersAnswer)(guint64 number, const char *problem, gpointer data);

/* @bus: as for registry_connection_new(); borrowed. */
AccountServers *account_servers_new(const char *bus, AccountServersAnswer answer, gpointer data);
/* Waits for questions under way, which are not answered. NULL is fine. */
void account_servers_free(AccountServers *servers);

/* Whether @account was found to name @server within the last FORMER_SERVER_S before @now (µs,
 * monotonic), or (@ever) at all. */
gboolean account_servers_have(AccountServers *servers, const char *account, const char *server,
                              gint64 now, gboolean ever);
/* Asks regd, which may take half a minute; the answer comes later, from the loop. */
void account_servers_ask(AccountServers *servers, guint64 number, const char *account,
                         const char *server);
gboolean account_servers_are_asking(const AccountServers *servers);

#endif

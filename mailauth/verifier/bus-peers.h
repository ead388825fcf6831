/* SPDX-License-Identifier: MIT */
/* The users behind the connections of a bus: of one connection on request, and, on a bus
 * without a policy of ours, of all that are there now. Only the bus daemon is believed. */
#ifndef MAILAUTH_VERIFIER_BUS_PEERS_H
#define MAILAUTH_VERIFIER_BUS_PEERS_H

#include <dbus/dbus.h>
#include <glib.h>

typedef struct BusPeers BusPeers;

/* Of no bus yet. */
BusPeers *bus_peers_new(void);
/* No answer may be outstanding on a connection that lives on. NULL is fine. */
void bus_peers_free(BusPeers *peers);

/* @connection, borrowed, is the bus now. @is_watching: keeps the list of all connections. */
void bus_peers_enter(BusPeers *peers, DBusConnection *connection, gboolean is_watching);
/* The connection is gone, and with it the list. */
void bus_peers_leave(BusPeers *peers);
/* For each message that comes: keeps the list by NameOwnerChanged. */
void bus_peers_take_message(BusPeers *peers, DBusMessage *message);

/* @uid: NULL if the bus would not tell. */
typedef void (*BusPeerKnown)(const guint32 *uid, gpointer data);
/* Asks for the user of the connection @name. @known is called once, later, unless there
 * is no memory. */
void bus_peers_ask(BusPeers *peers, const char *name, BusPeerKnown known, gpointer data);

typedef void (*BusPeerVisit)(const char *name, guint32 uid, gpointer data);
void bus_peers_visit(const BusPeers *peers, BusPeerVisit visit, gpointer data);

#endif

/* SPDX-License-Identifier: MIT */
/* Who is calling, as the bus tells it: uid, all groups, pid, program. Asked for once a
 * connection, without blocking, and cached until it leaves. */
#ifndef REGD_BUS_CALLERS_H
#define REGD_BUS_CALLERS_H

#include <dbus/dbus.h>

#include "client/threads/workers.h"
#include "regd/base/access.h"

typedef struct Callers Callers;

/* @who is borrowed; NULL: the bus does not tell, so nothing is allowed. Called exactly once,
 * for each connection in the order of asking; at once if the answer is cached; with NULL when
 * the callers are freed. */
typedef void (*CallerKnown)(Identity *who, gpointer data);
/* A connection has left the bus. */
typedef void (*CallerLeft)(const char *name, gpointer data);

/* Uid 0 and @own_uid are administrators. */
Callers *callers_new(DBusConnection *connection, Workers *workers, guint32 own_uid, CallerLeft left,
                     gpointer data);
void callers_free(Callers *callers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Callers, callers_free)

/* @name: the unique name of the sender of a message of @bytes, which waits for the answer. FALSE:
 * too many wait already, or too much; @known is not called. */
gboolean callers_identify(Callers *callers, const char *name, gsize bytes, CallerKnown known,
                          gpointer data);

typedef void (*CallerConfirmed)(gboolean present, gpointer data);
/* Whether the connection @name is still on the bus, by what the bus says from now
 * on. Called exactly once, later or at once; with FALSE when the callers are freed. */
void callers_confirm(Callers *callers, const char *name, CallerConfirmed confirmed, gpointer data);

#endif

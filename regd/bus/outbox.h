/* SPDX-License-Identifier: MIT */
/* Signals to single connections, bounded: a connection that does not read what
 * it is sent makes neither this daemon nor the bus grow. What is sent is counted
 * until the receiver has answered a Ping that was sent after it. Large replies are
 * counted in the same way, by themselves. */
#ifndef REGD_BUS_OUTBOX_H
#define REGD_BUS_OUTBOX_H

#include <dbus/dbus.h>
#include <glib.h>

typedef struct Outbox Outbox;
/* @owner reads again after something for it was dropped. */
typedef void (*OutboxResumed)(const char *owner, gpointer data);

Outbox *outbox_new(DBusConnection *connection, OutboxResumed resumed, gpointer data);
void outbox_free(Outbox *outbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outbox, outbox_free)

/* Whether @owner, of user @uid, has room for more. If not, it counts as having lost something,
 * and OutboxResumed is called when it reads again. */
gboolean outbox_has_room(Outbox *outbox, const char *owner, guint32 uid);
/* The same for a notice to read again, which stands for all that was lost and so
 * may go a little past the limits. */
gboolean outbox_has_room_for_notice(Outbox *outbox, const char *owner, guint32 uid);
/* Whether @owner has lost something and is not known to read again. */
gboolean outbox_is_behind(const Outbox *outbox, const char *owner);
/* Queues @message, of about @bytes, whose destination is @owner. */
void outbox_send(Outbox *outbox, const char *owner, DBusMessage *message, gsize bytes);
/* A reply of so many bytes has been sent to @owner. */
void outbox_count_reply(Outbox *outbox, const char *owner, guint32 uid, gsize bytes);
/* Whether a further large reply to @owner is in order: the bus takes what is sent, and @owner
 * reads it. @asks_one: it has no other call under way, so it has read the replies before: a
 * program that waits for each reply may answer no Ping meanwhile. */
gboolean outbox_may_reply(const Outbox *outbox, const char *owner, gboolean asks_one);
/* @owner has left the bus. */
void outbox_forget(Outbox *outbox, const char *owner);

#endif

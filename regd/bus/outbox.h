/* SPDX-License-Identifier: MIT */
/* What single connections are sent, bounded: a connection that does not read makes neither this
 * daemon nor the bus grow. Signals and replies are counted, each by themselves, until they are
 * known to be read. Signals past the limits are dropped, and the receiver is told; calls whose
 * replies would go past theirs are held back. */
#ifndef REGD_BUS_OUTBOX_H
#define REGD_BUS_OUTBOX_H

#include <dbus/dbus.h>
#include <glib.h>

typedef struct Outbox Outbox;

typedef struct {
  /* @owner reads again after a signal for it was dropped. */
  void (*resumed)(const char *owner, gpointer data);
  /* @owner may be answered again; see outbox_take_held(). */
  void (*opened)(const char *owner, gpointer data);
} OutboxEvents;

/* @events is copied. */
Outbox *outbox_new(DBusConnection *connection, const OutboxEvents *events, gpointer data);
void outbox_free(Outbox *outbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outbox, outbox_free)

/* ---- signals ---- */

/* Whether @owner, of user @uid, has room for more. If not, it counts as having lost something,
 * and `resumed` is called when it reads again. */
gboolean outbox_has_room(Outbox *outbox, const char *owner, guint32 uid);
/* The same for a notice to read again, which stands for all that was lost and so
 * may go a little past the limits. */
gboolean outbox_has_room_for_notice(Outbox *outbox, const char *owner, guint32 uid);
/* Whether @owner has lost something and is not known to read again. */
gboolean outbox_is_behind(const Outbox *outbox, const char *owner);
/* Queues @message, of about @bytes, whose destination is @owner. */
void outbox_send(Outbox *outbox, const char *owner, DBusMessage *message, gsize bytes);

/* ---- replies ---- */

/* A call of @owner has come. TRUE: it is the first one, and outbox_introduce() should tell whose
 * it is; until then little is sent. */
gboolean outbox_meet(Outbox *outbox, const char *owner);
/* @owner is of user @uid, whose connections have a limit together if @limited. */
void outbox_introduce(Outbox *outbox, const char *owner, guint32 uid, gboolean limited);
/* A reply of so many bytes has been sent to @owner. */
void outbox_count_reply(Outbox *outbox, const char *owner, gsize bytes);
/* Whether @owner reads its replies, so that a further one is in order. If not, `opened` is called
 * when it does. */
gboolean outbox_may_answer(Outbox *outbox, const char *owner);
/* The same for a large reply, which waits besides until the bus has taken those before. @asks_one:
 * @owner has no other call under way. It then counts as having read if the bus does not tell, since
 * a program that waits for each reply may answer no Ping meanwhile. */
gboolean outbox_may_reply(Outbox *outbox, const char *owner, gboolean asks_one);

/* ---- calls that are held back ---- */

/* Keeps a reference to @call, of about @bytes. FALSE: too much of @owner's is held already. */
gboolean outbox_hold(Outbox *outbox, const char *owner, DBusMessage *call, gsize bytes);
/* The calls of @owner that are held, in their order, with a reference to each. */
GQueue outbox_take_held(Outbox *outbox, const char *owner);

/* @owner has left the bus. What is held of it is dropped. */
void outbox_forget(Outbox *outbox, const char *owner);

#endif

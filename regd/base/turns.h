/* SPDX-License-Identifier: MIT */
/* Whose change is next: a queue in which users take turns by the work that they cause
 * (start-time fair queueing, Goyal and others 1996). The changes of one user stay in their
 * order. A user with many or large changes waits behind those with few or small ones, whose
 * next change is served after the one that is under way. Pure: knows no threads. */
#ifndef REGD_BASE_TURNS_H
#define REGD_BASE_TURNS_H

#include <glib.h>

typedef struct Turns Turns;
/* @free_item frees what is left in the queue at its end. */
Turns *turns_new(GDestroyNotify free_item);
void turns_free(Turns *turns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Turns, turns_free)

gboolean turns_is_empty(const Turns *turns);
/* Takes @item. */
void turns_push(Turns *turns, guint32 uid, gpointer item);
/* The item that is next, which stays in the queue; NULL: there is none. *@last_cost is what
 * turns_charge() charged its user last. */
gpointer turns_peek(Turns *turns, guint64 *last_cost);
/* Takes the item that turns_peek() gives out of the queue. */
gpointer turns_pop(Turns *turns);
/* Charges a user for an item that was popped. */
void turns_charge(Turns *turns, guint32 uid, guint64 cost);

#endif

/* SPDX-License-Identifier: MIT */
/* Leaves a mailbox that was only opened to see whether it can be. */
#ifndef MAILAUTH_MAILBOX_LEAVE_H
#define MAILAUTH_MAILBOX_LEAVE_H

#include <glib.h>

typedef struct MailboxLeaving MailboxLeaving;
/* @how: what became of the mailbox, as `mailauthctl test` shows it. */
typedef void (*MailboxLeft)(const char *how, gpointer data);

/* Says QUIT on @descriptor, the socket of a session that a store serves, which is taken.
 * @left is called once, from the default main context: when the store has answered, which
 * it does after it has released the mailbox, so that the next session finds it free; at
 * the latest after LEAVE_WAIT_MS. Free what is returned then, or before if the answer is
 * not wanted any more. */
#define LEAVE_WAIT_MS 2000
MailboxLeaving *mailbox_leave(int descriptor, MailboxLeft left, gpointer data);
/* NULL is fine. */
void mailbox_leaving_free(MailboxLeaving *leaving);

#endif

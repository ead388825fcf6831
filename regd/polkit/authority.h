/* SPDX-License-Identifier: MIT */
/* Asks polkit whether a caller may administer the registry. It knows nothing of calls and of what
 * the registry holds. Built without polkit, it asks nobody. Belongs to the thread of the main
 * context.
 *
 * Source: polkit's D-Bus interface org.freedesktop.PolicyKit1.Authority, CheckAuthorization and
 * CancelCheckAuthorization. */
#ifndef REGD_POLKIT_AUTHORITY_H
#define REGD_POLKIT_AUTHORITY_H

#include <dbus/dbus.h>
#include <glib.h>

typedef struct Authority Authority;
/* Called once for each question, later: with FALSE if polkit refuses, does not answer in time, is
 * not there or answers anything else, and if the question is cancelled. */
typedef void (*AuthorityAnswered)(gboolean granted, gpointer data);

/* @patience_ms: how long a question waits for its answer, at least 1. */
Authority *authority_new(DBusConnection *connection, guint patience_ms);
/* Cancels all questions. */
void authority_free(Authority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authority, authority_free)

/* The connection on which it asks; borrowed. */
DBusConnection *authority_get_connection(const Authority *authority);
/* Asks about @name, a unique name on the bus, which belongs to the user @uid. FALSE: the question
 * can't be asked (LIMIT_QUESTIONS, LIMIT_QUESTIONS_PER_USER); @answered is not called. */
gboolean authority_ask(Authority *authority, const char *name, guint32 uid,
                       AuthorityAnswered answered, gpointer data);
/* @name has left the bus: its questions are cancelled. */
void authority_forget(Authority *authority, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* What stands beside the values: what is locked, declared and on trial, as the daemon tells it. */
#ifndef CLIENT_REGCTL_BRANCH_STANDING_H
#define CLIENT_REGCTL_BRANCH_STANDING_H

#include "client/regctl/session/session.h"

/* All others are links into these two; ends with NULL. */
extern const char *const standing_roots[];
/* The key that is the verb's first operand, or the roots without one. */
GStrv standing_take_keys(const Session *session, GError **error);

/* Calls @member with @key and options: @owner, unless it is NULL, and for a root skip-unreadable.
 */
DBusMessage *standing_ask(Session *session, const char *member, const char *key, const char *owner,
                          DBusMessageIter *answer, GError **error);

/* Borrowed from the answer. */
typedef struct {
  const char *key, *name;
  gboolean recursive; /* the key with all below it, and no name */
  const char *reason;
  guint32 uid;
  guint64 time; /* microseconds since 1970 */
} KnownLock;
typedef void (*LockVisit)(Session *session, const KnownLock *lock, gpointer data);
/* Those at and below @key, by path. */
gboolean standing_visit_locks(Session *session, const char *key, LockVisit visit, gpointer data,
                              GError **error);

/* Borrowed from the answer. */
typedef struct {
  const char *key; /* with a backslash at its end if it is declared itself */
  const char *name, *owner;
  gboolean of_key;
  gboolean is_met; /* what is there is what was declared */
} Declaration;
typedef void (*DeclarationVisit)(Session *session, const Declaration *declaration, gpointer data);
/* Those at and below @key, by @owner; NULL: by anybody. */
gboolean standing_visit_declared(Session *session, const char *key, const char *owner,
                                 DeclarationVisit visit, gpointer data, GError **error);

/* The changes on trial, oldest first; an aa{sv} that history_read_list() reads. */
DBusMessage *standing_ask_trials(Session *session, DBusMessageIter *answer, GError **error);

/* How many there are of each that the caller may see. */
typedef struct {
  guint64 trials, locks, drifted;
} Standing;
/* FALSE: the daemon can't tell. */
gboolean standing_count(Session *session, Standing *standing);

#endif

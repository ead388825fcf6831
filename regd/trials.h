/* Revisions on trial: they are undone unless somebody confirms them in time.
 * Rows only; undoing them is apply-undo.c's. */
#ifndef REGD_TRIALS_H
#define REGD_TRIALS_H

#include "regd/store.h"

/* @deadline: microseconds since 1970, by the wall clock, so that it holds over
 * a restart. LIMIT_EXCEEDED: the user has too many already. */
gboolean trials_add(Store *store, guint64 revision, guint32 uid, gint64 deadline, GError **error);
/* *@is_on_trial FALSE: there is no such trial. */
gboolean trials_find(Store *store, guint64 revision, gboolean *is_on_trial, guint32 *uid,
                     GError **error);
gboolean trials_remove(Store *store, guint64 revision, GError **error);
/* The one whose time is up first; *@revision 0: there is none. */
gboolean trials_get_next(Store *store, guint64 *revision, gint64 *deadline, GError **error);

#endif

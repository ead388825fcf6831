/* SPDX-License-Identifier: MIT */
/* Revisions on trial: they are undone unless somebody confirms them in time.
 * Rows only; undoing them is op-trial.c's.
 *
 * One that was undone, and the revision that undid it, are remembered as ended
 * while an older trial, or one that was made before the end, is under way: what
 * they did is nobody's change, and what the other goes back to is not theirs. */
#ifndef REGD_HISTORY_TRIALS_H
#define REGD_HISTORY_TRIALS_H

#include "regd/storage/store.h"

/* @deadline: microseconds since 1970, by the wall clock, so that it holds over
 * a restart. LIMIT_EXCEEDED: the user has too many already. */
gboolean trials_add(Store *store, guint64 revision, guint32 uid, gint64 deadline, GError **error);
/* *@is_on_trial FALSE: there is no such trial. */
gboolean trials_find(Store *store, guint64 revision, gboolean *is_on_trial, guint32 *uid,
                     GError **error);
/* It has been confirmed. */
gboolean trials_remove(Store *store, guint64 revision, GError **error);
/* It is undone, by the revision @end. */
gboolean trials_end(Store *store, guint64 revision, guint64 end, GError **error);
/* The revision undid what was on trial. */
gboolean trials_note_end(Store *store, guint64 revision, GError **error);
gboolean trials_is_ended(Store *store, guint64 revision, gboolean *is_ended, GError **error);
/* Those older than @revision that have ended since it, newest first: of guint64. */
GArray *trials_list_ended(Store *store, guint64 revision, GError **error);
/* Forgets those that ended before all that is on trial was made. */
gboolean trials_forget_ended(Store *store, GError **error);
/* The one whose time is up first; *@revision 0: there is none. */
gboolean trials_get_next(Store *store, guint64 *revision, gint64 *deadline, GError **error);

#endif

/* SPDX-License-Identifier: MIT */
/* Revisions on trial: they are undone unless they are confirmed in time. Rows only; op-trial.c
 * undoes them.
 *
 * A trial that was undone, and the revision that undid it, are remembered as ended as long as
 * an older trial, or one that was made before the end, is under way. Undoing such a trial must
 * not mistake what the ended ones did for somebody's later change, nor go back to their state. */
#ifndef REGD_HISTORY_TRIALS_H
#define REGD_HISTORY_TRIALS_H

#include "regd/storage/store.h"

typedef struct {
  guint64 revision; /* 0: there is no trial */
  guint32 uid;      /* whose it is; ACCESS_NOBODY: a fleet's, of somebody unknown to this host */
  gint64 deadline; /* microseconds since 1970, by the wall clock, so that it holds over a restart */
  gint64 held;     /* bytes of the maker's that the change freed and that stay charged */
  guint64 steps;   /* that the change took: undoing takes about as many */
  guint64 allowed; /* steps of all trials of the maker together; not kept */
  guint64 fleet; /* the number of the fleet's commit that all its hosts have on trial; 0: its own */
  const Identity *maker; /* whose groups are kept with it; borrowed, NULL: nobody's */
} Trial;
/* LIMIT_EXCEEDED: the user has too many already, or they took too many steps together. A fleet's
 * is not counted. */
gboolean trials_add(Store *store, const Trial *trial, GError **error);
/* Its bytes are charged no longer. Call before it is removed or ends. */
gboolean trials_release(Store *store, guint64 revision, GError **error);
/* *@is_on_trial is FALSE if there is no such trial. */
gboolean trials_find(Store *store, guint64 revision, gboolean *is_on_trial, GError **error);
/* Who made a trial, with the groups that they had then; as an administrator only if their uid makes
 * them one. NULL with @error set on failure. */
Identity *trials_get_maker(Store *store, guint64 revision, GError **error);
/* *@is: whether it is one of the fleet, and this user's. */
gboolean trials_is_of(Store *store, guint64 revision, guint32 uid, gboolean *is, GError **error);
/* *@fleet: the number of the fleet's commit; 0: there is no such trial, or it is none of a fleet.
 */
gboolean trials_get_fleet(Store *store, guint64 revision, guint64 *fleet, GError **error);
/* *@revision: this host's of the fleet's commit number @fleet; 0: it has none on trial. */
gboolean trials_find_fleet(Store *store, guint64 fleet, guint64 *revision, GError **error);
/* It has been confirmed. */
gboolean trials_remove(Store *store, guint64 revision, GError **error);
/* It is undone, by the revision @end. */
gboolean trials_end(Store *store, guint64 revision, guint64 end, GError **error);
/* The revision undid what was on trial. */
gboolean trials_note_end(Store *store, guint64 revision, GError **error);
gboolean trials_is_ended(Store *store, guint64 revision, gboolean *is_ended, GError **error);
/* Those older than @revision that have ended since it, newest first: of guint64. */
GArray *trials_list_ended(Store *store, guint64 revision, GError **error);
/* Deletes those that ended before any trial that is under way was made. */
gboolean trials_forget_ended(Store *store, GError **error);
/* Those under way, oldest first: of Trial, with revision, uid and deadline. */
GArray *trials_list(Store *store, GError **error);
/* The trial with the first deadline, of this host's own or of a fleet's. */
gboolean trials_get_next(Store *store, gboolean of_fleet, Trial *trial, GError **error);
guint trials_count_fleet(Store *store);
/* Those of one user, as this host knows them. */
guint trials_count_fleet_of(Store *store, guint32 uid);
/* The fleet's are this host's no more, but for those of these numbers: they stay as they are. */
gboolean trials_forget_fleet(Store *store, const guint64 *kept, guint n_kept, GError **error);
/* The trial is undone at @deadline, not before. */
gboolean trials_postpone(Store *store, guint64 revision, gint64 deadline, GError **error);
/* Those of the fleet are undone by this host so much later than it meant to, us. */
gboolean trials_delay_fleet(Store *store, gint64 time, GError **error);

#endif

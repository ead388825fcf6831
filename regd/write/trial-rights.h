/* SPDX-License-Identifier: MIT */
/* What a trial may give back. It is judged when it is given back, by the rights of the trial's
 * maker then: a trial must not be a way to get at what was taken from them, or was never theirs to
 * see. */
#ifndef REGD_WRITE_TRIAL_RIGHTS_H
#define REGD_WRITE_TRIAL_RIGHTS_H

#include "regd/edit/edit.h"

/* Borrowed. */
typedef struct {
  Edit *edit;
  guint64 undone;  /* the trial */
  Identity *maker; /* who must not get back more than they hold now */
} TrialRights;

/* *@withheld: the maker could read the old value, or the old key, once it is back where @at->acl
 * decides, and may not see it of the past. */
gboolean trial_withholds(const TrialRights *rights, const Difference *difference, const KeyAt *at,
                         gboolean *withheld, GError **error);
/* *@withheld: the maker could see what the key was before it was deleted, once it is back where
 * @list decides, and may not see it of the past. */
gboolean trial_withholds_key(const TrialRights *rights, const Difference *difference, gint64 list,
                             gboolean *withheld, GError **error);
/* *@may: the maker may have it back that @back decides at @key, whose path is looked up. */
gboolean trial_may_regain(const TrialRights *rights, const KeyAt *key, gint64 back, gboolean *may,
                          GError **error);
/* *@fits: there is room at @path for the old value: not if it was replaced on trial, and other data
 * has taken its place since. Left as it is if nobody has to ask. */
gboolean trial_has_room(const TrialRights *rights, const Difference *difference, const char *path,
                        gboolean *fits, GError **error);

#endif

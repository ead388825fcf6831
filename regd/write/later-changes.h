/* SPDX-License-Identifier: MIT */
/* What undoing a revision needs, whoever does it: what the revision changed, and what has been
 * changed since and therefore stays as it is. */
#ifndef REGD_WRITE_LATER_CHANGES_H
#define REGD_WRITE_LATER_CHANGES_H

#include "regd/history/record.h"

/* What @revision changed, in order: of Difference, without paths and new values. */
GPtrArray *undo_list_differences(Store *store, guint64 revision, GError **error);

/* What has been changed at one key. */
typedef struct {
  GHashTable *names; /* of its values, in any case */
  gboolean itself, list;
} KeyChanges;
/* Whether that which @difference changed is among it. */
gboolean key_changes_have(const KeyChanges *changes, const Difference *difference);

/* All that was changed after a revision. Trials that have ended, and what undid them, do not count
 * as long as they are remembered: see trials_forget_ended(). */
typedef struct LaterChanges LaterChanges;
LaterChanges *later_changes_new(Store *store, guint64 revision);
void later_changes_free(LaterChanges *later);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LaterChanges, later_changes_free)
/* Asked once for each key. Borrowed. */
const KeyChanges *later_changes_get(LaterChanges *later, gint64 key, GError **error);

#endif

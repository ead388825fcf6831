/* SPDX-License-Identifier: MIT */
/* Putting a backup back while no regd runs. */
#ifndef REGD_UPKEEP_RESTORE_H
#define REGD_UPKEEP_RESTORE_H

#include <glib.h>

typedef struct {
  guint64 revision; /* where revisions go on */
  char *kept;       /* where the old database is, or NULL: there was none */
} Restored;
void restored_clear(Restored *restored);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Restored, restored_clear)

/* Checks a copy of @backup wholly, keeps the old database beside @database, and
 * puts the copy in its place at one stroke: a crash leaves the one or the other.
 * Revisions go on past every one handed out, by a jump of 2^32 where the old
 * counter can't be trusted, and history begins there for whoever follows it.
 * What is found wrong with the backup is added to @problems (of char *): then
 * nothing has been changed. */
gboolean restore_run(const char *database, const char *backup, GPtrArray *problems,
                     Restored *restored, GError **error);

#endif

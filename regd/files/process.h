/* SPDX-License-Identifier: MIT */
/* Other processes, as /proc shows them. */
#ifndef REGD_FILES_PROCESS_H
#define REGD_FILES_PROCESS_H

#include <glib.h>

/* Whether the process @pid is being ended, by itself or by others: nothing of it
 * runs any more, and what it had open is closed just now, one by one. So the end of
 * its pipe is no word of its own. FALSE once all is closed, and where it can't be
 * told: @pid is 0, or /proc hides others' processes. For any thread. */
gboolean process_is_leaving(guint32 pid);

#endif

/* SPDX-License-Identifier: MIT */
/* Other processes, as /proc shows them. */
#ifndef REGD_FILES_PROCESS_H
#define REGD_FILES_PROCESS_H

#include <glib.h>

/* Whether the process @pid is exiting, by itself or by others: none of its code runs any more,
 * and its descriptors are being closed one by one, so the end of its pipe says nothing. FALSE
 * once all is closed, and if it can't be found out: @pid is 0, or /proc hides others'
 * processes. For any thread. */
gboolean process_is_leaving(guint32 pid);

#endif

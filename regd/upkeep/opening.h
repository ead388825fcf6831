/* SPDX-License-Identifier: MIT */
/* Opens the database that is going to be served. */
#ifndef REGD_UPKEEP_OPENING_H
#define REGD_UPKEEP_OPENING_H

#include "regd/storage/store.h"

/* Makes it where it is missing, brings it up to date, and checks what can be checked cheaply.
 * *@revision: the newest. What is wrong though the rest can be read is added to @problems (of
 * char *): then nothing may be written. NULL: it can't be served, and *@error names the cure. */
Store *opening_open(const char *file, guint64 *revision, GPtrArray *problems, GError **error);

#endif

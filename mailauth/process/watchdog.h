/* SPDX-License-Identifier: MIT */
/* A deadline that the kernel keeps for a process: when it has passed the process is killed,
 * stopped or hanging as it may be, and what it has locked is free. For processes whose
 * pid nobody knows who could end them. Only a process that waits for a device beyond the
 * reach of signals outlives it, for as long as it waits. */
#ifndef MAILAUTH_PROCESS_WATCHDOG_H
#define MAILAUTH_PROCESS_WATCHDOG_H

#include <glib.h>

typedef struct Watchdog Watchdog;

/* Without a deadline yet, and for this process only: one that is forked off needs its own.
 * NULL if the kernel has no timer left: such a process goes without. */
Watchdog *watchdog_new(void);
/* There is no deadline any more. NULL is fine. */
void watchdog_free(Watchdog *watchdog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watchdog, watchdog_free)

/* The process is killed @seconds from now, instead of when it was said before. NULL is fine. */
void watchdog_extend(Watchdog *watchdog, guint seconds);

#endif

/* SPDX-License-Identifier: MIT */
/* What a program says if the system lets it make no more threads. */
#ifndef CLIENT_THREADS_THREAD_SHORTAGE_H
#define CLIENT_THREADS_THREAD_SHORTAGE_H

#include <glib.h>

/* GLib makes threads of its own (for signals, for pools), and aborts if it can't. From now
 * on the program ends with a message that names the cure, and with status 1. Other fatal
 * errors still abort. Call it before any thread is made. */
void thread_shortage_expect(void);

/* As g_thread_try_new(); the error (FAILED) names the cure. */
GThread *thread_shortage_try(const char *name, GThreadFunc run, gpointer data, GError **error);

#endif

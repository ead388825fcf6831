/* SPDX-License-Identifier: MIT */
/* Calls to regd, so many under way at a time: what the benchmarks of calls and of
 * writes have in common. */
#ifndef TESTS_BENCH_PIPELINE_H
#define TESTS_BENCH_PIPELINE_H

#include <dbus/dbus.h>
#include <glib.h>

#define PIPELINE_MAXIMUM 64U /* calls under way */

/* The call with that number, owned by the one who asks. */
typedef DBusMessage *(*PipelineCall)(guint number);

/* Makes @calls calls, numbered from @first, at most @in_flight (1 to
 * PIPELINE_MAXIMUM) under way, and waits for all answers. One that is an error ends
 * the program. */
void pipeline_run(DBusConnection *connection, PipelineCall make, guint calls, guint in_flight,
                  guint first);

#endif

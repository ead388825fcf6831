/* SPDX-License-Identifier: MIT */
/* Long readings: what may take long (history, a branch as it was) runs on a thread with a
 * reader of its own, so that the main loop delays nobody. Only a few of each user run at once;
 * the others wait in order. Knows no D-Bus. Belongs to the thread of the main context. */
#ifndef REGD_READ_LONG_READS_H
#define REGD_READ_LONG_READS_H

#include "client/threads/workers.h"
#include "regd/read/reader.h"

typedef struct Readings Readings;

/* @work and @file are borrowed and outlive it. */
Readings *readings_new(Workers *workers, const char *file);
/* Readings that wait are dropped; the end of those that run is not reported. */
void readings_free(Readings *readings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Readings, readings_free)

/* On a thread. @reader is its own during the call. FALSE: *@error is set. */
typedef gboolean (*ReadingRun)(Reader *reader, gpointer data, GError **error);
/* On the main context. @error, borrowed, is NULL on success. */
typedef void (*ReadingDone)(gpointer data, const GError *error);

/* Runs @run, then @done, which frees @data; @destroy frees it if @done can't be called any
 * more. @schemas, referenced, tell which values are secret. */
void readings_submit(Readings *readings, guint32 uid, SchemaSet *schemas, ReadingRun run,
                     ReadingDone done, gpointer data, GDestroyNotify destroy);

#endif

/* SPDX-License-Identifier: MIT */
/* Long readings: what may take long (a whole branch, history) runs on a thread with a reader of
 * its own, so that the main loop delays nobody. Users take turns: a few readings of each run at
 * once, the others wait in order. A reading ends early when its time is up, when its caller has
 * left, and at the stop. Knows no D-Bus. Belongs to the thread of the main context. */
#ifndef REGD_READ_LONG_READS_H
#define REGD_READ_LONG_READS_H

#include "client/threads/workers.h"
#include "regd/read/reader.h"

typedef struct Readings Readings;

/* @workers and @file are borrowed and outlive it. */
Readings *readings_new(Workers *workers, const char *file);
/* Those that wait are reported as ended; those that run are told to end, and reported if they do in
 * time: it runs the main context. Call when nothing is submitted any more, and before the workers
 * are abandoned. */
void readings_stop(Readings *readings);
/* After readings_stop(). Nothing is reported any more. */
void readings_free(Readings *readings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Readings, readings_free)

/* What the settings say, from now on: the seconds that one reading takes at most, and how many
 * of a user run at once. */
void readings_set_limits(Readings *readings, guint seconds, guint per_user);

/* Whether an answer to @owner may be made now; else its readings wait. @asks_one: @owner has no
 * other reading. */
typedef gboolean (*ReadingGate)(const char *owner, gboolean asks_one, gpointer data);
void readings_set_gate(Readings *readings, ReadingGate gate, gpointer data);

/* Who a reading is for. Borrowed; the schemas, referenced, tell which values are secret. */
typedef struct {
  guint32 uid;
  const char *owner; /* the caller's unique name on the bus */
  SchemaSet *schemas;
  const char *key; /* that the error names if its time is up; or NULL */
} ReadingOrder;

typedef struct {
  /* On a thread. @reader is its own during the call. FALSE: *@error is set. */
  gboolean (*run)(Reader *reader, gpointer data, GError **error);
  /* On the main context; frees @data. @error, borrowed, is NULL on success. */
  void (*done)(gpointer data, const GError *error);
  /* In the place of `done` if that can't be called any more. */
  GDestroyNotify destroy;
} ReadingKind;

/* LIMIT_EXCEEDED: its time was up. FAILED: its owner has left. @kind is borrowed. */
void readings_submit(Readings *readings, const ReadingOrder *order, const ReadingKind *kind,
                     gpointer data);
/* Whether a reading of the user runs or waits. */
gboolean readings_has_user(const Readings *readings, guint32 uid);
/* @owner has left the bus; NULL: all have. Their readings end, also those that have been read
 * and are still to be reported. */
void readings_forget_owner(Readings *readings, const char *owner);

#endif

/* SPDX-License-Identifier: MIT */
/* The writer: one thread that owns the writing connection. It takes all that
 * waits, applies each change under a savepoint (authorise, check against the
 * schemas and limits, apply: apply.c), makes one durable commit of them, and
 * hands each its result on the main context, in order of revision. */
#ifndef REGD_WRITE_WRITER_H
#define REGD_WRITE_WRITER_H

#include "client/base/change.h"
#include "regd/base/durations.h"
#include "regd/base/pulse.h"
#include "regd/write/result.h"
#include "schema/rules.h"

typedef struct Writer Writer;
/* Opens @file (made if it is not there, mode 0600, with what registry.md 1 says
 * a new database holds), brings its schema up to date, drops volatile keys of
 * the run before, and starts the thread. STORAGE_FAILURE says what is wrong
 * with a database that can't be trusted and what restores it. @own_done (may be
 * NULL) is called for commits that nobody asked for: trials that have ended. */
Writer *writer_start(const char *file, GMainContext *context, WriteDone own_done, gpointer own_data,
                     GError **error);
/* Finishes what waits, then ends the thread. */
void writer_stop(Writer *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Writer, writer_stop)
void writer_set_schemas(Writer *writer, SchemaSet *schemas);

/* Takes ownership of @change. @done is called exactly once. */
void writer_submit(Writer *writer, Identity *who, Change *change, WriteDone done, gpointer data);
/* Counts, atomically, the beginnings and the ends of the thread's commits: it is odd
 * while one is being made. */
const gint *writer_get_commits(const Writer *writer);
/* Since the start. */
typedef struct {
  guint64 changes;   /* that were handed in and are done */
  guint64 refused;   /* of them */
  Durations commits; /* of each batch of changes, from its first to its being on disk */
} WriterStatistics;
void writer_get_statistics(Writer *writer, WriterStatistics *statistics);
/* Asks the thread for a sign of life, and tells what it has done until now. It answers
 * at once while it waits for work; else its work is the sign. */
PulseSample writer_take_pulse(Writer *writer);
/* Whether corruption was met: every write is READ_ONLY since. */
gboolean writer_is_read_only(Writer *writer);
/* Corruption was met elsewhere. */
void writer_set_read_only(Writer *writer);

#endif

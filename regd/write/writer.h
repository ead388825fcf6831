/* SPDX-License-Identifier: MIT */
/* The writer: one thread that owns the writing connection. It takes all changes that wait,
 * applies each under a savepoint (apply.h), makes one durable commit of them, and hands back
 * each result on the main context, in the order of revisions. */
#ifndef REGD_WRITE_WRITER_H
#define REGD_WRITE_WRITER_H

#include "client/base/change.h"
#include "regd/base/durations.h"
#include "regd/base/pulse.h"
#include "regd/base/result.h"
#include "regd/write/fleet-hook.h"
#include "schema/rules.h"

typedef struct Writer Writer;
/* Opens @file, or makes it with mode 0600 and the contents of a new database
 * (org.regd.Registry1(5)). Brings its tables up to date, drops volatile keys of the
 * previous run, and starts the thread. STORAGE_FAILURE says what is wrong with a damaged
 * database and what restores it. @own_done (may be NULL) is called for commits of the writer's
 * own: ended trials. */
Writer *writer_start(const char *file, GMainContext *context, WriteDone own_done, gpointer own_data,
                     GError **error);
/* Finishes all changes that wait, then ends the thread. */
void writer_stop(Writer *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Writer, writer_stop)
void writer_set_schemas(Writer *writer, SchemaSet *schemas);
/* @hook, borrowed, must outlive the writer's thread. Call once, before changes are handed in. */
void writer_set_fleet(Writer *writer, const FleetHook *hook);

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
/* What was found at the start though the database can be read (of char *); borrowed. */
const GPtrArray *writer_get_problems(const Writer *writer);
/* Whether damage was found: then every write fails with READ_ONLY. */
gboolean writer_is_read_only(Writer *writer);
/* Tells the writer that somebody else has found damage. */
void writer_set_read_only(Writer *writer);

#endif

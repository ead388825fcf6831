/* SPDX-License-Identifier: MIT */
/* The registry as a service: reads go to the reader and changes to the writer, watchers hear
 * of every commit before its writer does, and no user takes more than their share. Knows no
 * D-Bus. Belongs to the thread of the main context. */
#ifndef REGD_SERVICE_SERVICE_H
#define REGD_SERVICE_SERVICE_H

#include "regd/read/long-reads.h"
#include "regd/read/reader.h"
#include "regd/service/shares.h"
#include "regd/service/watching.h"
#include "regd/storage/counts.h"
#include "regd/write/writer.h"

typedef struct Service Service;

/* What the service tells; @data is service_new()'s. */
typedef struct {
  WatchingEvents watching;
  /* service_is_read_only() has turned TRUE. */
  void (*read_only)(gpointer data);
  /* Damage has been met for the first time at some place; @text says where and what helps. */
  void (*problem)(const char *text, gpointer data);
} ServiceEvents;

/* What the service works with; borrowed, and outlives it. */
typedef struct {
  Reader *reader;
  Readings *readings;
  Writer *writer;
} ServiceParts;

/* @schemas is referenced, and handed to the parts. */
Service *service_new(const ServiceParts *parts, SchemaSet *schemas, const ServiceEvents *events,
                     gpointer data);
void service_free(Service *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Service, service_free)

Reader *service_get_reader(Service *service);
SchemaSet *service_get_schemas(Service *service);
/* The schemas that hold from the next call on; referenced. */
void service_set_schemas(Service *service, SchemaSet *schemas);
gboolean service_is_read_only(Service *service);
/* Keeps what is wrong with the database (the first SERVICE_PROBLEMS of them, each once), tells of
 * it, and makes the service read-only. */
#define SERVICE_PROBLEMS 20
void service_note_problem(Service *service, const char *text);
/* Of char *; borrowed. */
const GPtrArray *service_get_problems(const Service *service);

/* Call after the writer has been stopped: its last results still come, and nothing more is
 * written. */
void service_forget_writer(Service *service);

/* ---- what users have under way ---- */

/* See shares_take(). */
gboolean service_take_share(Service *service, const Identity *who, Share share, guint64 amount,
                            GError **error);
void service_give_back(Service *service, guint32 uid, Share share, guint64 amount);
/* See shares_get_load(). */
ShareLoad service_get_load(const Service *service, Share share);
/* A call is answered with an error; how many have been. */
void service_note_failure(Service *service);
guint64 service_get_failures(const Service *service);
/* Microseconds since 1970. */
guint64 service_get_start_time(const Service *service);
void service_get_writer_statistics(const Service *service, WriterStatistics *statistics);
/* Borrowed; what GetStatistics counted last. */
KeptCounts *service_get_kept_counts(Service *service);
/* How many steps a change of @who may take: see apply_get_step_limit(). */
guint64 service_get_step_limit(const Service *service, const Identity *who);
/* Borrowed. */
Watching *service_get_watching(Service *service);

/* ---- writing ---- */

/* Who asks; borrowed. */
typedef struct {
  Identity *who;
  const char *name; /* on the bus */
} Caller;

/* What becomes of changes that a fleet has to agree on. @fleet is the struct's own. */
typedef struct {
  /* result->proposal is not NULL; @done is called with @data once, later or at once. */
  void (*propose)(const WriteResult *result, WriteDone done, gpointer data, gpointer fleet);
  /* Before watchers are told. */
  void (*changed)(const Effective *effective, gpointer fleet);
  gpointer fleet;
} ServiceFleet;
/* NULL functions: there is no fleet. */
void service_set_fleet(Service *service, const ServiceFleet *fleet);

/* Takes ownership of @change. @done is called once, on the main context, after every watcher has
 * been told. A dry run is a long reading, and asks nothing of the writer. */
void service_write(Service *service, const Caller *caller, Change *change, WriteDone done,
                   gpointer data);

/* The newest revision that every watcher has been told of: that of the last answered write, or
 * a later one. A read may be newer. */
guint64 service_get_revision(const Service *service);
/* Tells watchers of a commit of the writer's own: a trial has ended. */
void service_note_written(Service *service, const WriteResult *result);

#endif

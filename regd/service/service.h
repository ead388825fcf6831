/* SPDX-License-Identifier: MIT */
/* The registry as a service: what a caller asks is read from the reader or
 * handed to the writer, watchers hear of every commit before its writer does,
 * and nobody takes more than his share. Knows no D-Bus. Belongs to the thread
 * of the main context. */
#ifndef REGD_SERVICE_SERVICE_H
#define REGD_SERVICE_SERVICE_H

#include "regd/base/watchers.h"
#include "regd/read/reader.h"
#include "regd/write/writer.h"

typedef struct Service Service;

/* What the service tells; @data is service_new()'s. */
typedef struct {
  /* One signal to queue for the watch's owner. FALSE: it could not be. */
  gboolean (*changed)(const Watch *watch, guint64 revision, const WatchChange *changes,
                      guint n_changes, gpointer data);
  /* service_is_read_only() has turned TRUE. */
  void (*read_only)(gpointer data);
} ServiceEvents;

/* @reader and @writer are borrowed and outlive the service; @schemas is
 * referenced and handed to both. */
Service *service_new(Reader *reader, Writer *writer, SchemaSet *schemas,
                     const ServiceEvents *events, gpointer data);
void service_free(Service *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Service, service_free)

Reader *service_get_reader(Service *service);
SchemaSet *service_get_schemas(Service *service);
/* The schemas that hold from the next call on; referenced. */
void service_set_schemas(Service *service, SchemaSet *schemas);
gboolean service_is_read_only(Service *service);

/* The writer has been stopped: its last results still come, and nothing more is
 * written. */
void service_forget_writer(Service *service);

/* ---- shares: what each user has under way ---- */

typedef enum { SHARE_CALLS, SHARE_WATCHES, SHARE_FILES, SHARE_COUNT } Share;
/* LIMIT_EXCEEDED naming the setting. Administrators are bound by SHARE_FILES alone. */
gboolean service_take_share(Service *service, const Identity *who, Share share, GError **error);
void service_give_back(Service *service, guint32 uid, Share share);

/* ---- writing ---- */

/* Takes ownership of @change. @done is called once, on the main context, after
 * every watcher has been told. */
void service_write(Service *service, Identity *who, Change *change, WriteDone done, gpointer data);

/* The newest revision that every watcher has been told of: that of the last write
 * that was answered, or a later one. What is read may be newer. */
guint64 service_get_revision(const Service *service);
/* A commit that nobody asked for (a trial has ended): watchers are told. */
void service_note_written(Service *service, const WriteResult *result);

/* ---- watching ---- */

typedef struct {
  gboolean recursive;
  gboolean no_follow;   /* a link as last component is itself */
  const guint64 *since; /* NULL: only what is still to come */
} WatchOptions;

/* The watch, which stands from its `from` revision on, and (with @since)
 * in *@replay what has to be replayed to it, NULL where there is nothing: hand it
 * to service_replay() once the watcher knows the watch's id. */
Watch *service_watch(Service *service, Identity *who, const char *owner, const char *key,
                     const WatchOptions *options, GPtrArray **replay, GError **error);
/* Takes ownership of @replay. */
void service_replay(Service *service, Watch *watch, GPtrArray *replay);
/* INVALID_VALUE: @owner has no such watch. */
gboolean service_unwatch(Service *service, const char *owner, guint32 id, GError **error);
/* @owner has left the bus; NULL: all have. */
void service_forget_owner(Service *service, const char *owner);
/* @owner's watches that lost a signal are told to read again. FALSE: not all could be. */
gboolean service_resume_owner(Service *service, const char *owner);

#endif

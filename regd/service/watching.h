/* SPDX-License-Identifier: MIT */
/* Watches on paths as callers name them: resolves them, follows links that are pointed
 * elsewhere, and replays what a new watch has missed with no gap to what comes live. */
#ifndef REGD_SERVICE_WATCHING_H
#define REGD_SERVICE_WATCHING_H

#include "regd/base/watchers.h"
#include "regd/read/reader.h"
#include "regd/service/shares.h"

/* Queues one signal for the watch's owner. FALSE: it could not be. */
typedef gboolean (*WatchSend)(const Watch *watch, guint64 revision, const WatchChange *changes,
                              guint n_changes, gpointer data);

typedef struct Watching Watching;
/* @reader and @shares are borrowed. @revision, borrowed: the newest that watchers have
 * been told of. */
Watching *watching_new(Reader *reader, Shares *shares, const guint64 *revision, WatchSend send,
                       gpointer data);
void watching_free(Watching *watching);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watching, watching_free)

/* Tells every watch what it may hear of @effective, which has been committed. */
void watching_tell(Watching *watching, const Effective *effective);

typedef struct {
  gboolean recursive;
  gboolean no_follow;   /* a link as last component is itself */
  const guint64 *since; /* NULL: only what is still to come */
} WatchOptions;

/* Adds a watch, which covers revisions after its `from`. With @since, *@replay gets what
 * happened before, or NULL if that is nothing: hand it to watching_replay() after the watcher
 * has learned the watch's id. */
Watch *watching_add(Watching *watching, Identity *who, const char *owner, const char *key,
                    const WatchOptions *options, GPtrArray **replay, GError **error);
/* Takes ownership of @replay. */
void watching_replay(Watching *watching, Watch *watch, GPtrArray *replay);
/* INVALID_VALUE: @owner has no such watch. */
gboolean watching_remove(Watching *watching, const char *owner, guint32 id, GError **error);
/* @owner has left the bus; NULL: all have. */
void watching_forget_owner(Watching *watching, const char *owner);
/* @owner's watches that lost a signal are told to read again. FALSE: not all could be. */
gboolean watching_resume_owner(Watching *watching, const char *owner);

#endif

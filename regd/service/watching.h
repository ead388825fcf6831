/* SPDX-License-Identifier: MIT */
/* Watches on paths as callers name them: resolves them, follows links that are pointed
 * elsewhere, and replays what a new watch has missed with no gap to what comes live.
 *
 * What is much is told in slices of the main loop. A watch that has something to be told still
 * is behind: what it hears meanwhile is told after that, in order. A commit counts as told when
 * all watches that heard of it have been. */
#ifndef REGD_SERVICE_WATCHING_H
#define REGD_SERVICE_WATCHING_H

#include "regd/base/watchers.h"
#include "regd/read/watch-start.h"
#include "regd/service/shares.h"

/* What watching tells; @data is watching_new()'s. */
typedef struct {
  /* Queues one signal for the watch's owner. FALSE: it could not be. */
  gboolean (*changed)(const Watch *watch, guint64 revision, const WatchChange *changes,
                      guint n_changes, gpointer data);
  /* Whether the bus takes what is sent, so that more can be. */
  gboolean (*has_room)(gpointer data);
  /* No watch of @owner is behind any more. */
  void (*caught_up)(const char *owner, gpointer data);
} WatchingEvents;

typedef struct Watching Watching;
/* @reader and @shares are borrowed. @revision, borrowed: the newest that watchers have
 * been told of. */
Watching *watching_new(Reader *reader, Shares *shares, const guint64 *revision,
                       const WatchingEvents *events, gpointer data);
void watching_free(Watching *watching);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watching, watching_free)

typedef void (*WatchingTold)(gpointer data);
/* Tells every watch what it may hear of @effective, which has been committed. @told is called
 * once all of them have been told; usually that is before this returns. */
void watching_tell(Watching *watching, Effective *effective, WatchingTold told, gpointer data);

/* Adds a watch of @owner, which covers revisions after its `from`. @earlier is what was read
 * before of the same order, up to its `since`, whose replay is taken in the end; or NULL. *@start,
 * the caller's, is for watching_replay() after the watcher has learned the watch's id. NULL with
 * reader_was_too_long(): read more with watch_start_read() on a thread. */
Watch *watching_add(Watching *watching, const WatchOrder *order, const char *owner,
                    WatchStart *earlier, WatchStart **start, GError **error);
/* Takes ownership of @start. */
void watching_replay(Watching *watching, Watch *watch, WatchStart *start);
/* INVALID_VALUE: @owner has no such watch. */
gboolean watching_remove(Watching *watching, const char *owner, guint32 id, GError **error);
/* @owner has left the bus; NULL: all have. */
void watching_forget_owner(Watching *watching, const char *owner);
/* @owner's watches that lost a signal are told to read again. FALSE: not all could be. */
gboolean watching_resume_owner(Watching *watching, const char *owner);
/* Whether a watch of @owner is behind. */
gboolean watching_is_behind(const Watching *watching, const char *owner);

#endif

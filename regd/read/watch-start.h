/* SPDX-License-Identifier: MIT */
/* What a new watch begins with: where its path leads, and what it has missed. */
#ifndef REGD_READ_WATCH_START_H
#define REGD_READ_WATCH_START_H

#include "regd/read/route.h"

/* Strings are borrowed. */
typedef struct {
  Identity *who;
  const char *key; /* as it was asked for */
  gboolean recursive;
  gboolean no_follow; /* a link as last component is itself */
  gboolean whole_way; /* of a reader that keeps short, only what is replayed is kept so */
  gboolean has_since; /* else only what is still to come is told */
  guint64 since;
} WatchOrder;

typedef struct {
  guint64 revision; /* everything is of this one */
  char *path;       /* canonical */
  RouteLinks *links;
  GPtrArray *replay; /* of Effective; what happened after `since` */
} WatchStart;
void watch_start_free(WatchStart *start);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WatchStart, watch_start_free)

/* On any thread. As reader_resolve() and reader_replay() refuse it; FAILED: others change the
 * registry too fast. */
WatchStart *watch_start_read(Reader *reader, const WatchOrder *order, GError **error);
/* What comes before @later, which was read with `since` at the revision of @earlier, goes in
 * front of it. FALSE: the path led elsewhere meanwhile, so that they don't go together. */
gboolean watch_start_join(WatchStart *later, WatchStart *earlier);

#endif

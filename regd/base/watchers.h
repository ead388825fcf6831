/* SPDX-License-Identifier: MIT */
/* Who watches what, and what of a commit each of them hears. Pure: paths are
 * resolved and signals are sent by the service.
 *
 * Watches hang on the folded path that they watch, so matching a change costs
 * its depth, not the number of watches. */
#ifndef REGD_BASE_WATCHERS_H
#define REGD_BASE_WATCHERS_H

#include "regd/base/effective.h"

typedef struct Watchers Watchers;

/* For reading, but for what is said to be the service's. Made by watchers_add() only. */
typedef struct {
  guint32 id;      /* unique among all watches */
  char *owner;     /* unique name on the bus */
  Identity *who;   /* whose rights count */
  char *asked;     /* the path as it was asked for */
  char *path;      /* the canonical path that is watched */
  gboolean astray; /* where the asked path leads may not be seen: `path` is only what was asked */
  gboolean recursive;
  gboolean no_follow; /* the service's: the last component of `asked` is not followed */
  guint64 from;       /* revisions up to this one are not told */
  guint64 sequence;   /* signals sent or dropped so far */
  gboolean lost;      /* the service's: a signal was dropped, and the watcher has not been told */
} Watch;

/* One change of a signal; borrowed from the commit. */
typedef struct {
  ChangeKind kind;
  const char *key;
  const char *name;
} WatchChange;

/* One signal. The watch's sequence has been counted already. The function must
 * not add or remove watches. */
typedef void (*WatchEmit)(Watch *watch, guint64 revision, const WatchChange *changes,
                          guint n_changes, gpointer data);

Watchers *watchers_new(void);
void watchers_free(Watchers *watchers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watchers, watchers_free)

/* @from: the revision of the state that the watcher begins with. The watch is
 * the watchers' own; it lives until it is removed. */
Watch *watchers_add(Watchers *watchers, const char *owner, Identity *who, const char *asked,
                    const char *path, gboolean recursive, guint64 from);
/* NULL: no such id. */
Watch *watchers_find(const Watchers *watchers, guint32 id);
void watchers_remove(Watchers *watchers, Watch *watch);
/* The watches of @owner; of Watch, owned by the caller (the array alone). */
GPtrArray *watchers_list_owner(const Watchers *watchers, const char *owner);
/* All of them, in no order. */
GPtrArray *watchers_list(const Watchers *watchers);

/* Where the watch leads has changed: the next watchers_match() sends it one
 * link-changed with @path and nothing else. A change of spelling alone is taken
 * over silently. @astray as in Watch. */
void watchers_move(Watchers *watchers, Watch *watch, const char *path, gboolean astray);

/* The same where it leads to its path again, or by another way: what was there
 * meanwhile may have been something else. */
void watchers_reroute(Watchers *watchers, Watch *watch);

/* Tells every watch what it may hear of @effective: its own key and, where it
 * is recursive, all below; else direct sub-keys coming and going; and
 * acl-changed on keys above, by which what it may see has changed too. One
 * signal a watch; past LIMIT_SIGNAL_CHANGES or LIMIT_SIGNAL_BYTES a single
 * tree-changed. */
void watchers_match(Watchers *watchers, const Effective *effective, WatchEmit emit, gpointer data);
/* The same for one watch, whatever its `from`: replaying. */
void watchers_match_one(Watchers *watchers, Watch *watch, const Effective *effective,
                        WatchEmit emit, gpointer data);
/* One tree-changed outside of any commit: what was lost can't be told. */
void watchers_tell_all_changed(Watch *watch, guint64 revision, WatchEmit emit, gpointer data);

#endif

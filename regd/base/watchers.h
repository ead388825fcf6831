/* SPDX-License-Identifier: MIT */
/* Which watches there are, and what each of them is told of a commit. Pure: the service
 * resolves paths and sends signals.
 *
 * Watches are indexed by the folded path that they watch, so matching a change costs its
 * depth, not the number of watches. */
#ifndef REGD_BASE_WATCHERS_H
#define REGD_BASE_WATCHERS_H

#include "regd/base/effective.h"

typedef struct Watchers Watchers;

/* Read-only for others, except the fields of the service. Made by watchers_add() only. */
typedef struct {
  guint32 id;    /* unique among all watches */
  char *owner;   /* unique name on the bus */
  Identity *who; /* whose rights count */
  char *asked;   /* the path as it was asked for */
  char *path;    /* the canonical path that is watched */
  gboolean
      astray; /* the owner may not see where the asked path leads: `path` is what was asked for */
  gboolean recursive;
  gboolean no_follow; /* the service's: the last component of `asked` is not followed */
  guint64 from;       /* revisions up to this one are not told */
  guint64 sequence;   /* signals sent or dropped so far */
  gboolean lost;      /* the service's: a signal was dropped, and the watcher has not been told */
  gpointer behind;    /* the service's: if not NULL, it is told later of what it hears */
} Watch;

/* One change of a signal; borrowed from the commit. */
typedef struct {
  ChangeKind kind;
  const char *key;
  const char *name;
} WatchChange;

/* One signal. The watch's sequence has been counted already. The function must
 * not add or remove watches. Without @changes: the watch is behind, and has heard something of
 * this revision, which is to be told by watchers_match_one(). */
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

/* The watch's path leads elsewhere now: the next watchers_match() sends it one link-changed
 * with @path and nothing else. If only the spelling has changed, it is taken over silently.
 * @astray as in Watch. */
void watchers_move(Watchers *watchers, Watch *watch, const char *path, gboolean astray);

/* The same if it leads to the same path by another way, or again: something else may have been
 * there in between. */
void watchers_reroute(Watchers *watchers, Watch *watch);

/* Tells every watch what it may hear of @effective: changes of its own key; if it is
 * recursive, of all keys below, else only that direct sub-keys come and go; and acl-changed of
 * keys above, which change what it may see. One signal a watch; past LIMIT_SIGNAL_CHANGES or
 * LIMIT_SIGNAL_BYTES, or LIMIT_USER_SIGNAL_CHANGES for all watches of a user (of a connection,
 * for administrators), a single tree-changed. */
void watchers_match(Watchers *watchers, const Effective *effective, WatchEmit emit, gpointer data);
/* The same for one watch, whatever its `from`: replaying. */
void watchers_match_one(Watchers *watchers, Watch *watch, const Effective *effective,
                        WatchEmit emit, gpointer data);
/* Whether it leads elsewhere, and has not been told. */
gboolean watchers_is_moved(const Watch *watch);
/* Sends one tree-changed outside of any commit, in place of signals that were lost. */
void watchers_tell_all_changed(Watch *watch, guint64 revision, WatchEmit emit, gpointer data);

#endif

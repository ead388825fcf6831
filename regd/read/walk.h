/* SPDX-License-Identifier: MIT */
/* Walking a branch, as it is or as it was: depth first, sub-keys in the order
 * of their folded names, never through a link, each key with what the caller
 * may see of it. Shared by ReadTree, Validate and Export. */
#ifndef REGD_READ_WALK_H
#define REGD_READ_WALK_H

#include "regd/history/past-tree.h"
#include "regd/read/reader-private.h"
#include "regd/read/reader.h"
#include "regd/tree/place.h"

/* One key on the way; borrowed, good during the visit. */
typedef struct {
  const KeyRow *row; /* its row as it is now, live or dead */
  PastKey *past;     /* as it was; NULL: as it is now */
  const char *path;  /* canonical */
  gboolean is_told;  /* that there is such a key, because the one above may be read */
  Acl *today;        /* the list that decides now; NULL if there is none */
  Acl *then;         /* the one that decided then; the same as `today` without a past */
} WalkKey;

typedef struct Walk Walk;

/* FALSE with *@error unset ends the walk early. */
typedef gboolean (*WalkVisit)(Walk *walk, const WalkKey *key, GError **error);

struct Walk {
  Reader *reader;
  const Identity *who;
  gboolean skip_unreadable; /* else one that is not readable ends it with ACCESS_DENIED */
  gboolean no_follow;       /* a link as last component is itself */
  gboolean hide_secrets;    /* see TreeOptions */
  guint32 depth;            /* levels below the first key */
  WalkVisit visit;
  gpointer data;
  char **resume;    /* folded components below the first key to begin at, or NULL; owned */
  guint32 skip;     /* values of the key to begin at that were given already */
  guint32 left_out; /* keys and values that the caller may not read; none below such a key */
  gboolean found;   /* a key that the caller may read was met */
  PastTree *past;   /* NULL: as it is now; owned */
};
void walk_clear(Walk *walk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

/* Resolves @key in a snapshot that the caller ends. With @at the place may be a deleted one;
 * the walk's past is set up then. ACCESS_DENIED tells nobody who may read nothing there whether
 * there is, or was, such a key. */
Place *walk_begin(Walk *walk, const char *key, const guint64 *at, Snapshot **snapshot,
                  GError **error);
/* ACCESS_DENIED, too, if @skip_unreadable finds nothing: then the key may as well be missing. */
gboolean walk_run(Walk *walk, const Place *place, GError **error);

/* What the caller may see of the key's values, in order; a link's one value. */
GPtrArray *walk_load_values(Walk *walk, const WalkKey *key, GError **error); /* of NamedValue */

/* Whether the caller may see what a value of the key holds. */
gboolean walk_may_see(const Walk *walk, const WalkKey *key, const char *name);

const char *walk_key_get_link(const WalkKey *key);
const char *walk_key_get_class(const WalkKey *key);
gboolean walk_key_is_volatile(const WalkKey *key);

#endif

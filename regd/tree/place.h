/* SPDX-License-Identifier: MIT */
/* From a path as a caller wrote it to a place in the tree: roots, links, what exists and what
 * is missing, and the access list that decides. Reads only. */
#ifndef REGD_TREE_PLACE_H
#define REGD_TREE_PLACE_H

#include "client/base/path.h"
#include "regd/storage/store.h"

/* Where a path leads. Counted, for the thread of its store.
 *
 * The refusals of a key that the caller may not read are the same whether it exists or not: they
 * name the path as it was asked for, and the right that the call needs if it exists. So rights are
 * asked before anything else is said about a place. */
typedef struct {
  KeyRow *key; /* the key, or its nearest existing ancestor */
  GPtrArray
      *missing; /* names of the components that are missing, as asked; empty if the key exists */
  char *path;   /* canonical; the missing part spelled as asked */
  char *asked;  /* as the caller wrote it */
  GPtrArray *gates; /* the links that were followed, or kept from it; NULL: there were none */
  Acl *acl;         /* the list that decides at `key`; borrowed */
  gint64 acl_id;
  gint64 acl_origin;    /* the key that has it */
  gboolean in_volatile; /* `key` is volatile */
} Place;
Place *place_ref(Place *place);
void place_free(Place *place); /* releases one reference */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)

typedef enum {
  RESOLVE_FOLLOW,    /* follow links in every component */
  RESOLVE_NO_FOLLOW, /* links in every component but the last */
  RESOLVE_CANONICAL, /* none: what is below a link is missing */
} ResolveMode;

/* INVALID_PATH (also for the empty path), LINK_LOOP, ACCESS_DENIED (a user's own link leads
 * out of their branch), LIMIT_EXCEEDED, storage errors. Needs a transaction on @store. A link that
 * @who may not read is not followed: it is taken for missing, and the place gives them no right. */
Place *resolve(Store *store, const Identity *who, const char *path, ResolveMode mode,
               GError **error);

/* A short cut for @asked, whose last component names a direct sub-key of a place that was resolved
 * with RESOLVE_FOLLOW: costs one look-up. *@child is NULL if resolve() is needed: for a link, for a
 * refusal, or if the place does not exist. */
gboolean resolve_child(Store *store, const Place *place, const char *asked, Place **child,
                       GError **error);

gboolean place_exists(const Place *place);
/* What @who may do there, and what they may do with values that a schema calls secret. */
AccessLevel place_get_level(const Place *place, const Identity *who);
AccessLevel place_get_secret_level(const Place *place, const Identity *who);
/* ACCESS_DENIED naming the path as asked, and the right. */
gboolean place_require(const Place *place, const Identity *who, AccessLevel level, GError **error);
/* For what needs the key: KEY_NOT_FOUND if it is missing and that may be told, else
 * place_require(). */
gboolean place_require_key(const Place *place, const Identity *who, AccessLevel level,
                           GError **error);
/* For what makes the key: needs "write" if it is missing, "read" if it exists. */
gboolean place_require_to_make(const Place *place, const Identity *who, GError **error);
/* The row of the key that the place names, live or dead; 0 if neither the tree nor history has
 * one. */
gboolean place_find_row(Store *store, const Place *place, gint64 *id, GError **error);
/* The same, but KEY_NOT_FOUND if there is none. */
gboolean place_require_row(Store *store, const Place *place, gint64 *id, GError **error);
/* Sets that KEY_NOT_FOUND; returns FALSE. */
gboolean place_refuse_unknown(const Place *place, GError **error);
/* path_check_key_name() and path_check_value_name(), naming the key too. */
gboolean resolve_check_key_name(const char *key, const char *name, GError **error);
gboolean resolve_check_value_name(const char *key, const char *name, GError **error);
/* Sets ACCESS_DENIED with the text that all refusals have; returns FALSE. */
gboolean access_refuse(const char *path, AccessLevel level, GError **error);

/* The uid whose branch a canonical path lies in, at or below HKEY_USERS\<uid>. */
gboolean resolve_get_branch(const char *path, guint32 *uid);
/* Whether @row is @who's own branch, which stays theirs when it is deleted. */
gboolean resolve_is_gone_branch(const KeyRow *row, const Identity *who);
/* Whether @name is the decimal spelling of a uid. */
gboolean resolve_is_uid(const char *name, guint32 *uid);

#endif

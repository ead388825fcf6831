/* SPDX-License-Identifier: MIT */
/* Walks a sub-tree page by page. */
#ifndef CLIENT_REGCTL_BRANCH_TREE_PAGES_H
#define CLIENT_REGCTL_BRANCH_TREE_PAGES_H

#include "client/regctl/session/session.h"

/* One key and some of its values (of ListedValue). A key whose values do not
 * fit a page comes again, right after. */
typedef gboolean (*TreeVisit)(Session *session, const char *path, const GPtrArray *values,
                              gpointer data, GError **error);

/* @depth: levels below @key, G_MAXUINT32 for all. Keys that may not be read are left out,
 * with a note on standard error; ACCESS_DENIED if that is all of them. */
gboolean tree_walk(Session *session, const char *key, guint32 depth, TreeVisit visit, gpointer data,
                   GError **error);
/* All of it, as it was at revision *@at; NULL: as it is. */
gboolean tree_walk_at(Session *session, const char *key, const guint64 *at, TreeVisit visit,
                      gpointer data, GError **error);
/* The same, but ACCESS_DENIED if anything of it may not be read. */
gboolean tree_walk_whole(Session *session, const char *key, guint64 at, TreeVisit visit,
                         gpointer data, GError **error);

#endif

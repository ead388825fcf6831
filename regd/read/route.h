/* SPDX-License-Identifier: MIT */
/* The links that a path leads through, for replaying: a link of them that was
 * pointed elsewhere meanwhile means that what was known of the path is stale. */
#ifndef REGD_READ_ROUTE_H
#define REGD_READ_ROUTE_H

#include "regd/read/reader.h"

typedef struct RouteLinks RouteLinks;

/* The keys that are looked at on the way of @path as @who walks it: each that
 * is a link, and each that is missing (a link may have stood there). With
 * @no_follow the last component is not looked at: what it is leads nowhere. NULL: the reader
 * may not go on, or a key can't be read. */
RouteLinks *route_links_find(Reader *reader, const Identity *who, const char *path,
                             gboolean no_follow, GError **error);
void route_links_free(RouteLinks *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RouteLinks, route_links_free)
/* The same as folded paths, in a set; borrowed. */
GHashTable *route_links_get_keys(const RouteLinks *links);
/* Whether both ways are over the same keys. */
gboolean route_links_equal(const RouteLinks *links, const RouteLinks *others);
gboolean route_links_contain(const RouteLinks *links, const char *key);

#endif

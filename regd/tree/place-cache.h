/* SPDX-License-Identifier: MIT */
/* Where paths have led and what small values there were, kept as long as nothing
 * has changed: programs read few values often. Knows no database; whoever fills
 * it empties it. */
#ifndef REGD_TREE_PLACE_CACHE_H
#define REGD_TREE_PLACE_CACHE_H

#include "regd/tree/place.h"

typedef struct PlaceCache PlaceCache;
PlaceCache *place_cache_new(void);
void place_cache_free(PlaceCache *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlaceCache, place_cache_free)

/* The place that @path, as asked by a caller of @uid, leads to; referenced. NULL:
 * it is not known. It is shared: nobody writes to it. */
Place *place_cache_find(const PlaceCache *places, guint32 uid, const char *path, ResolveMode mode);
/* References @place. What is long, or borrows from its caller, is not kept. */
void place_cache_add(PlaceCache *places, guint32 uid, const char *path, ResolveMode mode,
                     Place *place);

/* The value that was found at @place under @name, as asked; borrowed. NULL: it is
 * not known. */
RegistryValue *place_cache_find_value(const PlaceCache *places, const Place *place,
                                      const char *name);
/* References both; @place is one that is kept, or it is for nothing. Not large ones. */
void place_cache_add_value(PlaceCache *places, Place *place, const char *name,
                           RegistryValue *value);

void place_cache_clear(PlaceCache *places);

#endif

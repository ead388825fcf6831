/* SPDX-License-Identifier: MIT */
/* A cache of the places that paths lead to, and of small values there, valid as long as
 * nothing changes: programs read few values often. Knows no database; its owner clears it. */
#ifndef REGD_TREE_PLACE_CACHE_H
#define REGD_TREE_PLACE_CACHE_H

#include "regd/tree/place.h"

typedef struct PlaceCache PlaceCache;
PlaceCache *place_cache_new(void);
void place_cache_free(PlaceCache *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlaceCache, place_cache_free)

/* The place that @path leads to for a caller of @uid, a new reference; NULL if it is not
 * cached. It is shared: do not write to it. */
Place *place_cache_find(const PlaceCache *places, guint32 uid, const char *path, ResolveMode mode);
/* References @place. Long paths, and places that borrow from their caller, are not cached; nor are
 * those that @who may not read, or how long a refusal takes would tell whether the key exists. */
void place_cache_add(PlaceCache *places, const Identity *who, const char *path, ResolveMode mode,
                     Place *place);

/* The cached value at @place under @name, as asked; borrowed, or NULL. */
RegistryValue *place_cache_find_value(const PlaceCache *places, const Place *place,
                                      const char *name);
/* References both. @place must be in the cache; otherwise the call has no effect. Large values
 * are not cached. */
void place_cache_add_value(PlaceCache *places, Place *place, const char *name,
                           RegistryValue *value);

void place_cache_clear(PlaceCache *places);

#endif

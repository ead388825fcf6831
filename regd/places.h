/* Where paths have led, kept as long as nothing has changed: programs read many
 * values of few keys. Knows no database; whoever fills it empties it. */
#ifndef REGD_PLACES_H
#define REGD_PLACES_H

#include "regd/resolve.h"

typedef struct Places Places;
Places *places_new(void);
void places_free(Places *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Places, places_free)

/* The place that @path, as asked by a caller of @uid, leads to; referenced. NULL:
 * it is not known. It is shared: nobody writes to it. */
Place *places_find(const Places *places, guint32 uid, const char *path, ResolveMode mode);
/* References @place. What is long, or borrows from its caller, is not kept. */
void places_add(Places *places, guint32 uid, const char *path, ResolveMode mode, Place *place);
void places_clear(Places *places);

#endif
